"""One message: from XMPP's XML, and into it. Pure functions."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement
from xml.sax.saxutils import escape, quoteattr

from slixmpp.xmlstream import tostring

from core.message import Address, File, Inbound, Outbound

CLIENT = "{jabber:client}"
MESSAGE, PRESENCE, IQ = CLIENT + "message", CLIENT + "presence", CLIENT + "iq"
BODY, ERROR = CLIENT + "body", CLIENT + "error"
MAM = "urn:xmpp:mam:2"
STANZA_ID = "{urn:xmpp:sid:0}stanza-id"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
DELAY = "{urn:xmpp:delay}delay"
REPLACE = "{urn:xmpp:message-correct:0}replace"
RECEIPTS = "urn:xmpp:receipts"
OMEMO = "{eu.siacs.conversations.axolotl}"
ENCRYPTED = (
    f"{OMEMO}encrypted",
    "{urn:xmpp:omemo:2}encrypted",
    "{jabber:x:encrypted}x",
    "{urn:xmpp:eme:0}encryption",
)
NOT_FOR_PEOPLE = (
    "{http://jabber.org/protocol/muc#user}x",
    "{jabber:x:conference}x",
    "{urn:xmpp:carbons:2}received",
    "{urn:xmpp:carbons:2}sent",
    "{urn:xmpp:reactions:0}reactions",
    f"{{{MAM}}}result",
)
"""A private message in a room comes from the room, not from a person's address."""

KINDS = {
    "picture": ("jpg", "jpeg", "png", "gif", "webp", "heic", "heif", "avif"),
    "voice": ("ogg", "oga", "opus", "m4a", "mp3", "aac", "amr", "wav", "flac"),
    "video": ("mp4", "webm", "mov", "mkv", "3gp", "avi", "mpeg"),
}
KIND = {extension: kind for kind, extensions in KINDS.items() for extension in extensions}

UNREADABLE = "🔒 OMEMO"
"""What a client without encryption shows instead."""

OWN_ID = "mg."
"""What the ids of the gateway's own messages begin with."""

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def xml_safe(text: str) -> str:
    """-> the text with every character that XML 1.0 forbids as U+FFFD: one of them would close the
    stream (fritzy/SleekXMPP#210). Line ends become LF, as every XML parser makes them."""
    return _ILLEGAL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def attribute(text: str) -> str:
    """-> quoted, ready to stand behind `name=`."""
    return quoteattr(xml_safe(text))


def bare(jid: str) -> str:
    return jid.partition("/")[0]


# --------------------------------------------------------------------------------------- in


@dataclass(frozen=True)
class Bounce:
    """A message of ours came back (RFC 6120, 8.3). condition, kind: "gone", "cancel"."""

    id: str
    sender: str = field(repr=False)
    condition: str
    kind: str


def bounce(xml: Element) -> Bounce | None:
    """-> what an error says; None if it comes from one of a person's devices: only their server
    can tell that an address is dead."""
    error, sender = xml.find(ERROR), xml.get("from", "")
    if error is None or "/" in sender:
        return None
    names = (c.tag for c in error if c.tag.startswith("{urn:ietf:params:xml:ns:xmpp-stanzas}"))
    condition = next(names, "}undefined-condition").partition("}")[2]
    return Bounce(xml.get("id", ""), sender, condition, error.get("type", "cancel"))


def archive_id(xml: Element, own: str) -> str | None:
    """-> the id under which our own server archived it (XEP-0359); nobody else's word counts."""
    return next((e.get("id") for e in xml.iterfind(STANZA_ID) if e.get("by") == own), None)


def read(xml: Element, own: str, archived: str | None) -> Inbound | None:
    """-> what a person said; None if it is no person saying something to the bot.

    own       the bot's bare JID
    archived  the message's id in the archive, which is the same however often and whichever way
              the message comes. Without one the id is made of everything that a redelivery
              repeats; old clients count their ids from 1 at each start, hence the text
    """
    sender = bare(xml.get("from", ""))
    if xml.get("type", "normal") not in ("chat", "normal") or sender in ("", own):
        return None
    if any(xml.find(tag) is not None for tag in NOT_FOR_PEOPLE):
        return None
    origin = xml.find("{urn:xmpp:sid:0}origin-id")
    native = (origin.get("id", "") if origin is not None else "") or xml.get("id", "")
    body, text = xml.find(BODY), ""
    if body is not None:
        text = body.text or ""
    reply, replace = xml.find("{urn:xmpp:reply:0}reply"), xml.find(REPLACE)
    retract = xml.find("{urn:xmpp:message-retract:1}retract")
    parts: tuple[str, ...] = (sender, native, _nonce(xml) or text)
    if reply is not None and text:
        text = _without_fallback(xml, text)
    files = _files(xml, text, sender)
    if files and (text.startswith("geo:") or text == _url(xml) or _key(text) or _is_encrypted(xml)):
        text = ""
    if retract is not None:
        native, text, files = retract.get("id", ""), "", ()
    elif not text and not files:
        return None
    if archived is None and not parts[1]:
        parts = (uuid.uuid4().hex,)
    return Inbound(
        id=archived or hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32],
        sender=Address("xmpp", sender),
        text=text,
        native=native,
        answers_to=reply.get("id") if reply is not None else None,
        edits=replace.get("id") if replace is not None else None,
        locale=xml.get(LANG) or (body.get(LANG) if body is not None else None),
        files=files,
        deleted=retract is not None,
    )


def _without_fallback(xml: Element, text: str) -> str:
    """Cuts out the quotation that stands there for clients without replies (XEP-0428). Offsets
    are code points, from the start of the whole body."""
    for fallback in xml.iterfind("{urn:xmpp:fallback:0}fallback"):
        part = fallback.find("{urn:xmpp:fallback:0}body")
        if fallback.get("for") != "urn:xmpp:reply:0" or part is None:
            continue
        start, end = part.get("start", ""), part.get("end", "")
        if start.isdecimal() and end.isdecimal() and int(start) <= int(end) <= len(text):
            return text[: int(start)] + text[int(end) :]
    return text


def _url(xml: Element) -> str | None:
    url = xml.find("{jabber:x:oob}x/{jabber:x:oob}url")
    return url.text if url is not None else None


def _is_encrypted(xml: Element) -> bool:
    return any(xml.find(tag) is not None for tag in ENCRYPTED)


def _files(xml: Element, text: str, sender: str) -> tuple[File, ...]:
    if _is_encrypted(xml):  # the body only says that one cannot read it here
        return (File("encrypted"),)
    if xml.find("{urn:xmpp:stickers:0}sticker") is not None:
        return (File("sticker"),)
    if re.match(r"geo:-?\d", text):
        return (File("location"),)
    key, url = _key(text), _url(xml)
    if key:
        url = text.split("#")[0].replace("aesgcm", "https", 1)
    if url is None:
        shared = xml.find("{urn:xmpp:sfs:0}file-sharing") is not None
        return (File("document"),) if shared else ()
    extension = re.split(r"[?#]", url)[0].rpartition(".")[2].lower()
    kind = KIND.get(extension, "document")
    wanted = kind == "picture" or extension == "pdf"
    domain = sender.rpartition("@")[2]
    return (File(kind, f"{domain} {url} {key}".rstrip() if wanted else ""),)


def _key(text: str) -> str:
    """-> what opens the file that a link of XEP-0454 leads to, in hexadecimal; "" for other texts.
    A second line may hold a small picture of it."""
    found = re.match(r"aesgcm://[^\s#]+#([0-9A-Fa-f]{88}|[0-9A-Fa-f]{96})(\n|$)", text)
    return found[1] if found else ""


def is_omemo(xml: Element) -> bool:
    return xml.find(f"{OMEMO}encrypted") is not None


def has_payload(xml: Element) -> bool:
    """False: the message only tends the session (XEP-0384, 4.6)."""
    return xml.find(f"{OMEMO}encrypted/{OMEMO}payload") is not None


def sending_device(xml: Element) -> int:
    """-> the number of the device that encrypted it; 0 if it does not say."""
    header = xml.find(f"{OMEMO}encrypted/{OMEMO}header")
    number = header.get("sid", "") if header is not None else ""
    return int(number) if number.isdecimal() and len(number) <= 10 else 0


def _nonce(xml: Element) -> str:
    """-> what no other encrypted message has."""
    return xml.findtext(f"{OMEMO}encrypted/{OMEMO}header/{OMEMO}iv") or ""


def opened(xml: Element, text: str) -> Element:
    """-> the message as it was before it was encrypted: only its body was."""
    inside = Element(xml.tag, xml.attrib)
    inside.extend(e for e in xml if e.tag not in (BODY, *ENCRYPTED))
    SubElement(inside, BODY).text = text
    return inside


# -------------------------------------------------------------------------------------- out


def message_id(out: Outbound) -> str:
    """-> the same for every resend of the same thing; tells nothing about it."""
    return OWN_ID + hashlib.sha256(f"{out.key}\0{out.to.handle}".encode()).hexdigest()[:24]


def body(out: Outbound, picture: str | None = None) -> str:
    """-> the text, behind the quotation of what it replies to (XEP-0428). picture: the link to it,
    which is then all of the body: else clients show it as a link."""
    return xml_safe(picture) if picture is not None else _quotation(out) + xml_safe(out.text)


def _quotation(out: Outbound) -> str:
    if out.answers_to is None or not out.quote:
        return ""
    return "".join(f"> {line}\n" for line in xml_safe(out.quote).split("\n"))


def _beside(out: Outbound, own: str, quoted: int) -> str:
    """-> which message it is, replies to (XEP-0461), corrects (XEP-0308): ids, and no words."""
    more = f"<origin-id xmlns='urn:xmpp:sid:0' id={attribute(message_id(out))}/>"
    if out.answers_to is not None:
        author = own if out.answers_to.startswith(OWN_ID) else out.to.handle
        more += (
            f"<reply xmlns='urn:xmpp:reply:0' to={attribute(author)}"
            f" id={attribute(out.answers_to)}/>"
        )
        if quoted:
            more += (
                "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>"
                f"<body start='0' end='{quoted}'/></fallback>"
            )
    if out.replaces is not None:
        more += f"<replace xmlns='urn:xmpp:message-correct:0' id={attribute(out.replaces)}/>"
    return more


def write(out: Outbound, own: str, picture: str | None = None) -> str:
    """-> the <message/>, in plain text. picture: as for `body`."""
    text, quoted = body(out, picture), 0 if picture is not None else len(_quotation(out))
    more = _beside(out, own, quoted)
    if picture is not None:
        more += f"<x xmlns='jabber:x:oob'><url>{escape(text)}</url></x>"
    return (
        f"<message type='chat' to={attribute(out.to.handle)} id={attribute(message_id(out))}"
        f" xml:lang={attribute(out.language.replace('_', '-'))}><body>{escape(text)}</body>"
        f"{more}</message>"
    )


def write_encrypted(out: Outbound, own: str, encrypted: Element, picture: bool = False) -> str:
    """-> the <message/> around what was made of `body`. Nothing beside it can be read: no words,
    no language, no link."""
    more = _beside(out, own, 0 if picture else len(_quotation(out)))
    return enveloped(out.to.handle, message_id(out), encrypted, f"<body>{UNREADABLE}</body>{more}")


def enveloped(to: str, id: str, encrypted: Element, more: str = "") -> str:
    return (
        f"<message type='chat' to={attribute(to)} id={attribute(id)}>{tostring(encrypted)}{more}"
        "<encryption xmlns='urn:xmpp:eme:0' name='OMEMO' namespace='eu.siacs.conversations.axolotl'"
        "/><store xmlns='urn:xmpp:hints'/></message>"
    )


def retraction(native: str, to: str) -> tuple[str, str]:
    """-> its id, always the same, and the <message/> that asks the clients to delete one of ours
    (XEP-0424), to be archived and kept for those who are away like any other (XEP-0334). Old
    clients show its body."""
    id = OWN_ID + hashlib.sha256(f"retract {native}\0{to}".encode()).hexdigest()[:24]
    return id, (
        f"<message type='chat' to={attribute(to)} id={attribute(id)}><body>…</body>"
        f"<retract xmlns='urn:xmpp:message-retract:1' id={attribute(native)}/>"
        "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/>"
        f"<store xmlns='urn:xmpp:hints'/><origin-id xmlns='urn:xmpp:sid:0' id={attribute(id)}/>"
        "</message>"
    )


def contact_request(to: str) -> str:
    return f"<presence type='subscribe' to={attribute(to)}/>"


def receipt(xml: Element) -> str | None:
    """-> "the gateway has it" (XEP-0184), to the device that asked; None if it did not ask."""
    if xml.find(f"{{{RECEIPTS}}}request") is None or not xml.get("id"):
        return None
    return (
        f"<message type='chat' to={attribute(xml.get('from', ''))} id='{uuid.uuid4().hex}'>"
        f"<received xmlns='{RECEIPTS}' id={attribute(xml.get('id', ''))}/></message>"
    )
