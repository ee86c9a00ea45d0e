"""Which hub a feed offers, and under which address the hub knows the feed. Pure.

A feed is a stranger's word. One that names somebody else's feed as its own address would have a hub send us
that one's articles under this source's name; so the address counts only where the source's own answer came
from, or on the same registrable domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from service.clean.urls import registrable_domain

MAX_LENGTH = 2048  # characters of an address; a form with more would be refused by many a server
_UNSEEN = frozenset(map(chr, (*range(0x21), 0x7F)))


@dataclass(frozen=True, slots=True)
class Offer:
    """Where to subscribe to what. ``topic`` is as the feed writes it: hubs compare the letters."""

    hub: str
    topic: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a feed's offer is not taken, for a person."""

    why: str


def offers_of(
    location: str, final_url: str, *, hubs: Sequence[str], self_url: str | None
) -> tuple[Offer, ...] | Refusal:
    """What a feed offers, in its own order, or why none of that is taken; nothing where it names no hub.

    :param location: the source's address, ``final_url`` where redirects led from there
    :param hubs: as the feed or the headers of the answer name them, likewise ``self_url``
    """
    found = [_offer(location, final_url, hub, self_url) for hub in hubs]
    offers = tuple(dict.fromkeys(one for one in found if isinstance(one, Offer)))
    refusal = next((one for one in found if isinstance(one, Refusal)), None)
    return refusal if refusal and not offers else offers


def _offer(location: str, final_url: str, hub: str, self_url: str | None) -> Offer | Refusal:
    topic = self_url or final_url
    for name, address in (("hub", hub), ("address of its own", topic)):
        if not _is_address(address):
            return Refusal(f"the {name} that it names is no web address of ordinary length")
    if registrable_domain(topic) not in (registrable_domain(location), registrable_domain(final_url)):
        return Refusal(f"it says that it is {topic[:200]}, which is somebody else's feed")
    if _scheme(location) == "https" and _scheme(hub) == "http":
        # A delivery must not be easier to forge than the feed: nearly every hub answers with TLS as well.
        if urlsplit(hub).port not in (None, 80):
            return Refusal("its hub has no TLS, which the feed itself has")
        parts = urlsplit(hub)
        hub = parts._replace(scheme="https", netloc=parts.netloc.removesuffix(":80")).geturl()
    return Offer(hub, topic)


def _is_address(text: str) -> bool:
    if len(text) > MAX_LENGTH or not _UNSEEN.isdisjoint(text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _scheme(url: str) -> str:
    return urlsplit(url).scheme.lower()
