"""What to do about a source or a document that is not well: one sentence for each state and each reason.

Pure. A test holds the tables complete against the closed lists, so that nothing is shown without its mend.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.source_records import Health
from service.values import Reason

_ITSELF = "it is tried again by itself"
_MOVED_SITE = "find its new address with 'wirewatch sources test' and the site's address, then add that one"
_AGAIN = "remove it and add it again (its articles stay) with"
_REPORT = "the log has the traceback, to be reported; the rest goes on"

# Reasons that pass by themselves more often than not: a person need not look before a day is over.
PATIENT = frozenset(
    {
        Reason.DNS, Reason.CONNECT, Reason.TIMEOUT, Reason.BROKEN, Reason.HTTP_5XX, Reason.RATE_LIMITED,
        Reason.EMPTY, Reason.STORAGE, Reason.NOT_A_FEED, Reason.MALFORMED, Reason.HTTP_OTHER,
    }
)  # fmt: skip

# Reasons that this machine's own network gives, where many sources have them at a time.
NETWORK = frozenset({Reason.DNS, Reason.CONNECT, Reason.TIMEOUT})

SOURCE_MENDS: Mapping[Reason, str] = {
    Reason.DNS: f"its host name is not found; if other feeds are read, the site has moved: {_MOVED_SITE}",
    Reason.CONNECT: f"its server refuses connections; {_ITSELF}, and if that lasts, the site may have moved",
    Reason.TLS: (
        "its certificate is expired, for another name or from an unknown authority; tell the publisher, or "
        "look whether this machine's clock and certificates are right"
    ),
    Reason.TIMEOUT: f"its server is slow; {_ITSELF}, http.timeout allows it longer",
    Reason.BROKEN: f"its connection breaks in the middle; {_ITSELF}, a proxy or firewall between may cut it",
    Reason.BLOCKED: (
        f"the guard lets nobody go there; if the address is meant, {_AGAIN} --allow-private, or see "
        "http.allow_private_networks and http.allowed_ports"
    ),
    Reason.ROBOTS: (
        f"its site's robots.txt asks programs to stay away from its pages; {_AGAIN} --full-text off, or ask "
        "the publisher"
    ),
    Reason.REDIRECT: f"its redirects lead in a circle or nowhere; {_MOVED_SITE}",
    Reason.TOO_LARGE: "it is larger than http.max_size allows; raise that, or take a smaller feed",
    Reason.UNAUTHORIZED: (
        f"it wants a login, or refuses programs; {_AGAIN} --username and --password-file, or --header; "
        "set http.contact, or ask the publisher"
    ),
    Reason.NOT_FOUND: f"nothing is at its address any more; {_MOVED_SITE}, and remove this one",
    Reason.GONE: f"its server says that it is gone for good; {_MOVED_SITE}, and remove this one",
    Reason.RATE_LIMITED: (
        "its server asks for fewer requests and gets them; if it lasts, raise the gap of its host in "
        '[http.hosts."…"], or give it a slower --schedule'
    ),
    Reason.HTTP_4XX: "its server refuses the request; 'wirewatch sources test' tries another --header",
    Reason.HTTP_5XX: f"its server has a fault of its own; {_ITSELF}",
    Reason.HTTP_OTHER: f"its server gives an answer that says nothing; {_ITSELF}",
    Reason.EMPTY: f"its server sends nothing at all; {_ITSELF}, and if that lasts: {_MOVED_SITE}",
    Reason.NOT_A_FEED: f"a page stands where the feed was; {_MOVED_SITE}",
    Reason.NOT_TEXT: f"what is there is no text; {_MOVED_SITE}",
    Reason.MALFORMED: f"it is broken beyond reading; {_ITSELF}, and if that lasts, tell the publisher",
    Reason.TOO_COMPLEX: "it is nested or long beyond all limits; tell the publisher, or remove it",
    Reason.SHORTENED: "it is too long to be read whole; what was read is stored, and nothing need be done",
    Reason.PARSE_TIMEOUT: "reading it takes too long; schedule.parse_deadline allows it longer",
    Reason.PARSE_CRASH: f"reading it ends the worker process; {_REPORT}",
    Reason.MISSING: "the folder is not there; mount or make it, or remove the source",
    Reason.UNREADABLE: "the folder may not be read; give the user that Wirewatch runs as the right to",
    Reason.UNSUPPORTED: "nothing here reads what is there; remove it",
    Reason.STORAGE: f"the database could not take it; {_ITSELF}, see what is said of the database",
    Reason.INTERNAL: f"a fault of Wirewatch; {_REPORT}",
}

FILE_MENDS: Mapping[Reason, str] = {
    Reason.EMPTY: "there is no text in it; leave it, or leave such files out with --exclude",
    Reason.NOT_TEXT: "it is no text; leave such files out with --exclude, or convert them",
    Reason.UNSUPPORTED: (
        "nothing here reads this kind, or only with a password; leave such files out with --exclude, or "
        "convert them"
    ),
    Reason.MALFORMED: "it is broken beyond reading; put a whole copy in its place",
    Reason.TOO_LARGE: (
        "it is larger than folders.max_file_size (an archive or list: folders.max_container_size) allows; "
        "raise that, or split it"
    ),
    Reason.TOO_COMPLEX: (
        "it is nested, long or packed beyond all limits; split it, or convert it to plain text (what bounds "
        "archives and lists: folders.max_unpacked_size, folders.max_entries)"
    ),
    Reason.SHORTENED: "what was read of it is stored; split it, and the rest is read as well",
    Reason.PARSE_TIMEOUT: "reading it takes too long; schedule.parse_deadline allows it longer",
    Reason.PARSE_CRASH: f"reading it ends the worker process; {_REPORT}",
    Reason.MISSING: "it went away while it was read; nothing need be done",
    Reason.UNREADABLE: "it may not be read; give the user that Wirewatch runs as the right to",
    Reason.INTERNAL: f"a part of it could not be read, a fault of Wirewatch; {_REPORT}",
    Reason.STORAGE: "the database could not take it; it is read again by itself",
}

STATE_MENDS: Mapping[Health, str] = {
    Health.GONE: SOURCE_MENDS[Reason.GONE],
    Health.PAUSED: "'wirewatch sources resume' looks at it again",
    Health.EMPTY: f"it answers, but shows no entry; if that lasts: {_MOVED_SITE}",
    Health.SILENT: (
        f"it answers, but brings nothing new: so a feed dies when its site is rebuilt; if so: {_MOVED_SITE}"
    ),
    Health.UNDATED: "its entries say no date and count from when they were first seen; nothing need be done",
    Health.MOVED: (
        "write the new address where you keep lists of your own; one that goes on moving goes where another "
        "source is already: remove one of the two"
    ),
}


def for_source(health: Health, reason: str | None) -> str | None:
    """What to do about a source, None where it is well.

    :param reason: of its last failure
    """
    if health is Health.FAILING:
        return SOURCE_MENDS.get(_reason(reason), SOURCE_MENDS[Reason.INTERNAL])
    return STATE_MENDS.get(health)


def for_file(reason: str) -> str:
    """What to do about a document that could not be read."""
    return FILE_MENDS.get(_reason(reason), FILE_MENDS[Reason.INTERNAL])


def _reason(text: str | None) -> Reason:
    try:
        return Reason(text or Reason.INTERNAL)
    except ValueError:  # a newer version's, in a database that went back
        return Reason.INTERNAL
