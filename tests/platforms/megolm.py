"""People in encrypted rooms, on stock matrix-nio: a client that is not ours, in this process."""

from __future__ import annotations

import io
import logging
import tempfile
from dataclasses import replace
from typing import Any

import nio  # type: ignore[import-untyped]
from nio.crypto.attachments import decrypt_attachment  # type: ignore[import-untyped]
from nio.store import SqliteStore  # type: ignore[import-untyped]

from tests.platforms.matrix import MatrixPhone, MatrixPlatform, seen

# the phones' own: it logs what nio's store keeps of them
logging.getLogger("peewee").setLevel(logging.WARNING)

ENCRYPTION = {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}


class MegolmPhone(MatrixPhone):
    """device: of the log-in. Its keys are published when it first writes."""

    device: str

    async def start(self) -> None:
        self.disk = tempfile.TemporaryDirectory(prefix="matrix-phone-")
        config = nio.AsyncClientConfig(
            store=SqliteStore, store_name="nio.db", encryption_enabled=True
        )
        self.nio = nio.AsyncClient(
            self.synapse.url, self.user, store_path=self.disk.name, config=config
        )
        self.nio.restore_login(self.user, self.device, self.token)
        await self.nio.keys_upload()

    async def stop(self) -> None:
        await self.nio.close()
        self.nio.store.database.close()
        self.disk.cleanup()

    async def make_room(self, **more: object) -> str:
        self.room = await super().make_room(**({"initial_state": [ENCRYPTION]} | more))
        while self.bot not in getattr(self.nio.rooms.get(self.room), "users", ()):
            await self._sync()
        return self.room

    async def write(self, content: object, kind: str = "m.room.message") -> str:
        room = self.room or await self.make_room()
        while self.nio.should_query_keys:
            await self.nio.keys_query()
        answer = await self.nio.room_send(room, kind, content, ignore_unverified_devices=True)
        return str(answer.event_id)

    async def _sync(self) -> None:
        answer = await self.nio.sync(timeout=10_000, since=self.since, full_state=not self.since)
        assert isinstance(answer, nio.SyncResponse), type(answer)
        self.since = answer.next_batch
        for info in answer.rooms.join.values():
            for event in info.timeline.events:
                raw = event.source
                if raw["type"] == "m.room.redaction" and raw["sender"] == self.bot:
                    self.gone.put_nowait(raw.get("redacts") or raw["content"]["redacts"])
                if event.sender == self.bot and isinstance(event, nio.RoomMessage):
                    assert event.decrypted, "the bot wrote in clear into an encrypted room"
                    content = dict(event.source["content"])
                    picture = await self._picture(content)
                    said = seen({"event_id": event.event_id, "content": content})
                    self.new.put_nowait(replace(said, picture=picture))

    async def _picture(self, content: dict[str, Any]) -> bytes | None:
        if content["msgtype"] != "m.image":
            return None
        file = content["file"]
        body = await super()._picture(content | {"url": file["url"]})
        opening = (file["key"]["k"], file["hashes"]["sha256"], file["iv"])
        return bytes(decrypt_attachment(body, *opening))

    async def send_picture(self, body: bytes, text: str = "", name: str = "a.jpg") -> str:
        answer, keys = await self.nio.upload(
            io.BytesIO(body), "image/jpeg", encrypt=True, filesize=len(body)
        )
        type = "application/pdf" if name.endswith(".pdf") else "image/jpeg"
        content = {
            "msgtype": "m.file" if name.endswith(".pdf") else "m.image",
            "body": text or name,
            "filename": name,
            "file": keys | {"url": answer.content_uri},
            "info": {"mimetype": type, "size": len(body)},
        }
        return await self.write(content)


class MegolmPlatform(MatrixPlatform):
    """As `MatrixPlatform`, and every room is encrypted."""

    async def start(self) -> None:
        await super().start()
        self.phones: list[MegolmPhone] = []

    async def stop(self) -> None:
        for phone in self.phones:
            await phone.stop()
        await super().stop()

    async def phone(self, locale: str = "en") -> MegolmPhone:
        account = await self._register("person")
        phone = MegolmPhone(self.synapse, account, self.bot, locale)
        phone.device = account["device_id"]
        await phone.start()
        self.phones.append(phone)
        return phone
