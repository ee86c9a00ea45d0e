"""What a look at a feed says of its hub, noted with the look, in its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from loguru import logger

from models import websub
from models.records import SourceRecord
from models.websub import Subscription
from service.websub.topic import Offer, Refusal, offers_of


def note_offer(
    source: SourceRecord, final_url: str, *, hubs: Sequence[str], self_url: str | None, now: datetime
) -> None:
    """Want the source's feed from a hub that it names, or give up what it no longer offers.

    :param final_url: where the feed was found, after redirects; ``hubs`` and ``self_url`` as it names them
    :raises models.errors.StorageError: nothing was noted
    """
    # A feed behind a login is between its publisher and this reader: no third party is told of it.
    offers = (
        () if _needs_login(source) else offers_of(source.location, final_url, hubs=hubs, self_url=self_url)
    )
    if isinstance(offers, Refusal):
        logger.debug("{}: its hub is not asked: {}", source.location, offers.why)
        offers = ()
    if not offers:
        websub.withdraw(source.id, now)
        return
    chosen = choose(offers, websub.of_source(source.id), now)
    if websub.discover(source.id, hub=chosen.hub, topic=chosen.topic, feed_url=final_url, now=now):
        logger.info("{}: is offered by the hub {}", source.location, chosen.hub)


def choose(offers: Sequence[Offer], known: Subscription | None, now: datetime) -> Offer:
    """One of the hubs: the one that is known as long as it serves, else the next one that is named.

    One is enough, for polling goes on; several would deliver everything several times.
    """
    hubs = [one.hub for one in offers]
    if known is None or known.hub not in hubs:
        return offers[0]
    place = hubs.index(known.hub)
    return offers[place if known.trouble(now) is None else (place + 1) % len(offers)]


def _needs_login(source: SourceRecord) -> bool:
    named = any(
        name in ("username", "password_file") or name.startswith("header.") for name in source.options
    )
    return named or urlsplit(source.location).username is not None
