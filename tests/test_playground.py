"""The playground in a real browser: what a hand sees, presses and types on its phones."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from adapters.web import Web
from core.language import Languages
from core.message import Address, Code, Event, File, Inbound, Left, Outbound, Say
from tests.conftest import need_program
from tests.safes import Pocket
from tests.test_contract import JPEG

T = TypeVar("T")

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-prefers-reduced-motion",
)


class Bot:
    """A gateway that only listens, in a thread of its own: the browser's driver blocks this one."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self.handed_on = False
        self.keys = 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    async def hear(self, event: Event) -> bool:
        self.heard.append(event)
        return self.handed_on

    def start(self, listen: str = "127.0.0.1:0", demo: bool = False) -> None:
        async def begin() -> None:
            self.running = asyncio.create_task(self.web.run(self.hear, None, Pocket()))
            await self.web.up.wait()

        self.web = Web(listen=listen, demo=demo)
        self._do(begin())

    def stop(self) -> None:
        async def stop() -> None:
            self.running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.running

        self._do(stop())

    def end(self) -> None:
        self.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def _do(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(10)

    def say(self, handle: str, text: str, *choices: str, **more: Any) -> str:
        """Sends a message, with buttons whose value and label are the same. -> its native id"""
        self.keys += 1
        pairs = tuple((choice, choice) for choice in choices)
        out = Outbound(f"k{self.keys}", Address("web", handle), text, pairs, **more)
        return self._do(self.web.send(out))


class Hand:
    """The newcomer at the page."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def look(self, selector: str) -> WebElement:
        """The first that is visible."""
        found: WebElement = self.until(
            lambda: next((e for e in self.all(selector) if e.is_displayed()), None)
        )
        return found

    def press(self, selector: str) -> None:
        """Also if it is drawn anew in this very moment."""

        def pressed() -> bool:
            self.look(selector).click()
            return True

        self.until(pressed)

    def text(self, selector: str) -> str:
        return str(self.until(lambda: self.look(selector).text))

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def until(self, condition: Callable[[], Any]) -> Any:
        wait = WebDriverWait(self.driver, 10, 0.02, [StaleElementReferenceException])
        return wait.until(lambda _: condition())

    def write(self, handle: str, *keys: str) -> None:
        self.look(f"#phone-{handle} textarea").send_keys(*keys, Keys.ENTER)

    def texts(self, handle: str) -> list[str]:
        return [e.text for e in self.all(f"#phone-{handle} .text")]

    def shows(self, handle: str, *texts: str) -> None:
        self.until(lambda: self.texts(handle) == list(texts))

    def style(self, element: WebElement, name: str) -> str:
        return str(element.value_of_css_property(name))

    def size(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def tool(self, row: str, name: str) -> None:
        """Points at a message and presses the tool that appears beside it."""

        def pressed() -> bool:
            ActionChains(self.driver).move_to_element(self.look(f"{row} .bubble")).perform()
            self.look(f"{row} .{name}").click()
            return True

        self.until(pressed)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    need_program("chromium")
    need_program("chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    profile: Path = tmp_path_factory.mktemp("profile")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture
def bot() -> Iterator[Bot]:
    bot = Bot()
    bot.start()
    yield bot
    bot.end()


@pytest.fixture
def hand(driver: webdriver.Chrome, bot: Bot) -> Iterator[Hand]:
    """The page is open, on a wide screen. It must not have complained when the test is over."""
    hand = Hand(driver)
    hand.size(1400, 900)
    driver.get(bot.web.url)
    yield hand
    driver.get("about:blank")
    complaints = [entry["message"] for entry in driver.get_log("browser")]  # type: ignore[no-untyped-call]
    assert [c for c in complaints if "ERR_CONNECTION_REFUSED" not in c] == []


def texts(bot: Bot) -> list[str]:
    return [e.text for e in bot.heard if isinstance(e, Inbound)]


def test_four_phones_stand_side_by_side_each_in_its_own_language(hand: Hand) -> None:
    phones = {e.get_attribute("id"): e for e in hand.all(".phone")}
    assert list(phones) == [
        "phone-activist",
        "phone-volunteer",
        "phone-translator",
        "phone-moderator",
    ]
    assert all(e.is_displayed() for e in phones.values())
    rights = [e.rect["x"] + e.rect["width"] for e in phones.values()]
    assert max(rights) <= 1400
    activist, volunteer = phones["phone-activist"], phones["phone-volunteer"]
    assert (activist.get_attribute("dir"), activist.get_attribute("lang")) == ("rtl", "fa")
    assert (volunteer.get_attribute("dir"), volunteer.get_attribute("lang")) == ("ltr", "en")
    assert activist.find_element(By.TAG_NAME, "h2").text == "کنشگر"
    assert hand.style(activist.find_element(By.CSS_SELECTOR, ".bar"), "direction") == "rtl"


def test_start_says_hello_in_the_phone_s_own_language(hand: Hand, bot: Bot) -> None:
    hand.press("#phone-activist .begin button")
    hand.shows("activist", "شروع")
    (event,) = hand.until(lambda: bot.heard)
    assert (event.text, event.locale, event.sender.handle) == ("شروع", "fa", "activist")
    assert not hand.look("#phone-activist").find_element(By.CSS_SELECTOR, ".begin").is_displayed()


def test_what_is_typed_is_sent_and_ticked_when_it_arrived_and_when_it_was_passed_on(
    hand: Hand, bot: Bot
) -> None:
    hand.write("volunteer", "one line", Keys.SHIFT + Keys.ENTER + Keys.NULL, "and another")
    hand.shows("volunteer", "one line\nand another")
    hand.until(lambda: hand.look("#phone-volunteer .tick").text == "✓")
    bot.handed_on = True
    hand.write("volunteer", "to her")
    hand.until(lambda: hand.all("#phone-volunteer .tick")[1].text == "✓✓")
    assert texts(bot) == ["one line\nand another", "to her"]


def test_buttons_press_turn_grey_and_can_still_be_pressed(hand: Hand, bot: Bot) -> None:
    native = bot.say("volunteer", "Post it?", "yes", "no")
    hand.press("#phone-volunteer [data-value=yes]")
    hand.look("#phone-volunteer .choices.spent .pressed")
    hand.press("#phone-volunteer [data-value=no]")
    hand.until(lambda: len(bot.heard) == 2)
    pressed = [(e.pressed, e.native) for e in bot.heard if isinstance(e, Inbound)]
    assert pressed == [("yes", native), ("no", native)]


def test_a_message_corrected_in_place_keeps_the_keyboard_where_it_was(hand: Hand, bot: Bot) -> None:
    native = bot.say("volunteer", "Which help?", "journalism", "done")
    button = hand.look("#phone-volunteer [data-value=journalism]")
    button.send_keys(Keys.ENTER)
    hand.until(lambda: bot.heard)
    bot.say("volunteer", "Which help? One chosen.", "journalism", "done", replaces=native)
    hand.shows("volunteer", "Which help? One chosen.")
    assert hand.text("#phone-volunteer .edited") == "edited"
    assert not hand.all("#phone-volunteer .spent")
    focused = hand.driver.switch_to.active_element
    assert focused.get_attribute("data-value") == "journalism"


def test_a_native_reply_names_its_message_and_shows_it(hand: Hand, bot: Bot) -> None:
    native = bot.say("translator", "A · 7KQ\n│ پدرم را دیشب بردند")
    hand.tool("#phone-translator .theirs", "reply")
    assert hand.text("#phone-translator .context span") == "پدرم را دیشب بردند"
    hand.write("translator", "They took my father last night")
    hand.until(lambda: bot.heard)
    event = bot.heard[0]
    assert isinstance(event, Inbound)
    assert (event.text, event.answers_to) == ("They took my father last night", native)
    assert hand.text("#phone-translator .mine .snippet") == "پدرم را دیشب بردند"
    assert not hand.look("#phone-translator").find_element(By.CLASS_NAME, "context").is_displayed()
    hand.write("translator", "and this is no reply")
    hand.until(lambda: len(bot.heard) == 2)
    assert bot.heard[1].answers_to is None  # type: ignore[union-attr]


def test_a_reply_of_the_bot_leads_to_what_it_answers(hand: Hand, bot: Bot) -> None:
    hand.write("volunteer", "the first line")
    (event,) = hand.until(lambda: bot.heard)
    for i in range(30):
        bot.say("volunteer", f"line {i}")
    bot.say("volunteer", "🌐", answers_to=event.native, quote="the first")
    snippet = hand.look("#phone-volunteer .theirs .snippet")
    assert snippet.text == "the first line"
    first = hand.look("#phone-volunteer .mine")
    chat = hand.look("#phone-volunteer .chat")
    assert first.rect["y"] < chat.rect["y"]
    snippet.click()
    hand.until(lambda: first.rect["y"] > chat.rect["y"])


@pytest.mark.parametrize("how", ["pencil", "arrow up"])
def test_the_last_own_message_can_be_edited(hand: Hand, bot: Bot, how: str) -> None:
    hand.write("volunteer", "an old line")
    hand.write("volunteer", "helo")
    hand.until(lambda: len(bot.heard) == 2)
    if how == "pencil":
        hand.tool("#phone-volunteer .mine.last", "edit")
    else:
        hand.look("#phone-volunteer textarea").send_keys(Keys.ARROW_UP)
    hand.write("volunteer", Keys.CONTROL + "a" + Keys.NULL, "hello")
    hand.shows("volunteer", "an old line", "hello")
    hand.until(lambda: len(bot.heard) == 3)
    old, edit = bot.heard[1:]
    assert isinstance(old, Inbound)
    assert isinstance(edit, Inbound)
    assert (edit.text, edit.edits) == ("hello", old.native)


def test_people_s_words_stand_behind_a_bar_on_the_side_where_they_begin(
    hand: Hand, bot: Bot
) -> None:
    text = (
        "\u200f\u2068Grey Heron · 7KQ\u2069\n│ \u2068پدرم را بردند\u2069\n│ at noon\n\nJust write."
    )
    bot.say("activist", text)
    quote = hand.look("#phone-activist blockquote")
    assert "│" not in hand.texts("activist")[0]
    assert hand.style(quote, "border-right-style") == "solid"
    assert hand.style(quote, "border-left-style") == "none"
    lines = hand.all("#phone-activist .text .line")
    assert [line.get_attribute("dir") for line in lines] == ["auto", "rtl", "auto", "rtl", "auto"]
    assert hand.style(lines[2], "unicode-bidi") == "plaintext"
    assert "from" in str(lines[0].get_attribute("class"))
    raw = hand.driver.execute_script("return arguments[0].textContent", lines[0])
    assert raw == "\u200f\u2068Grey Heron · 7KQ\u2069"


def side(hand: Hand, line: WebElement) -> str:
    """Where the letters of a line really stand."""
    return str(
        hand.driver.execute_script(
            """const box = arguments[0].getBoundingClientRect(), range = document.createRange();
            range.selectNodeContents(arguments[0]);
            const ink = range.getBoundingClientRect();
            return ink.left - box.left > box.right - ink.right ? "right" : "left";""",
            line,
        )
    )


@pytest.mark.parametrize(
    ("handle", "line", "expected"),
    [
        ("volunteer", "سلام", "right"),
        ("activist", "hello", "left"),
        ("volunteer", "\u2068Heron\u2069 سلام", "right"),
        ("volunteer", "\u200f\u20667KQ\u2069", "right"),
        ("volunteer", "│ \u2068سلام\u2069", "right"),
        ("activist", "│ \u2068hello\u2069", "left"),
        ("activist", "\u200f│ \u2068hello\u2069", "left"),
        ("activist", "12:30", "right"),
        ("volunteer", "۱۲:۳۰", "left"),
    ],
)
def test_each_line_stands_on_its_own_side(
    hand: Hand, bot: Bot, handle: str, line: str, expected: str
) -> None:
    bot.say(handle, line + "\n" + "this line is long " * 5 + "\n" + "این خط دراز است " * 5)
    assert side(hand, hand.look(f"#phone-{handle} .text .line")) == expected


def test_nothing_that_anybody_writes_becomes_markup(hand: Hand, bot: Bot) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>&amp;"
    bot.say("volunteer", evil + "\n│ " + evil, evil)
    hand.write("volunteer", evil)
    hand.until(lambda: len(hand.all("#phone-volunteer .text")) == 2)
    assert evil in hand.texts("volunteer")[0]
    assert hand.texts("volunteer")[1] == evil
    assert hand.text("#phone-volunteer .choices button") == evil
    assert not hand.all(".chat img, .chat script")


def test_files_are_pretended(hand: Hand, bot: Bot) -> None:
    hand.press("#phone-volunteer .attach")
    hand.press("#phone-volunteer [data-kind=voice]")
    assert hand.text("#phone-volunteer .file") == "Voice message"
    (event,) = hand.until(lambda: bot.heard)
    assert event.files == (File("voice"),)


def test_a_picture_is_chosen_and_the_bot_s_is_shown(hand: Hand, bot: Bot, tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(JPEG)
    hand.look("#phone-volunteer textarea").send_keys("My house")
    hand.all("#phone-volunteer input[type=file]")[0].send_keys(str(photo))
    (event,) = hand.until(lambda: bot.heard)
    assert (event.text, event.files[0].kind) == ("My house", "picture")
    assert bot._do(bot.web.fetch(event.files[0])) == JPEG
    hand.shows("volunteer", "My house")
    bot.say("volunteer", "│ and mine", picture=JPEG)
    image = hand.look("#phone-volunteer img.picture")
    hand.until(lambda: image.get_property("naturalWidth") == 320)


def test_lines_to_try_go_into_the_field_and_not_yet_to_the_bot(hand: Hand, bot: Bot) -> None:
    hand.press("#phone-activist .ideas")
    hand.press("#phone-activist .menu button")
    words = hand.look("#phone-activist textarea").get_attribute("value")
    assert words == "پدرم را دیشب بردند، به یک خبرنگار نیاز دارم"
    assert bot.heard == []
    hand.write("activist")
    hand.shows("activist", words)


def test_a_page_loaded_again_shows_the_chat(hand: Hand, bot: Bot) -> None:
    hand.write("volunteer", "hello")
    bot.say("volunteer", "Which help?", "journalism")
    hand.shows("volunteer", "hello", "Which help?")
    hand.driver.refresh()
    hand.shows("volunteer", "hello", "Which help?")
    assert hand.text("#phone-volunteer .choices button") == "journalism"


def test_what_is_written_while_the_gateway_is_away_arrives_when_it_is_back(
    hand: Hand, bot: Bot
) -> None:
    bot.stop()
    hand.until(lambda: hand.look("#link").text)
    hand.write("volunteer", "while you were out")
    assert hand.text("#phone-volunteer .tick") == "○"
    bot.start(bot.web.url.removeprefix("http://").rstrip("/"))
    hand.until(lambda: texts(bot) == ["while you were out"])
    hand.until(lambda: hand.look("#phone-volunteer .tick").text == "✓")
    hand.shows("volunteer", "while you were out")


TORN = """
const [selector, values] = arguments, bare = (text) => text.replace(/\\s/g, "");
return [...document.querySelectorAll(selector + " .text")].map((text, n) => {
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT), chars = [];
  for (let node; (node = walker.nextNode()); )
    for (let i = 0; i < node.length; i++) {
      const range = new Range();
      range.setStart(node, i);
      range.setEnd(node, i + 1);
      const box = range.getBoundingClientRect();
      const c = bare(node.data[i]);
      if (c && box.width) chars.push({ c, x: (box.left + box.right) / 2, y: box.top });
    }
  const value = bare(values[n]), first = chars.map((one) => one.c).join("").indexOf(value);
  const own = chars.slice(first, first + value.length);
  const inside = (one) => own.some((a) => own.some((b) =>
    a.y === one.y && b.y === one.y && a.x < one.x && one.x < b.x));
  return first >= 0 && !chars.some((one) => !own.includes(one) && inside(one));
});
"""
"""Whether each value stands on the page in one piece: nothing of the sentence between its letters.
(The browser orders lines by ICU.)"""

VALUES = ("#42", "7KQ", "Ana (12) b", "(7) x", "1-2", "ب 12 / x", "https://a.example/?c=1")


@pytest.mark.parametrize("tag", ["fa", "ar"])
def test_on_the_page_a_name_or_a_code_stands_in_one_piece(tag: str, hand: Hand, bot: Bot) -> None:
    hand.press(f"#language option[lang={tag}]")
    hand.press("#add button")
    handle = str(hand.all(f".phone[lang={tag}]")[-1].get_attribute("id")).removeprefix("phone-")

    def whole(mark: Callable[[str], str]) -> list[bool]:
        before = len(hand.texts(handle))
        for text in said:
            bot.say(handle, mark(text), language=tag)
        hand.until(lambda: len(hand.texts(handle)) == before + len(said))
        found: list[bool] = hand.driver.execute_script(
            TORN, f"#phone-{handle}", [*held] * (before // len(said) + 1)
        )
        return found[before:]

    languages, said, held = Languages(), [], []
    for value in VALUES:
        for say in (
            Say("{name} offers help with {code}.", name=value, code=Code("9ZZ")),
            Say("Kept: {term} = {meaning}", term=value, meaning="12"),
            Say("Posted as {code}.", code=Code(value)),
        ):
            said.append(languages.render(say, tag))
            held.append(value)
    assert all(whole(lambda text: text))
    # and it is the isolates that do it
    assert not all(whole(lambda text: re.sub("[\u2066\u2068\u2069]", "", text)))
    clocks = [e.text for e in hand.all(f"#phone-{handle} time")]
    assert all(re.fullmatch("[٠-٩۰-۹]{2}:[٠-٩۰-۹]{2}", clock) for clock in clocks), clocks


def test_a_new_phone_speaks_the_language_that_was_chosen_until_it_is_thrown_away(
    hand: Hand, bot: Bot
) -> None:
    hand.press("#language option[lang=tr]")
    hand.press("#add button")
    assert hand.text(".phone[lang=tr] h2") == "Yeni biri"
    handle = str(hand.look(".phone[lang=tr]").get_attribute("id")).removeprefix("phone-")
    hand.write(handle, "merhaba")
    (event,) = hand.until(lambda: bot.heard)
    assert (event.text, event.locale) == ("merhaba", "tr")
    hand.driver.refresh()
    hand.shows(handle, "merhaba")
    hand.press(".phone[lang=tr] .remove")
    hand.until(lambda: len(bot.heard) == 2)
    assert isinstance(bot.heard[1], Left)
    hand.driver.refresh()
    hand.look("#phone-activist")
    assert not hand.all(".phone[lang=tr]")


def test_on_a_small_screen_one_phone_is_in_front_and_tabs_lead_to_the_others(
    hand: Hand, bot: Bot
) -> None:
    hand.size(390, 844)
    hand.until(lambda: [e.is_displayed() for e in hand.all(".phone")] == [True, *[False] * 3])
    bot.say("translator", "news")
    tab = hand.look("#tabs .news")
    assert tab.text == "Translator"
    tab.click()
    hand.until(lambda: hand.all(".phone")[2].is_displayed())
    assert [e.is_displayed() for e in hand.all(".phone")] == [False, False, True, False]
    assert not hand.all("#tabs .news")
    tab.send_keys(Keys.ARROW_RIGHT)
    hand.until(lambda: hand.all(".phone")[3].is_displayed())
    width = hand.driver.execute_script("return document.documentElement.scrollWidth")
    assert width == 390


def test_the_story_says_that_it_plays_and_stops_when_told(hand: Hand, bot: Bot) -> None:
    bot.stop()
    bot.start(demo=True)
    hand.driver.get(bot.web.url)
    hand.press("#story button")
    hand.until(lambda: not any(e.is_displayed() for e in hand.all("#story")))
