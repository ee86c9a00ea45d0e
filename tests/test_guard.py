"""Where a connection may go: zones as a table, and the guard at work on real sockets."""

from __future__ import annotations

import asyncio
import ipaddress
import subprocess
import sys
from collections.abc import Iterator

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fetch.guard import AddressRefused, Guard, Zone, parse_ports, zone
from service.fetch.http import Fetcher
from service.values import FeedTarget, Reason
from tests.fetching import NOW, RSS, Names, failed, fetched, look, looks
from tests.server import Reply, Server, redirect

STRICT = Guard()
LENIENT = {"allow_private": True}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        running.route("/feed", Reply(body=RSS))
        yield running


# -- zones ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.215.14", Zone.PUBLIC),
        ("1.1.1.1", Zone.PUBLIC),
        ("9.255.255.255", Zone.PUBLIC),
        ("11.0.0.0", Zone.PUBLIC),
        ("100.63.255.255", Zone.PUBLIC),
        ("100.128.0.0", Zone.PUBLIC),
        ("172.15.255.255", Zone.PUBLIC),
        ("172.32.0.0", Zone.PUBLIC),
        ("192.167.255.255", Zone.PUBLIC),
        ("192.169.0.0", Zone.PUBLIC),
        ("223.255.255.255", Zone.PUBLIC),
        ("10.0.0.1", Zone.PRIVATE),
        ("10.255.255.255", Zone.PRIVATE),
        ("172.16.0.0", Zone.PRIVATE),
        ("172.31.255.255", Zone.PRIVATE),
        ("192.168.1.1", Zone.PRIVATE),
        ("100.64.0.1", Zone.PRIVATE),
        ("100.127.255.255", Zone.PRIVATE),
        ("127.0.0.1", Zone.LOOPBACK),
        ("127.255.255.254", Zone.LOOPBACK),
        ("169.254.169.254", Zone.LINK_LOCAL),
        ("100.100.100.200", Zone.LINK_LOCAL),
        ("168.63.129.16", Zone.LINK_LOCAL),
        ("192.0.0.192", Zone.LINK_LOCAL),
        ("0.0.0.0", Zone.RESERVED),
        ("0.1.2.3", Zone.RESERVED),
        ("192.0.0.8", Zone.RESERVED),
        ("192.0.2.1", Zone.RESERVED),
        ("192.88.99.1", Zone.RESERVED),
        ("198.18.0.1", Zone.RESERVED),
        ("198.19.255.255", Zone.RESERVED),
        ("198.51.100.1", Zone.RESERVED),
        ("203.0.113.1", Zone.RESERVED),
        ("224.0.0.1", Zone.RESERVED),
        ("239.255.255.255", Zone.RESERVED),
        ("240.0.0.1", Zone.RESERVED),
        ("255.255.255.255", Zone.RESERVED),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", Zone.PUBLIC),
        ("2a00::1", Zone.PUBLIC),
        ("::1", Zone.LOOPBACK),
        ("fc00::1", Zone.PRIVATE),
        ("fdff:ffff::1", Zone.PRIVATE),
        ("fe80::1", Zone.LINK_LOCAL),
        ("fe80::1%eth0", Zone.LINK_LOCAL),
        ("fd00:ec2::254", Zone.LINK_LOCAL),
        ("fd20:ce::254", Zone.LINK_LOCAL),
        ("::", Zone.RESERVED),
        ("fec0::1", Zone.RESERVED),
        ("ff02::1", Zone.RESERVED),
        ("100::1", Zone.RESERVED),
        ("2001:db8::1", Zone.RESERVED),
        ("2001:20::1", Zone.RESERVED),
        ("3fff::1", Zone.RESERVED),
        ("5f00::1", Zone.RESERVED),
        ("4000::1", Zone.RESERVED),
        # IPv4 inside IPv6
        ("::ffff:127.0.0.1", Zone.LOOPBACK),
        ("::ffff:10.0.0.1", Zone.PRIVATE),
        ("::ffff:169.254.169.254", Zone.LINK_LOCAL),
        ("::ffff:0.0.0.0", Zone.RESERVED),
        ("::ffff:1.1.1.1", Zone.RESERVED),
        ("::127.0.0.1", Zone.RESERVED),
        ("::ffff:0:127.0.0.1", Zone.RESERVED),
        ("64:ff9b::127.0.0.1", Zone.LOOPBACK),
        ("64:ff9b::10.0.0.1", Zone.PRIVATE),
        ("64:ff9b::169.254.169.254", Zone.LINK_LOCAL),
        ("64:ff9b::1.1.1.1", Zone.PUBLIC),
        ("64:ff9b:1::10.0.0.1", Zone.RESERVED),
        ("64:ff9b:1::1.1.1.1", Zone.RESERVED),
        ("2002:7f00:1::", Zone.RESERVED),
        ("2002:a00:1::1", Zone.RESERVED),
        ("2002:101:101::1", Zone.RESERVED),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Zone.RESERVED),
        # no addresses
        ("localhost", Zone.RESERVED),
        ("", Zone.RESERVED),
        ("127.1", Zone.RESERVED),
    ],
)
def test_the_zone_of_an_address(address: str, expected: Zone) -> None:
    assert zone(address) is expected


@given(st.ip_addresses())
def test_what_the_standard_library_calls_private_is_never_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if zone(address) is Zone.PUBLIC:
        inner = address
        if isinstance(address, ipaddress.IPv6Address) and int(address) >> 32 == 0x64FF9B << 64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        kinds = ("private", "loopback", "link_local", "multicast", "reserved", "unspecified")
        assert [kind for kind in kinds if getattr(inner, f"is_{kind}")] == []


# -- rules ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guard", "address", "port", "allow_private", "allowed"),
    [
        (STRICT, "1.1.1.1", 80, False, True),
        (STRICT, "1.1.1.1", 443, False, True),
        (STRICT, "1.1.1.1", 8000, False, True),
        (STRICT, "1.1.1.1", 8999, False, True),
        (STRICT, "1.1.1.1", 22, False, False),
        (STRICT, "1.1.1.1", 22, True, False),  # the allowance of a source is for private addresses
        (STRICT, "1.1.1.1", 6379, False, False),
        (STRICT, "127.0.0.1", 80, False, False),
        (STRICT, "127.0.0.1", 80, True, True),
        (STRICT, "127.0.0.1", 5432, True, True),  # any port there
        (STRICT, "::1", 80, True, True),
        (STRICT, "::ffff:127.0.0.1", 80, False, False),
        (STRICT, "10.0.0.1", 3000, True, True),
        (STRICT, "100.64.0.1", 80, True, True),
        (STRICT, "169.254.169.254", 80, True, False),  # metadata need more than that
        (STRICT, "fd00:ec2::254", 80, True, False),
        (STRICT, "0.0.0.0", 80, True, False),
        (STRICT, "224.0.0.1", 80, True, False),
        (STRICT, "2002:7f00:1::", 80, True, False),
        (Guard.of(allow_private=True), "192.168.1.1", 81, False, True),
        (Guard.of(allow_private=True), "169.254.1.1", 80, False, False),
        (Guard.of(allow=["192.168.0.0/16"]), "192.168.1.1", 81, False, True),
        (Guard.of(allow=["192.168.0.0/16"]), "10.0.0.1", 80, False, False),
        (Guard.of(allow=["169.254.0.0/16"]), "169.254.169.254", 80, False, True),
        (Guard.of(allow=["64:ff9b:1::/48"]), "64:ff9b:1::a00:1", 80, False, True),
        (Guard.of(allow=["93.184.215.14"]), "93.184.215.14", 9, False, True),
        (Guard.of(ports="any"), "1.1.1.1", 22, False, True),
        (Guard.of(ports="443"), "1.1.1.1", 80, False, False),
        (STRICT, "no address", 80, True, False),
    ],
)
def test_what_may_be_connected_to(
    guard: Guard, address: str, port: int, allow_private: bool, allowed: bool
) -> None:
    refusal = guard.refusal(address, port, allow_private=allow_private)

    assert (refusal is None) is allowed, refusal


@pytest.mark.parametrize("text", ["", "http", "80-", "-80", "0", "65536", "90-80", "80,,x", "8 0 a", "٨٠"])
def test_ports_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="port"):
        parse_ports(text)


def test_ports_as_people_write_them() -> None:
    assert parse_ports("80, 443 8000-8999") == (range(80, 81), range(443, 444), range(8000, 9000))
    assert parse_ports(" ANY ") == (range(1, 65536),)


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Guard.of(allow=["nonsense"])


# -- at work -------------------------------------------------------------------------------------------


def test_loopback_needs_leave(server: Server) -> None:
    assert "127.0.0.1 is loopback" in failed(look(server.url("/feed"), guard=STRICT), Reason.BLOCKED).detail
    assert server.requests == []

    fetched(look(FeedTarget(server.url("/feed"), allow_private=True), guard=STRICT))
    fetched(look(server.url("/feed"), guard=Guard.of(allow_private=True)))
    fetched(look(server.url("/feed"), guard=Guard.of(allow=["127.0.0.0/8"])))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.2",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "[::]",
        "10.0.0.1",
        "169.254.169.254",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "999.0.0.1",
        "\uff11\uff12\uff17.0.0.1",  # full-width digits become 127.0.0.1 in IDNA
    ],
)
def test_no_way_of_writing_it_gets_past(server: Server, host: str) -> None:
    failed(look(f"http://{host}:{server.port}/feed", guard=STRICT), Reason.BLOCKED)

    assert server.requests == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "64:ff9b::7f00:1"],
)
def test_a_name_that_leads_to_a_forbidden_address(address: str) -> None:
    result = look("http://feeds.test/", guard=STRICT, resolver=Names({"feeds.test": address}))

    assert "the guard refuses feeds.test" in failed(result, Reason.BLOCKED).detail


def test_all_addresses_of_a_name_are_refused() -> None:
    resolver = Names({"feeds.test": "127.0.0.1 10.0.0.1 ::1 169.254.169.254"})

    failed(look("http://feeds.test/", guard=STRICT, resolver=resolver), Reason.BLOCKED)


def test_a_name_with_one_forbidden_address_is_reached_by_the_other(server: Server) -> None:
    resolver = Names({"feeds.test": "127.0.0.2 127.0.0.1"})

    fetched(
        look(server.url("/feed", host="feeds.test"), guard=Guard.of(allow=["127.0.0.1"]), resolver=resolver)
    )


def test_a_name_that_is_bound_anew_between_look_up_and_connection(server: Server) -> None:
    """The first answer is harmless, the next one leads home: the socket decides, not an earlier look-up."""
    resolver = Names({"feeds.test": ["127.0.0.1", "127.0.0.2"]})
    guard = Guard.of(allow=["127.0.0.1"])
    address = server.url("/feed", host="feeds.test")
    with Server(address="127.0.0.2") as inside:
        inside.route("/feed", Reply(body=b"secret"))

        async def run() -> None:
            async with Fetcher(guard=guard, resolver=resolver) as fetcher:
                fetched(await fetcher.fetch(FeedTarget(address), now=NOW))
                await fetcher.close()  # as after a minute: names and connections are forgotten
                elsewhere = address.replace(str(server.port), str(inside.port))
                failed(await fetcher.fetch(FeedTarget(elsewhere), now=NOW), Reason.BLOCKED)

        asyncio.run(run())

        assert resolver.asked == ["feeds.test", "feeds.test"]
        assert inside.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_forbidden_address(server: Server, status: int) -> None:
    with Server(address="127.0.0.2") as inside:
        inside.route("/admin", Reply(body=b"secret"))
        server.route("/moved", redirect(inside.url("/admin"), status))

        result = failed(look(server.url("/moved"), guard=Guard.of(allow=["127.0.0.1"])), Reason.BLOCKED)

        assert "redirected to 127.0.0.2" in result.detail
        assert inside.requests == []


def test_a_kept_connection_of_one_source_is_no_way_in_for_another(server: Server) -> None:
    address = server.url("/feed")

    first, second, third = looks(
        [FeedTarget(address, allow_private=True), address, FeedTarget(address, allow_private=True)],
        guard=STRICT,
    )

    fetched(first)
    failed(second, Reason.BLOCKED)
    fetched(third)
    assert {request.connection for request in server.requests} == {1}


def test_a_port_that_is_not_allowed_on_a_public_address() -> None:
    result = look("http://feeds.test:6379/", guard=STRICT, resolver=Names({"feeds.test": "1.1.1.1"}))

    assert "port 6379" in failed(result, Reason.BLOCKED).detail


def test_the_connector_guards_whoever_uses_it(server: Server) -> None:
    """Webhooks and full-text fetches take their sessions from the same place."""

    async def run() -> None:
        async with aiohttp.ClientSession(connector=STRICT.connector()) as session:
            with pytest.raises(aiohttp.ClientConnectorError) as refused:
                await session.post(server.url("/hook"), data=b"x")
            assert isinstance(refused.value.os_error, AddressRefused)
        async with (
            aiohttp.ClientSession(connector=STRICT.connector(allow_private=True)) as session,
            session.post(server.url("/feed"), data=b"x") as response,
        ):
            assert response.status == 200

    asyncio.run(run())

    assert [request.method for request in server.requests] == ["POST"]


def test_asking_for_a_zone_loads_no_http_client() -> None:
    program = "import sys, service.fetch.guard; sys.exit('aiohttp' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
