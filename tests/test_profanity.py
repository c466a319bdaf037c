"""An encrypted chat with a client that is not ours and shares no library with the gateway."""

from __future__ import annotations

from core.message import File, Inbound, Outbound
from tests.conftest import need_program
from tests.platforms.omemo import OmemoPlatform
from tests.platforms.profanity import Profanity
from tests.test_contract import Gateway
from tests.test_omemo import omemo


async def test_profanity_and_the_gateway_read_each_other_also_after_a_restart() -> None:
    for program in ("prosody", "profanity"):
        need_program(program)
    platform = OmemoPlatform()
    await platform.start()
    gateway = Gateway(platform)
    await gateway.start()
    await omemo(gateway).ready.wait()
    phone = await platform.phone()  # Profanity adds itself to a list, and begins none
    platform.phones.remove(phone)
    await phone.hang_up()
    user = phone.address.handle.partition("@")[0]
    async with Profanity(platform.server, user, platform.bot) as client:
        await client.encrypts(await omemo(gateway).device.fingerprint())
        await client.type("hello")
        event = (await gateway.until(1))[0]  # its server shows its keys to contacts alone
        assert isinstance(event, Inbound)
        assert event.files == (File("encrypted"),)
        await gateway.adapter.send(Outbound("k", phone.address, "please send it again"))
        await client.reads("please send it again")
        await client.until("(?i)authori[sz]ation request")
        await client.type(f"/sub allow {platform.bot}")
        for turn in range(2):
            await client.type(f"پدرم را دیشب بردند {turn}")
            event = (await gateway.until(2 * turn + 2))[-1]
            assert isinstance(event, Inbound)
            assert (event.text, event.encrypted) == (f"پدرم را دیشب بردند {turn}", True)
            await gateway.adapter.send(Outbound(f"k{turn}", phone.address, f"we heard you {turn}"))
            await client.reads(f"we heard you {turn}")
            await gateway.stop()
            await client.type(f"while you were away {turn}")
            await gateway.start()
            event = (await gateway.until(2 * turn + 3))[-1]
            assert isinstance(event, Inbound)
            assert (event.text, event.encrypted) == (f"while you were away {turn}", True)
    await gateway.stop()
    await platform.stop()
