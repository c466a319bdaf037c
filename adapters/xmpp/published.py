"""What OMEMO publishes: which devices somebody has, and the keys to begin a session with each.

XEP-0384 version 0.3 (https://xmpp.org/extensions/attic/xep-0384-0.3.0.html), the one that people's
clients speak, over XEP-0163. Others' lists are asked for when they are needed and subscribed to
nowhere: their server would keep in writing who writes to the gateway.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from xml.etree.ElementTree import Element, SubElement

from oldmemo.etree import parse_bundle, parse_device_list, serialize_bundle, serialize_device_list
from oldmemo.oldmemo import NAMESPACE, BundleImpl
from slixmpp.exceptions import IqError, IqTimeout

PUBSUB = "http://jabber.org/protocol/pubsub"
OWNER = f"{PUBSUB}#owner"
DEVICES = f"{NAMESPACE}.devicelist"
BUNDLES = f"{NAMESPACE}.bundles"
SECONDS = 10.0
"""Until a server that does not answer has no keys for us."""

MOST_PUBLISHED = 1000
"""Devices of one list, and keys of one bundle, that are looked at."""

Ask = Callable[..., Awaitable[Element]]
"""`Stream.ask`: raises IqError, IqTimeout."""


class Unpublished(Exception):
    """A server did not say, or said something that cannot be read."""


class Closed(Unpublished):
    """Only for contacts: a server's rule where a client gives none (Profanity, on Prosody)."""


async def devices(ask: Ask, jid: str | None) -> list[int]:
    """-> the numbers of somebody's devices, of the own ones for None. Raises Unpublished."""
    found = await _item(ask, jid, DEVICES)
    if found is None:
        return []
    try:
        return [number for number in parse_device_list(found) if number > 0][:MOST_PUBLISHED]
    except Exception:  # schema errors, numbers that are none
        raise Unpublished from None


async def bundle(ask: Ask, jid: str | None, device: int, owner: str) -> BundleImpl | None:
    """-> a device's keys, if there are any. owner: its bare JID. Raises Unpublished."""
    found = await _item(ask, jid, f"{BUNDLES}:{device}")
    if found is None:
        return None
    try:
        if len(list(found.iter())) > MOST_PUBLISHED:
            raise ValueError
        return parse_bundle(found, owner, device)
    except Exception:
        raise Unpublished from None


async def publish_devices(ask: Ask, numbers: list[int]) -> None:
    """Raises IqError, IqTimeout."""
    await _publish(ask, DEVICES, serialize_device_list(dict.fromkeys(numbers)))


async def publish_bundle(ask: Ask, bundle: BundleImpl) -> None:
    """Raises IqError, IqTimeout."""
    await _publish(ask, f"{BUNDLES}:{bundle.device_id}", serialize_bundle(bundle))


async def withdraw_bundle(ask: Ask, device: int) -> None:
    """Raises IqError, IqTimeout."""
    pubsub = Element(f"{{{OWNER}}}pubsub")
    SubElement(pubsub, f"{{{OWNER}}}delete", node=f"{BUNDLES}:{device}")
    await ask(pubsub, "set")


async def _item(ask: Ask, jid: str | None, node: str) -> Element | None:
    """-> what stands in the latest item; None if there is none."""
    pubsub = Element(f"{{{PUBSUB}}}pubsub")
    SubElement(pubsub, f"{{{PUBSUB}}}items", node=node, max_items="1")
    try:
        answer = await ask(pubsub, "get", SECONDS, jid)
    except IqTimeout:
        raise Unpublished from None
    except IqError as error:
        if error.condition == "item-not-found":
            return None
        closed = error.condition in ("forbidden", "not-authorized")
        raise (Closed if closed else Unpublished) from None
    items = answer.findall(f"{{{PUBSUB}}}pubsub/{{{PUBSUB}}}items/{{{PUBSUB}}}item")
    latest = [item for item in items if item.get("id") == "current"] or items
    return next(iter(latest[0]), None) if latest else None


async def _publish(ask: Ask, node: str, content: Element) -> None:
    """For everybody to read, the latest alone. A node made with other rules is given these."""
    pubsub = Element(f"{{{PUBSUB}}}pubsub")
    publish = SubElement(pubsub, f"{{{PUBSUB}}}publish", node=node)
    SubElement(publish, f"{{{PUBSUB}}}item", id="current").append(content)
    options = SubElement(pubsub, f"{{{PUBSUB}}}publish-options")
    options.append(_rules(f"{PUBSUB}#publish-options"))
    try:
        await ask(pubsub, "set")
    except IqError as error:
        if error.condition != "conflict":
            raise
        configure = Element(f"{{{OWNER}}}pubsub")
        rules = SubElement(configure, f"{{{OWNER}}}configure", node=node)
        rules.append(_rules(f"{PUBSUB}#node_config"))
        await ask(configure, "set")
        await ask(pubsub, "set")


def _rules(kind: str) -> Element:
    form = Element("{jabber:x:data}x", type="submit")
    for name, value in (
        ("FORM_TYPE", kind),
        ("pubsub#access_model", "open"),
        ("pubsub#persist_items", "true"),
        ("pubsub#max_items", "1"),
    ):
        field = SubElement(form, "{jabber:x:data}field", var=name)
        SubElement(field, "{jabber:x:data}value").text = value
    return form
