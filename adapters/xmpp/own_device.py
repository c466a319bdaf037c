"""The gateway's own OMEMO device, the one of its account: its keys, and that others find them.

What another process or client published for the account is taken off the list: what was encrypted
for the keys of a lost or seized database would be readable there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from oldmemo.oldmemo import BundleImpl, Oldmemo
from omemo import (
    Bundle,
    BundleDownloadFailed,
    BundleNotFound,
    BundleUploadFailed,
    DeviceInformation,
    DeviceList,
    DeviceListDownloadFailed,
    DeviceListUploadFailed,
    Message,
    MessageSendingFailed,
    SessionManager,
    TrustLevel,
)
from slixmpp.exceptions import IqError, IqTimeout

from adapters.xmpp import published
from adapters.xmpp.published import Ask, Unpublished
from adapters.xmpp.ratchets import Ratchets

# it logs what people write, and where they are
logging.getLogger(SessionManager.LOG_TAG).setLevel(logging.CRITICAL + 1)
log = logging.getLogger(__name__)


class OwnDevice:
    """own: the account's bare JID. keys: brings another device's, None if it has none; raises
    Unpublished."""

    def __init__(
        self,
        own: str,
        ratchets: Ratchets,
        backend: Oldmemo,
        ask: Ask,
        keys: Callable[[str, int], Awaitable[BundleImpl | None]],
    ) -> None:
        self.manager: SessionManager | None = None
        self._own, self._ask = own, ask
        self._ratchets, self._backend, self._keys = ratchets, backend, keys
        self._stale = False
        """What is published of the keys is no longer right."""
        self._publishing: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """For each session: everybody finds this device, and no other. Raises Unpublished, IqError,
        IqTimeout, XMPPInteractionFailed, Cut."""
        there = await published.devices(self._ask, None)
        if self.manager is None:
            self.manager = await self._library()
        number = (await self.information()).device_id
        if there != [number]:
            await published.publish_devices(self._ask, [number])
        for other in there:
            if other != number:
                log.warning("xmpp: another OMEMO device of the account was taken off its list")
                with suppress(IqError):
                    await published.withdraw_bundle(self._ask, other)
        self._stale = True
        await self._publish()
        log.info("xmpp: OMEMO fingerprint %s", await self.fingerprint())

    async def information(self) -> DeviceInformation:
        assert self.manager is not None
        own, _ = await self.manager.get_own_device_information()
        return own

    async def fingerprint(self) -> str:
        return readable((await self.information()).identity_key)

    async def close(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
            await asyncio.wait({self._publishing})
        if self.manager is not None:
            await self.manager.shutdown()

    async def _publish(self) -> None:
        """The keys that others need to begin a session, once they are on disk."""
        while self._stale:
            await self._ratchets.write_account()
            self._stale = False
            number = (await self.information()).device_id
            bundle = await self._backend.get_bundle(self._own, number)
            try:
                there = await published.bundle(self._ask, None, number, self._own)
            except Unpublished:
                there = None
            if bundle != there:
                await published.publish_bundle(self._ask, bundle)

    def publish_soon(self) -> None:
        async def publish() -> None:
            try:
                await self._publish()
            except Exception as error:  # the next session does it
                log.warning("xmpp: keys not published: %s", type(error).__name__)

        self._stale = True
        if self._publishing is None or self._publishing.done():
            self._publishing = asyncio.create_task(publish())

    async def _library(self) -> SessionManager:
        """python-omemo, with what it asks of its surroundings. It stays in the mode in which it
        keeps used keys and its own answers back (`before_history_sync`): see `Omemo.answer`."""
        device = self

        class Manager(SessionManager):
            @staticmethod
            async def _upload_bundle(bundle: Bundle) -> None:
                if device.manager is not None:
                    return device.publish_soon()
                assert isinstance(bundle, BundleImpl)
                await device._ratchets.write_account()
                try:
                    await published.publish_bundle(device._ask, bundle)
                except IqError:
                    raise BundleUploadFailed from None

            @staticmethod
            async def _download_bundle(namespace: str, bare_jid: str, device_id: int) -> Bundle:
                try:
                    found = await device._keys(bare_jid, device_id)
                except Unpublished:
                    raise BundleDownloadFailed from None
                if found is None:
                    raise BundleNotFound
                return found

            @staticmethod
            async def _delete_bundle(namespace: str, device_id: int) -> None:
                """Never asked for: there is one protocol."""

            @staticmethod
            async def _upload_device_list(namespace: str, device_list: DeviceList) -> None:
                try:
                    await published.publish_devices(device._ask, list(device_list))
                except IqError:
                    raise DeviceListUploadFailed from None

            @staticmethod
            async def _download_device_list(namespace: str, bare_jid: str) -> DeviceList:
                """Others' are brought by `Omemo`; on the own account there is nobody else."""
                if bare_jid != device._own:
                    raise DeviceListDownloadFailed
                return {}

            async def _evaluate_custom_trust_level(self, device: DeviceInformation) -> TrustLevel:
                return TrustLevel.TRUSTED

            async def _make_trust_decision(
                self, undecided: frozenset[DeviceInformation], identifier: str | None
            ) -> None:
                """Never asked for: nothing is undecided."""

            @staticmethod
            async def _send_message(message: Message, bare_jid: str) -> None:
                """Never asked for: its answers are kept back."""
                raise MessageSendingFailed

        return await Manager.create(
            [self._backend], self._ratchets, self._own, None, TrustLevel.TRUSTED.name
        )


def readable(identity_key: bytes) -> str:
    """-> the fingerprint as clients show it: eight groups of eight."""
    return " ".join(SessionManager.format_identity_key(identity_key))


async def fingerprints(ask: Ask, own: str) -> list[str]:
    """-> of the keys that the server has for the account."""
    found = []
    with suppress(Unpublished, IqError, IqTimeout):
        for number in await published.devices(ask, None):
            if (bundle := await published.bundle(ask, None, number, own)) is not None:
                found.append(readable(bundle.identity_key))
    return found
