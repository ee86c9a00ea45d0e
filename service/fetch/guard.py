"""Where an outgoing connection may go, decided on the address that is connected to.

A name says nothing about where it leads: it may resolve to another address a second later (rebinding), a
redirect may point anywhere, and "0x7f.1" is an address in disguise. So the decision is taken where the
socket is made, after every name has become an address; IP literals pass there, too. The same guard serves
every outgoing call of the program: whoever opens a connection gets his connector from `Guard.connector`.

The zones follow the IANA special-purpose registries (RFC 6890 and what came after), written down here because
``ipaddress.is_global`` says different things in different patch releases of Python.
"""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssl import SSLContext

    from aiohttp import TCPConnector
    from aiohttp.abc import AbstractResolver

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SCHEMES = frozenset({"http", "https"})
DEFAULT_PORTS = "80, 443, 8000-8999"
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)


class Zone(StrEnum):
    """What kind of place an address is; a permanent move never leads from one zone to another."""

    PUBLIC = "public"
    PRIVATE = "private"  # RFC 1918, carrier-grade NAT, unique local
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"  # with the addresses where clouds serve credentials to their machines
    RESERVED = "reserved"  # unspecified, multicast, documentation, tunnels, everything never given out


_ZONES: tuple[tuple[Network, Zone], ...] = tuple(
    (ip_network(text), zone)
    for text, zone in (
        ("100.100.100.200/32", Zone.LINK_LOCAL),  # metadata at Alibaba, inside the CGNAT range
        ("168.63.129.16/32", Zone.LINK_LOCAL),  # wire server at Azure, inside a public range
        ("192.0.0.192/32", Zone.LINK_LOCAL),  # metadata at Oracle
        ("192.0.0.0/24", Zone.RESERVED),
        ("192.0.2.0/24", Zone.RESERVED),
        ("192.88.99.0/24", Zone.RESERVED),  # 6to4 relays, RFC 7526
        ("198.51.100.0/24", Zone.RESERVED),
        ("203.0.113.0/24", Zone.RESERVED),
        ("192.168.0.0/16", Zone.PRIVATE),
        ("169.254.0.0/16", Zone.LINK_LOCAL),
        ("198.18.0.0/15", Zone.RESERVED),
        ("172.16.0.0/12", Zone.PRIVATE),
        ("100.64.0.0/10", Zone.PRIVATE),  # RFC 6598
        ("0.0.0.0/8", Zone.RESERVED),  # Linux connects 0.0.0.0 to itself
        ("10.0.0.0/8", Zone.PRIVATE),
        ("127.0.0.0/8", Zone.LOOPBACK),
        ("224.0.0.0/3", Zone.RESERVED),  # multicast, class E, broadcast
        ("0.0.0.0/0", Zone.PUBLIC),
        ("::1/128", Zone.LOOPBACK),
        ("fd00:ec2::254/128", Zone.LINK_LOCAL),  # metadata at Amazon
        ("fd20:ce::254/128", Zone.LINK_LOCAL),  # metadata at Google
        ("2001:db8::/32", Zone.RESERVED),
        ("2001::/23", Zone.RESERVED),  # Teredo, ORCHID, benchmarking
        ("3fff::/20", Zone.RESERVED),
        ("2002::/16", Zone.RESERVED),  # 6to4: the address inside could be anything
        ("fe80::/10", Zone.LINK_LOCAL),
        ("fc00::/7", Zone.PRIVATE),
        ("2000::/3", Zone.PUBLIC),  # all the global unicast there is
        ("::/0", Zone.RESERVED),
    )
)
# The longest prefix that holds an address decides.
_SORTED = sorted(_ZONES, key=lambda row: -row[0].prefixlen)
_ZONES_4 = tuple(row for row in _SORTED if isinstance(row[0], IPv4Network))
_ZONES_6 = tuple(row for row in _SORTED if isinstance(row[0], IPv6Network))

_MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291 section 2.5.5.2
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, the well-known prefix


@lru_cache(maxsize=4096)
def zone(address: str | Address) -> Zone:
    """The zone of an address; RESERVED where the text is no address.

    An IPv4 address inside an IPv6 one is judged by what it leads to. Behind DNS64 every IPv4 site has an
    address in 64:ff9b::/96, so a public one there is public; no resolver gives a mapped one, so a public
    mapped one is refused with the rest. The local-use prefix 64:ff9b:1::/48 (RFC 8215) is reserved: where in
    it the IPv4 address stands cannot be known.
    """
    if isinstance(address, str):
        try:
            address = ip_address(address)
        except ValueError:
            return Zone.RESERVED
    if isinstance(address, IPv4Address):
        return next(zone for net, zone in _ZONES_4 if address in net)
    if address in _NAT64:
        return zone(IPv4Address(int(address) & 0xFFFFFFFF))
    if address in _MAPPED:
        inner = zone(IPv4Address(int(address) & 0xFFFFFFFF))
        return Zone.RESERVED if inner is Zone.PUBLIC else inner
    if address.scope_id is not None:
        address = IPv6Address(int(address))  # "fe80::1%eth0" is in no network while it names its link
    return next(zone for net, zone in _ZONES_6 if address in net)


class AddressRefused(OSError):
    """The guard refuses to connect; its text says what and why.

    An OSError, because the connection code between the socket and us lets only those through as they are.
    """

    def __init__(self, why: str) -> None:
        super().__init__(errno.EACCES, why)
        self.why = why


def parse_ports(text: str) -> tuple[range, ...]:
    """Ports and ranges of ports as settings have them: ``"80, 443, 8000-8999"``, or ``"any"``.

    :raises ValueError: says which part is no port
    """
    if text.strip().lower() == "any":
        return (range(1, 65536),)
    ports = []
    for part in text.replace(",", " ").split():
        match = _PORTS.fullmatch(part)
        if match is None:
            raise ValueError(f'{part!r} is no port: write "80", "8000-8999" or "any"')
        low, high = int(match[1]), int(match[2] or match[1])
        if not 1 <= low <= high <= 65535:  # noqa: PLR2004 - the largest port
            raise ValueError(f"{part!r} is no port between 1 and 65535, or runs backwards")
        ports.append(range(low, high + 1))
    if not ports:
        raise ValueError('no ports are named: write "80, 443", or "any"')
    return tuple(ports)


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules, as values; `connector` gives what holds them.

    ``allow`` are networks that may be connected to whatever their zone, on any port. A source's own
    ``allow_private`` opens loopback and private addresses on any port; link-local and reserved ones,
    where clouds serve credentials, need to be named in ``allow``.
    """

    allow: tuple[Network, ...] = ()
    ports: tuple[range, ...] = parse_ports(DEFAULT_PORTS)
    allow_private: bool = False  # for every source

    @classmethod
    def of(
        cls, *, allow: Iterable[str] = (), ports: str = DEFAULT_PORTS, allow_private: bool = False
    ) -> Guard:
        """A guard from settings as people write them.

        :raises ValueError: a network or port that is none, and which
        """
        return cls(tuple(ip_network(text) for text in allow), parse_ports(ports), allow_private)

    def refusal(self, address: str | Address, port: int, *, allow_private: bool = False) -> str | None:
        """Why this address and port may not be connected to, or None where they may."""
        try:
            known = ip_address(address) if isinstance(address, str) else address
        except ValueError:
            return f"{address!r} is no address"
        if any(known in network for network in self.allow):
            return None
        where = zone(known)
        if where in (Zone.PRIVATE, Zone.LOOPBACK):
            if allow_private or self.allow_private:
                return None
            return f"{known} is {where}, and neither the source nor a setting allows that"
        if where is not Zone.PUBLIC:
            return f"{known} is {where}, and no setting allows it"
        if not any(port in ports for ports in self.ports):
            return f"port {port} is not among the allowed ones"
        return None

    def literal_refusal(
        self, scheme: str, host: str, port: int, *, allow_private: bool = False
    ) -> str | None:
        """What can be said without a connection: used where a proxy makes it, and resolves the name.

        Names that a resolver turns into addresses without asking anyone ("2130706433", "localhost") count.
        """
        if scheme not in SCHEMES:
            return f"{scheme}: is no web address"
        if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 section 6.3
            host = "127.0.0.1"
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):  # a real name
            return None if any(port in ports for ports in self.ports) else f"port {port} is not allowed"
        return self.refusal(str(infos[0][4][0]), port, allow_private=allow_private)

    def connector(
        self,
        *,
        ssl_context: SSLContext | bool = True,
        allow_private: bool = False,
        resolver: AbstractResolver | None = None,
        limit: int = 100,
        keep_alive: bool = True,
        guarded: bool = True,
    ) -> TCPConnector:
        """A connector whose every socket passes the guard; call it inside the running loop.

        Connections are kept and used again, so what may use ``allow_private`` has a connector of its own.
        ``guarded=False`` is for one purpose: a connector that only ever connects to the proxy a person named.
        """
        from aiohttp import TCPConnector  # noqa: PLC0415 - 0.3 s of CPU, and zones are asked for without it

        def make_socket(info: tuple[Any, ...]) -> socket.socket:
            family, kind, protocol, _, place = info
            why = self.refusal(place[0], place[1], allow_private=allow_private) if guarded else None
            if why:
                raise AddressRefused(why)
            return socket.socket(family, kind, protocol)

        return TCPConnector(
            ssl=ssl_context,
            resolver=resolver,
            ttl_dns_cache=60,  # rebinding within it is no matter: the guard sees the address, not the name
            limit=limit,
            # aiohttp refuses a time with it where none are kept.
            **({"keepalive_timeout": 30.0} if keep_alive else {"force_close": True}),
            socket_factory=make_socket,
        )
