"""The server's archive (XEP-0313, XEP-0441): is it on for the bot, and what came since the cursor.

A cursor is "<archive id> <time>". The id is exact; the time is for when the id is no longer there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, SubElement, fromstring

from slixmpp.exceptions import IqError

from adapters.xmpp.stanzas import DELAY, MAM, MESSAGE, bare
from adapters.xmpp.stream import Stream

PAGE = 50
RSM = "http://jabber.org/protocol/rsm"
RESULT = f"{{{MAM}}}result"
FORWARDED = "{urn:xmpp:forward:0}forwarded"
MARGIN = timedelta(minutes=10)
STAMP = "%Y-%m-%dT%H:%M:%SZ"


def place(id: str, xml: Element | None = None) -> str:
    """-> the cursor for an archived message. xml: what our own server put around it, with the time
    at which it was archived; of a message that just came the time is now, whatever it says itself:
    that is its sender's word."""
    delay = xml.find(DELAY) if xml is not None else None
    now = datetime.now(UTC).strftime(STAMP)
    return f"{id} {delay.get('stamp', now) if delay is not None else now}"


async def is_on(stream: Stream) -> bool:
    """-> whether the server keeps an archive of what is written to the bot.

    Asking for the preferences is not yet a query: after the first query Prosody leaves
    unacknowledged messages to the archive alone, so without an archive there must never be one.
    """
    try:
        answer = await stream.ask(Element(f"{{{MAM}}}prefs"))
        prefs = answer.find(f"{{{MAM}}}prefs")
        return prefs is not None and prefs.get("default") != "never"
    except IqError:
        pass
    try:
        answer = await stream.ask(Element("{http://jabber.org/protocol/disco#info}query"))
    except IqError:
        return False
    return any(e.get("var") == MAM for e in answer.iter() if e.tag.endswith("}feature"))


def result(xml: Element, own: str) -> Element | None:
    """-> an item of the archive, if our own server sent it."""
    return xml.find(RESULT) if bare(xml.get("from", own)) == own else None


async def since(stream: Stream, cursor: str) -> AsyncIterator[tuple[str, str, Element]]:
    """-> (archive id, cursor, message) of everything after the cursor, oldest first, also the
    bot's own messages. Raises IqError, IqTimeout."""
    after, _, stamp = cursor.partition(" ")
    start: str | None = None
    while True:
        page = stream.page = []
        try:
            answer = await stream.ask(_query(after, start), "set")
        except IqError as error:
            # expired: whatever is left is newer, but an archive may also have been made anew
            if error.condition != "item-not-found" or start is not None or not stamp:
                raise
            after, start = "", _before(stamp)
            continue  # where there is no such time, from the beginning: what was heard is known
        finally:
            stream.page = None
        for item in page:
            forwarded = item.find(FORWARDED)
            message = forwarded.find(MESSAGE) if forwarded is not None else None
            if forwarded is not None and message is not None:
                id = item.get("id", "")
                yield id, place(id, forwarded), message
        fin = answer.find(f"{{{MAM}}}fin")
        last = fin.find(f"{{{RSM}}}set/{{{RSM}}}last") if fin is not None else None
        if fin is None or fin.get("complete") == "true" or last is None or not last.text:
            return
        after = last.text


def _before(stamp: str) -> str:
    """-> "" for what is no time."""
    try:
        moment = datetime.fromisoformat(stamp.replace("Z", "+00:00")).astimezone(UTC)
        return (min(moment, datetime.now(UTC)) - MARGIN).strftime(STAMP)
    except (ValueError, OverflowError):
        return ""


def _query(after: str, start: str | None) -> Element:
    query = Element(f"{{{MAM}}}query")
    if start:
        query.append(
            fromstring(
                "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
                f"<value>{MAM}</value></field><field var='start'><value>{start}</value></field></x>"
            )
        )
    page = SubElement(query, f"{{{RSM}}}set")
    SubElement(page, f"{{{RSM}}}max").text = str(PAGE)
    if after:
        SubElement(page, f"{{{RSM}}}after").text = after
    return query
