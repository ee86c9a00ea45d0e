"""What the elements of feeds mean: feedparser's handlers again, as functions that a `Reader` calls.

Each starts an element and gives back how it ends. Where a rule looks odd, it is feedparser's.
"""

from __future__ import annotations

import re
from functools import partial

from service.parse.body import HTML_TYPES
from service.parse.fast_names import Unusual
from service.parse.fast_reader import TYPES, Attributes, Dict, End, Reader, plain_attributes
from service.parse.fast_text import email_in, fix_address, mended

_NAMED_REFERENCE = re.compile("&([A-Za-z0-9_]+);")
_MAX_TAGS = 1000  # of one entry
_MAX_AUTHOR = 500  # characters

# -- texts ---------------------------------------------------------------------------------------------


def title(reader: Reader, attributes: Attributes, *, bars_others: bool = True) -> End:
    if reader.title_in_doubt:
        raise Unusual

    def use(value: str, detail: Dict) -> None:
        if not -1 < reader.title_depth <= reader.depth:
            reader.store("title", value, detail)
        if value and bars_others:
            reader.title_depth = reader.depth

    return reader.open_content(attributes, "text/plain", use)


def description(reader: Reader, attributes: Attributes) -> End:
    if "summary" in reader.context and not reader.has_content:
        return content(reader, attributes)
    name = "subtitle" if reader.entry is None else "summary"
    return reader.open_content(attributes, "text/html", partial(reader.store, name))


def summary(reader: Reader, attributes: Attributes) -> End:
    if "summary" in reader.context and not reader.has_content:
        return content(reader, attributes)
    return reader.open_content(attributes, "text/plain", partial(reader.store, "summary"))


def content(reader: Reader, attributes: Attributes, *, default: str = "text/plain") -> End:
    reader.has_content = True

    def use(value: str, detail: Dict) -> None:
        if reader.entry is not None:
            reader.entry.setdefault("content", []).append(detail)
        reader.context.setdefault("summary", value)

    return reader.open_content(attributes, default, use)


def plain_text(reader: Reader, _attributes: Attributes, *, name: str) -> End:
    """A plain value: dates, the language."""
    return reader.open(lambda text: reader.store(name, mended(text)))


def bare_value(reader: Reader, attributes: Attributes, *, name: str) -> End:
    """The same for elements that feedparser has no rule for: with attributes, their text is lost."""
    if attributes:
        reader.skip()
        return None
    return plain_text(reader, attributes, name=name)


def link(reader: Reader, attributes: Attributes) -> End:
    link = _with_href(plain_attributes(attributes))
    link.setdefault("rel", "alternate")
    link.setdefault("type", "application/atom+xml" if link["rel"] == "self" else "text/html")
    links = reader.context.setdefault("links", [])
    links.append(link)
    if "href" not in link:
        return reader.open(partial(_link_text, reader))
    link["href"] = fix_address(link["href"])
    if link["rel"] == "alternate" and TYPES.get(link["type"], link["type"]) in HTML_TYPES:
        reader.context["link"] = link["href"]
    return None


def _link_text(reader: Reader, text: str) -> None:
    address = mended(fix_address(text))
    if reader.entry is not None:
        address = address.replace("&amp;", "&")
    address = _NAMED_REFERENCE.sub(r"&\g<1>", address)
    reader.context["link"] = address
    if address or reader.entry is None:
        reader.context["links"][-1]["href"] = address


def guid(reader: Reader, attributes: Attributes) -> End:
    is_link = plain_attributes(attributes).get("ispermalink", "true") == "true"

    def use(text: str) -> None:
        value = mended(fix_address(text) if is_link else text)
        reader.store("id", value)
        if is_link:
            reader.context.setdefault("link", value)

    return reader.open(use)


def enclosure(reader: Reader, attributes: Attributes) -> End:
    reader.context.setdefault("links", []).append(
        {**_with_href(plain_attributes(attributes)), "rel": "enclosure"}
    )
    return None


def media_content(reader: Reader, attributes: Attributes) -> End:
    reader.context.setdefault("media_content", []).append(plain_attributes(attributes))
    return None


def author(reader: Reader, _attributes: Attributes) -> End:
    reader.context.setdefault("authors", []).append({})
    reader.in_author = True

    def use(text: str) -> None:
        reader.in_author = False
        reader.store("author", mended(text))
        _sync_author(reader)

    return reader.open(use)


def author_part(reader: Reader, _attributes: Attributes, *, key: str) -> End:
    if not reader.in_author:
        raise Unusual

    def use(text: str) -> None:
        _sync_author(reader)
        reader.context["authors"][-1][key] = text

    return reader.open(use)


def _sync_author(reader: Reader) -> None:
    """The last author's name and e-mail address on the one hand, "author" as one text on the other."""
    context = reader.context
    last = context["authors"][-1]
    if last:
        name, email = last.get("name"), last.get("email")
        if name or email:
            context["author"] = f"{name} ({email})" if name and email else name or email
    elif author := context.get("author"):
        if len(author) > _MAX_AUTHOR:
            raise Unusual
        last |= {key: part for key, part in zip(("name", "email"), email_in(author), strict=True) if part}


def category(reader: Reader, attributes: Attributes, *, scheme: str | None = None) -> End:
    plain = plain_attributes(attributes)
    _tag(reader, plain.get("term"), plain.get("scheme", scheme or plain.get("domain")), plain.get("label"))

    def use(text: str) -> None:
        term, tags = mended(text), reader.context["tags"]
        if term and tags and not tags[-1]["term"]:
            tags[-1]["term"] = term
        elif term:
            _tag(reader, term, None, None)

    return reader.open(use)


def keywords(reader: Reader, attributes: Attributes, *, scheme: str | None = None) -> End:
    if attributes:
        reader.skip()
        return None

    def use(text: str) -> None:
        for term in mended(text).split(","):
            if term.strip():
                _tag(reader, term.strip(), scheme, None)

    return reader.open(use)


def _tag(reader: Reader, term: str | None, scheme: str | None, label: str | None) -> None:
    tags = reader.context.setdefault("tags", [])
    tag = {"term": term, "scheme": scheme, "label": label}
    if (term or scheme or label) and tag not in tags:
        if len(tags) >= _MAX_TAGS:
            raise Unusual
        tags.append(tag)


def _with_href(attributes: Dict) -> Dict:
    href = attributes.get("url", attributes.get("uri", attributes.get("href")))
    if href:
        attributes.pop("url", None)
        attributes.pop("uri", None)
        attributes["href"] = href
    return attributes
