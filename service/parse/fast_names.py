"""Names of elements as feedparser would call them, and which of them the fast reader may pass over."""

from __future__ import annotations

from service.parse.vocabulary import NAMESPACES

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XML = "http://www.w3.org/XML/1998/namespace"
_USERLAND = "backend.userland.com/rss"
_PREFIXES = frozenset(NAMESPACES.values())
_MAX_NAMES = 1000  # different elements of one document


class Unusual(Exception):
    """The document needs feedparser."""


class Namer:
    """Turns expat's names (``namespace local prefix``) into feedparser's (``media_content``).

    Also tells the feed's version as far as namespaces tell it.
    """

    def __init__(self) -> None:
        self.version = ""
        self.names: dict[str, str] = {}
        self._others: dict[str, str] = {}  # unknown namespace → the first prefix it was declared with
        self._declared: dict[str, str] = {}

    def declare(self, prefix: str | None, uri: str | None) -> None:
        """A namespace comes into scope."""
        if not uri:
            return
        lowered = uri.lower()
        if not self.version:
            if (prefix, lowered) == (None, "http://my.netscape.com/rdf/simple/0.9/"):
                self.version = "rss090"
            elif lowered == "http://purl.org/rss/1.0/":
                self.version = "rss10"
            elif lowered == "http://www.w3.org/2005/atom":
                self.version = "atom10"
        known = "" if _USERLAND in lowered else NAMESPACES.get(lowered)
        if prefix:
            # One prefix for two namespaces, or a known one for another's: feedparser mixes them up.
            meant = prefix if known is None else known
            if self._declared.setdefault(prefix, uri) != uri or (prefix in _PREFIXES and prefix != meant):
                raise Unusual
            if known is None:
                self._others.setdefault(uri, prefix)

    def name(self, raw: str) -> str:
        """The name of an element, remembered."""
        parts = raw.split(" ")
        if len(parts) == 1:
            name = raw
        elif len(parts) <= 3:  # noqa: PLR2004 - namespace, name, prefix
            lowered = parts[0].lower()
            prefix = "" if _USERLAND in lowered else NAMESPACES.get(lowered)
            if prefix is None:
                prefix = self._others.get(parts[0], "")
            name = f"{prefix}_{parts[1]}" if prefix else parts[1]
        else:
            raise Unusual
        if len(self.names) >= _MAX_NAMES or ":" in name:
            raise Unusual
        self.names[raw] = name = name.lower()
        return name


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Elements that feedparser knows, but that leave alone whatever is read here.
HARMLESS = _names("""
    generator cloud rights copyright subtitle tagline webmaster expirationdate comments docs
    admin_generatoragent admin_errorreportsto cc_license creativecommons_license
    dc_publisher dc_rights dc_contributor dcterms_valid itunes_image itunes_link itunes_subtitle itunes_block
    itunes_explicit media_thumbnail media_credit media_rating media_restriction media_license media_player
    psc_chapters psc_chapter
""")
AUTHOR_PARTS = _names("name email uri url homepage")
# Everything that sets, or may shift, one of the values that are read: where no handler expects it, a reason
# to give up. The last rows are names that feedparser stores under a key that means something else.
SENSITIVE = AUTHOR_PARTS | _names("""
    rss rdf_rdf channel feed item entry image textinput source title dc_title media_title link guid id
    description dc_description media_description abstract summary itunes_summary content content_encoded
    body xhtml_body fullitem info feedburner_browserfriendly
    pubdate published issued dcterms_issued updated modified lastbuilddate dc_date dcterms_modified
    created dcterms_created author managingeditor dc_creator dc_author itunes_author contributor
    itunes_name itunes_email itunes_owner category keywords tags dc_subject media_category media_keywords
    itunes_category itunes_keywords enclosure media_content media_group language dc_language newlocation
    where geom width height ttl sy_updateperiod sy_updatefrequency
    date date_parsed authors links items published_parsed title_detail summary_detail description_detail
    issued_parsed modified_parsed
""")
# What may stand inside an element that is passed over, although it would mean something elsewhere.
SKIPPED_WITH = {
    "image": _names("title link description url width height"),
    "textinput": _names("title link description name"),
    "source": AUTHOR_PARTS | _names("title link id updated author category"),
    "contributor": AUTHOR_PARTS,
    "author": AUTHOR_PARTS,
    "itunes_owner": _names("itunes_name itunes_email"),
    "itunes_category": _names("itunes_category"),
}
