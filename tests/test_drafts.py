"""Machine drafts: for the translator alone, with the author's consent, by what the operator put in
place, and nothing goes out on its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from bots.config import Config, DraftsSettings, Wrong
from bots.drafts import sound
from bots.engines import LibreTranslate, Models, engine_of
from core import detection
from core.actions.drafting import Undrafted
from core.language import Languages
from tests.platforms.memory import MemoryPlatform
from tests.tiny_model import put
from tests.world import World

TEXT = "they took my brother. where is he now?"


# ------------------------------------------------------------------ models on this machine


async def test_a_model_in_the_folder_translates_sentence_by_sentence(tmp_path: Path) -> None:
    put(tmp_path / "fa_en", "fa", "en")
    models = Models(tmp_path)
    assert models.pairs() == ["fa → en"]
    try:
        said = await models.draft("fa", "en", TEXT)
        assert said
        assert await models.draft("fa", "en", TEXT) == said
        assert await models.draft("fa", "en", "") == ""
        assert await models.draft("en", "fa", TEXT) == ""
    finally:
        models.close()


async def test_two_models_meet_in_english(tmp_path: Path) -> None:
    put(tmp_path / "fa_en", "fa", "en", 1)
    put(tmp_path / "en_zh", "en", "zh", 2)
    models = Models(tmp_path)
    try:
        between = await models.draft("fa", "en", TEXT)
        assert await models.draft("fa", "zh_Hans", TEXT) == await models.draft("en", "zh", between)
    finally:
        models.close()


async def test_a_process_that_died_is_started_again(tmp_path: Path) -> None:
    put(tmp_path / "fa_en", "fa", "en")
    models = Models(tmp_path)
    try:
        said = await models.draft("fa", "en", TEXT)
        assert models._process is not None
        models._process.kill()
        models._process.wait()
        assert await models.draft("fa", "en", TEXT) == said
        (tmp_path / "fa_en" / "model" / "model.bin").write_bytes(b"broken")
        models.close()
        assert await models.draft("fa", "en", TEXT) == ""
    finally:
        models.close()


def test_what_is_no_package_is_passed_over(tmp_path: Path) -> None:
    for name, about in (("a", "no json"), ("b", "[]"), ("c", '{"from_code": "fa"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metadata.json").write_text(about)
    put(tmp_path / "d", "fa", "en")
    (tmp_path / "d" / "sentencepiece.model").unlink()
    assert Models(tmp_path).pairs() == []
    config = Config(path=tmp_path / "config.toml", drafts=DraftsSettings(models="."))
    with pytest.raises(Wrong, match=r"\[drafts\] models: no unpacked Argos package"):
        engine_of(config)


# ------------------------------------------------------------------ a server on this machine

Answer = Callable[[web.Request], Awaitable[web.Response]]


@contextlib.asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/translate", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=500),
        web.Response(text="no json"),
        web.Response(text="[1]"),
        web.Response(status=302, headers={"Location": "/elsewhere"}),
    ],
    ids=["error", "no json", "another shape", "elsewhere"],
)
async def test_a_server_that_can_not_costs_nothing(answer: web.Response) -> None:
    async def said(request: web.Request) -> web.Response:
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    async with server(said) as url:
        assert await LibreTranslate(url).draft("fa", "en", TEXT) == ""
    assert await LibreTranslate(url).draft("fa", "en", TEXT) == ""


# ------------------------------------------------------------------ the conversation

MEETING = """
people: Ana fa, Vic en vouched, Tom en vouched
Vic can: journalism
Tom translates: fa en
Ana: need برای خواهرم به یک خبرنگار نیاز دارم
Ana sees: این چیزی است که خواهند دید:
Ana presses: منتشر کن
Ana sees: منتشر شد
Vic sees: 🔎 {code}
Vic: offer {code} I write for a newspaper in Paris.
Vic sees: Sent.
Ana sees: نوشته‌شده به انگلیسی
Ana presses: می‌پذیرم
Ana sees: فقط بنویسید
Vic sees: Just write.
Ana sees: شما دو نفر زبان مشترکی ندارید
Vic sees: You two share no language.
Tom sees: need a translator for {code}
Ana: آقای کریمی را دیشب بردند، به ۰۹۱۲۳۴۵۶۷۸۹ زنگ بزنید
Vic sees: │ آقای کریمی
Tom presses: I'll do it
Tom sees: your reply is its translation
Ana sees: یک مترجم آمد
Vic sees: A translator joined
Tom sees: │ آقای [1] را دیشب بردند، به [2] زنگ بزنید
Ana sees: ماشین
"""


class Engine:
    """Says what it was told to."""

    def __init__(self, *drafts: str) -> None:
        self.drafts = list(drafts)
        self.asked: list[str] = []

    async def draft(self, source: str, target: str, text: str) -> str:
        self.asked.append(text)
        return self.drafts.pop(0)

    def pairs(self) -> list[str]:
        return []

    def close(self) -> None:
        pass


async def told(database: str, engine: Engine, story: str) -> None:
    async with World({"memory": MemoryPlatform()}, database, engine=engine) as world:
        await world.tell(MEETING + story)


async def test_a_translator_takes_a_draft_or_corrects_it(database: str) -> None:
    engine = Engine("They took Mr [1] last night, call [2]", "Where is my sister held now?")
    await told(
        database,
        engine,
        """
        Ana presses: پیش‌نویس کند
        Ana sees: مترجم‌ها پیش‌نویسی برای اصلاح می‌گیرند
        Tom sees reply to "آقای": They took Mr [1] last night, call [2]
        Tom presses: Take it as it is
        Tom sees: Passed on.
        Vic sees reply to "آقای": drafted by a machine, checked by a person
        Ana: حالا خواهرم کجا زندانی است؟
        Vic sees: │ حالا خواهرم
        Tom sees: │ حالا خواهرم
        Tom sees: Where is my sister held now?
        Tom replies to "Where is my sister held now": Where do they hold my sister?
        Tom sees: Passed on.
        Vic sees: 🌐 translated by a person
        """,
    )
    # no name and no number reaches the machine, and both came back for the reader
    assert not [text for text in engine.asked if "کریمی" in text or "۰۹۱۲" in text]


@pytest.mark.parametrize(
    "draft",
    [
        "",
        "They took him last night, call [2]",
        "They took Mr [1] [1] last night, call [2]",
        "Mr [1] [2]",
        "They took Mr [1] last night, call [2]. " * 9,
        "آقای [1] را دیشب بردند، به [2] زنگ بزنید",
    ],
    ids=["none", "a mark lost", "a mark twice", "too short", "too long", "not translated"],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_draft_that_can_not_be_right_is_not_shown(draft: str, database: str) -> None:
    story = """
        Ana presses: پیش‌نویس کند
        Ana sees: مترجم‌ها پیش‌نویسی برای اصلاح می‌گیرند
        Tom sees nothing
    """
    engine = Engine(draft)
    await told(database, engine, story)
    assert engine.asked


SAID = {
    "en": "They took Mr [1] from the library last night, call the lawyer [2]",
    "fa": "آقای [1] را دیشب از کتابخانه بردند، به وکیل [2] زنگ بزنید",
    "ar": "أخذوا السيد [1] من المكتبة الليلة الماضية، اتصلوا بالمحامي [2]",
    "ru": "Вчера вечером [1] увезли из библиотеки, позвоните адвокату [2]",
    "uk": "Учора ввечері [1] забрали з бібліотеки, подзвоніть адвокатові [2]",
    "fr": "Ils ont emmené M. [1] de la bibliothèque hier soir, appelez l'avocate [2]",
    "es": "Anoche se llevaron al señor [1] de la biblioteca, llama a la abogada [2]",
    "tr": "Dün gece [1] beyi kütüphaneden götürdüler, avukat [2] ile konuşun",
    "zh_Hans": "昨晚他们从图书馆带走了[1]先生，请打电话给律师[2]",
    "ko": "어젯밤 그들이 도서관에서 [1] 씨를 데려갔어요. 변호사 [2]에게 전화하세요",
    "pl": "Wczoraj wieczorem zabrali pana [1] z biblioteki, zadzwońcie do adwokata [2]",
}
PAIRS = [(one, other) for one in SAID for other in SAID if one != other]


@pytest.mark.parametrize("model", [False, True], ids=["without a model", "with"])
def test_whatever_the_pair_a_translation_is_shown_and_an_original_is_not(
    model: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it does not hang on whether the model that tells languages was read already."""
    monkeypatch.setattr(detection, "_model", detection._Model() if model else None)
    languages = Languages()
    for source, target in PAIRS:
        part = Undrafted("e", 1, 1, "p", source, target, SAID[source], None)
        left = SAID[source].replace("[1]", "[1],", 1).rstrip(".") + "…"
        assert sound(languages, part, SAID[target]), (source, target)
        assert not sound(languages, part, SAID[source]), (source, target)
        assert not sound(languages, part, left), (source, target)
        others = set(SAID) - {source, target, "pl"}
        wrong = [tag for tag in sorted(others) if sound(languages, part, SAID[tag])]
        assert target == "pl" or wrong == [], (source, target)


async def test_without_consent_no_machine_reads_anything(database: str) -> None:
    engine = Engine()
    await told(
        database,
        engine,
        """
        Ana presses: بدون ماشین
        Ana sees: هیچ ماشینی
        Ana: حالا خواهرم کجا زندانی است؟
        Tom sees: │ حالا خواهرم
        Tom sees nothing
        """,
    )
    assert engine.asked == []
