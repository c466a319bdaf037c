"""The commands in a client's menu (ad-hoc commands, XEP-0050), in the language that it asks in. One
that is picked is heard like one that is written, and answered in the chat."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from adapters.xmpp.stanzas import LANG, attribute, bare
from core.message import Address, Inbound

COMMANDS = "http://jabber.org/protocol/commands"
ITEMS, INFO = "http://jabber.org/protocol/disco#items", "http://jabber.org/protocol/disco#info"
FORMS = "jabber:x:data"

Menu = Callable[[str | None], tuple[str, Sequence[tuple[str, str]]]]
"""A language's tag, or None -> "I answer in the chat", and command -> what it does."""


@dataclass(frozen=True)
class Asked:
    """What a client wants to know or to do. answer: the IQ that says it. runs: what is heard first
    if it picked a command."""

    answer: str
    runs: Inbound | None = None


def read(xml: Element, own: str, menu: Menu) -> Asked | None:
    """An IQ -> what it asks of the menu; None if it is about something else. own: the gateway's
    bare JID."""
    sender, kind = xml.get("from", ""), xml.get("type")
    if len(xml) != 1 or bare(sender) in ("", own):
        return None
    what, language = xml[0], xml.get(LANG) or xml[0].get(LANG)
    node = what.get("node", "")
    said, lines = menu(language)
    known = dict(lines)
    if kind == "get" and what.tag == f"{{{ITEMS}}}query" and node == COMMANDS:
        jid = attribute(xml.get("to", ""))
        items = (
            f"<item jid={jid} node={attribute(id)} name={attribute(name)}/>" for id, name in lines
        )
        return Asked(_result(xml, f"<query xmlns='{ITEMS}' node='{COMMANDS}'>{''.join(items)}"
                                  "</query>"))  # fmt: skip
    if kind == "get" and what.tag == f"{{{INFO}}}query" and node in (COMMANDS, *known):
        kind, name = ("command-node", known[node]) if node in known else ("command-list", "")
        return Asked(_result(xml, f"<query xmlns='{INFO}' node={attribute(node)}>"
            f"<identity category='automation' type='{kind}' name={attribute(name)}/>"
            f"<feature var='{COMMANDS}'/><feature var='{FORMS}'/></query>"))  # fmt: skip
    if kind != "set" or what.tag != f"{{{COMMANDS}}}command":
        return None
    if node not in known:
        return Asked(error(xml, "cancel", "item-not-found"))
    if what.get("action") == "cancel":
        return Asked(_done(xml, node, "canceled", ""))
    # A client may count its ids from 1 at each start: they name nothing.
    heard = Inbound(uuid.uuid4().hex, Address("xmpp", bare(sender)), f"/{node}", locale=language)
    return Asked(_done(xml, node, "completed", f"<note type='info'>{escape(said)}</note>"), heard)


def error(xml: Element, kind: str, condition: str) -> str:
    """-> the answer that it can't be done."""
    return _iq(
        xml,
        "error",
        f"<error type='{kind}'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
    )


def _done(xml: Element, node: str, status: str, note: str) -> str:
    session = xml[0].get("sessionid") or uuid.uuid4().hex
    return _result(
        xml,
        f"<command xmlns='{COMMANDS}' node={attribute(node)} sessionid={attribute(session)}"
        f" status='{status}'>{note}</command>",
    )


def _result(xml: Element, inside: str) -> str:
    return _iq(xml, "result", inside)


def _iq(xml: Element, kind: str, inside: str) -> str:
    language = xml.get(LANG)
    return (
        f"<iq type='{kind}' to={attribute(xml.get('from', ''))} id={attribute(xml.get('id', ''))}"
        f"{f' xml:lang={attribute(language)}' if language else ''}>{inside}</iq>"
    )
