"""The translators' desk, where a message is too long for one reply."""

from __future__ import annotations

import pytest

from tests.platforms.memory import MemoryPlatform
from tests.test_drafts import MEETING, Engine, told
from tests.world import World

ONE = "خواهرم دیروز از دانشگاه برنگشت و هیچ‌کس به ما نمی‌گوید کجاست. " * 19
TWO = "دوستانش می‌گویند آقای کریمی او را در تهران دیده است. شمارهٔ او ۰۹۱۲۳۴۵۶۷۸۹ است. " * 3

LONG = f"""
    Ana presses: بدون ماشین
    Ana sees: هیچ ماشینی
    Ana: {ONE.strip()} {TWO.strip()}
    Vic sees: │ خواهرم دیروز
    Tom sees: Part 1 of 2
    Tom sees: Part 2 of 2
"""


async def test_a_long_message_comes_in_parts_and_goes_on_when_all_are_there(database: str) -> None:
    await told(
        database,
        Engine(),
        LONG
        + """
        Tom replies to "Part 2 of 2": Her friends say that Mr [1] saw her.
        Tom sees: with [2] [3] in it
        Tom replies to "Part 2 of 2": Her friends say that Mr [1] saw her in [2]. His number is [3].
        Tom sees: Part 2 is kept. Still missing: 1.
        Vic sees nothing
        Tom replies to "Part 1 of 2": My sister did not come home from the university.
        Tom sees: Passed on.
        Vic sees reply to "خواهرم": │ My sister did not come home from the university.
        Tom replies to "Part 1 of 2": My sister never came home from the university.
        Tom sees: Corrected.
        """,
    )


async def test_the_parts_are_put_together_in_order_with_their_names(database: str) -> None:
    async with World({"memory": MemoryPlatform()}, database, engine=Engine()) as world:
        await world.tell(
            MEETING
            + LONG
            + """
            Tom replies to "Part 2 of 2": Mr [1] saw her in [2]. Call [3].
            Tom sees: Part 2 is kept.
            Tom replies to "Part 1 of 2": My sister did not come home.
            Tom sees: Passed on.
            Vic sees reply to "خواهرم": │ Mr کریمی saw her in تهران. Call ۰۹۱۲۳۴۵۶۷۸۹.
            """
        )


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_is_left_of_a_message_goes_back_and_may_still_be_finished(database: str) -> None:
    await told(
        database,
        Engine(),
        LONG
        + """
        Tom replies to "Part 1 of 2": My sister did not come home.
        Tom sees: Part 1 is kept. Still missing: 2.
        25 minutes pass
        Tom sees: Are you translating this
        Tom sees: Are you translating this
        5 minutes pass
        Tom sees: That message went back
        Tom sees: That message went back
        Tom replies to "Part 2 of 2": Mr [1] saw her in [2]. Call [3].
        Tom sees: Passed on.
        Vic sees reply to "خواهرم": │ My sister did not come home.
        """,
    )


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_translation_says_how_much_its_translator_is_trusted(database: str) -> None:
    meeting = MEETING.replace("Tom en vouched", "Tom en verified")
    async with World({"memory": MemoryPlatform()}, database, engine=Engine()) as world:
        await world.tell(
            meeting
            + """
            Tom replies to "آقای": They took Mr [1] last night, call [2]
            Tom sees: Passed on.
            Vic sees reply to "آقای": 🌐 translated by a verified translator
            """
        )
