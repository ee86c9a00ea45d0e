"""Addresses in one canonical form, so that one article under many addresses is one article."""

from __future__ import annotations

import ipaddress
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit, urlunsplit

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

MAX_LENGTH = 4096
_DEFAULT_PORTS = {"http": 80, "https": 443}

# Query parameters that say where a reader came from, never which page is meant: exact names, and prefixes.
# ("at_" only as listed, "source" and "ref" never: they are parameters of real pages.)
_TRACKING = """
    _ga _gl ga_source ga_medium ga_term ga_content ga_campaign ga_place gad_source gad_campaignid
    gclid gclsrc dclid gbraid wbraid srsltid
    fbclid fb_action_ids fb_action_types fb_source fb_ref action_object_map action_type_map action_ref_map
    msclkid yclid ysclid _openstat twclid ttclid igshid igsh li_fat_id epik rdt_cid sc_cid
    mc_cid mc_eid mkt_tok _hsenc _hsmi __hssc __hstc __hsfp hsctatracking
    vero_id vero_conv oly_anon_id oly_enc_id rb_clickid s_cid wickedid
    spm ncid cmpid cmp icid intcid ito xtor ocid guce_referrer guce_referrer_sig
    ns_mchannel ns_source ns_campaign ns_linkname ns_fee
    at_medium at_campaign at_custom1 at_custom2 at_custom3 at_custom4 at_link_id at_link_type
    at_link_origin at_format at_ptr_name at_bbc_team
    wt_mc wt.mc_id wtmc trk trkcampaign mbid smid __twitter_impression ref_src ref_url
    bsft_clkid bsft_eid bsft_mid bsft_uid dm_i elqtrackid elqtrack ck_subscriber_id syclid wprov sref
"""
TRACKING_PARAMETERS = frozenset(_TRACKING.split())
TRACKING_PREFIXES = ("utm_", "pk_", "piwik_", "mtm_", "matomo_", "hsa_", "stm_", "itm_")

# Addresses that only lead on, and the parameter that holds where to: (host or its parent, path, parameter).
REDIRECTORS = (
    ("google.com", "/url", ("url", "q")),
    ("bing.com", "/news/apiclick.aspx", ("url",)),
    ("facebook.com", "/l.php", ("u",)),
    ("youtube.com", "/redirect", ("q",)),
    ("duckduckgo.com", "/l/", ("uddg",)),
    ("slack-redir.net", "/link", ("url",)),
    ("steamcommunity.com", "/linkfilter/", ("url",)),
    ("vk.com", "/away.php", ("to",)),
)
_MAX_REDIRECTIONS = 3

_SPACES = re.compile(r"[\x00-\x20\x7f\u2028\u2029\ufeff]+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNSAFE = re.compile(r"""[^!#$&'()*+,/:;=?@\[\]~%A-Za-z0-9._-]""")
_BARE_HOST = re.compile(r"www\.[\w-]{1,63}\.\w", re.IGNORECASE)
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def canonical_url(link: str | None, base: str | None = None) -> str | None:
    """The canonical absolute address of a link, or None when it is no web address.

    Relative and protocol-relative links are resolved against ``base``; scheme and host are in lower case
    and IDNA; default ports, user names, fragments (but for ``#!`` routes) and tracking parameters are
    dropped; percent-escapes are normal (RFC 3986 section 6.2.2). Idempotent.
    """
    for _ in range(_MAX_REDIRECTIONS):
        url = _canonical(link, base)
        target = _redirection(url) if url else None
        if target is None:
            return url
        link, base = target, None
    return url


def _canonical(link: str | None, base: str | None) -> str | None:
    if not link or len(link) > MAX_LENGTH:
        return None
    try:
        parts = urlsplit(_absolute(link, base))
        scheme, port = parts.scheme.lower(), parts.port
        host = _host(parts.hostname or "")
    except ValueError:
        return None
    if scheme not in _DEFAULT_PORTS or not host:
        return None
    if port is not None and port != _DEFAULT_PORTS[scheme]:
        host = f"{host}:{port}"
    path = _escaped(_without_dots(parts.path)) or "/"
    fragment = parts.fragment if parts.fragment.startswith("!") else ""
    url = urlunsplit((scheme, host, path, _escaped(_without_tracking(parts.query)), _escaped(fragment)))
    return url if len(url) <= MAX_LENGTH else None


def _absolute(link: str, base: str | None) -> str:
    link = link.strip().strip("\ufeff\u200b")
    # Line breaks inside an address are an accident of layout; a space is a character of it (WHATWG URL 4.4).
    link = re.sub(r"[\t\r\n]+", "", link).replace("&amp;", "&")
    if link[:7].lower() in ("http:\\\\", "https:\\"):
        link = link.replace("\\", "/")
    if _BARE_HOST.match(link):
        link = "//" + link
    if base:
        return urljoin(base, link)
    return "https:" + link if link.startswith("//") else link


def _host(host: str) -> str:
    """A host in lower case and ASCII (UTS 46), or an IP literal as URLs write it."""
    host = host.rstrip(".").lower()
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host.partition('%')[0]).compressed}]"
    if not host.isascii():
        import idna  # noqa: PLC0415 - its tables are large and few hosts need them

        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError(str(error)) from error
    if not host or len(host) > 253 or not re.fullmatch(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?", host):  # noqa: PLR2004
        raise ValueError("no host name")
    return host


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4, which `urljoin` applies only to relative references."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)


def _without_tracking(query: str) -> str:
    return "&".join(pair for pair in query.split("&") if pair and not _is_tracking(pair.partition("=")[0]))


def _is_tracking(name: str) -> bool:
    name = unquote(name).lower()
    return name in TRACKING_PARAMETERS or name.startswith(TRACKING_PREFIXES)


def _escaped(text: str) -> str:
    """Unsafe characters escaped, unreserved ones not, hexadecimal in upper case; bare percent signs too."""
    text = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text)
    return _UNSAFE.sub(_escape, _ESCAPE.sub(_normal_escape, text))


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace"))


def _normal_escape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else f"%{match[1].upper()}"


def _redirection(url: str) -> str | None:
    """Where a known redirector leads, when that is an absolute web address."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    for domain, path, parameters in REDIRECTORS:
        if parts.path == path and (host == domain or host.endswith("." + domain)):
            values = dict(parse_qsl(parts.query, max_num_fields=100))
            for parameter in parameters:
                target = values.get(parameter, "")
                if target.lower().startswith(("http://", "https://")):
                    return target
    return None


def registrable_domain(url: str) -> str:
    """The domain that its owner registered ("news.bbc.co.uk" → "bbc.co.uk"): the unit of politeness.

    Takes an address or a host. IP addresses, single labels and what is no address return themselves.
    """
    host = url
    if "//" in url:
        try:
            host = urlsplit(url).hostname or url
        except ValueError:
            return url
    return _registrable(host.strip("[]").rstrip(".").lower())


@lru_cache(maxsize=20_000)
def _registrable(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return host
    try:
        ascii_host = _host(host)
    except ValueError:
        return host
    return _suffixes().privatesuffix(ascii_host) or ascii_host


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - reading the list takes 0.1 s

    return PublicSuffixList(accept_unknown=True)
