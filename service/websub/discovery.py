"""What a look at a feed says of its hub, noted with the look, in its transaction."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from loguru import logger

from models import websub
from models.records import SourceRecord
from service.websub.topic import Offer, Refusal, offer_of


def note_offer(
    source: SourceRecord, final_url: str, *, hub: str | None, self_url: str | None, now: datetime
) -> None:
    """Want the source's feed from the hub that it names, or give up what it no longer offers.

    :param final_url: where the feed was found, after redirects; ``hub`` and ``self_url`` as it names them
    :raises models.errors.StorageError: nothing was noted
    """
    # A feed behind a login is between its publisher and this reader: no third party is told of it.
    offer = None if _needs_login(source) else offer_of(source.location, final_url, hub=hub, self_url=self_url)
    match offer:
        case Offer(hub=named, topic=topic):
            if websub.discover(source.id, hub=named, topic=topic, feed_url=final_url, now=now):
                logger.info("{}: is offered by the hub {}", source.location, named)
        case Refusal(why=why):
            logger.debug("{}: its hub is not asked: {}", source.location, why)
            websub.withdraw(source.id, now)
        case None:
            websub.withdraw(source.id, now)


def _needs_login(source: SourceRecord) -> bool:
    named = any(
        name in ("username", "password_file") or name.startswith("header.") for name in source.options
    )
    return named or urlsplit(source.location).username is not None
