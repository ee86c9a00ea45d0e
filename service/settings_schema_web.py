"""The settings of what is served: the page, the API and the feeds, what hubs call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from service.settings_field import setting
from service.settings_kinds import Boolean, Checked, Choice, Duration, Integer, Maybe, Text, Texts
from service.settings_units import kept_password, public_address, secret_token, web_origin

EXAMPLE_TOKEN = "put-here-what-openssl-rand-hex-32-prints"  # noqa: S105 - nobody is let in by it
# Of a password that nobody has.
EXAMPLE_PASSWORD = "scrypt:15:8:1:RJodBZ//s0hluUW/vVTzyg==:yCkSxLnwAkaReeCXFYpOfoINtHhvTIsbyf52lFh/dHs="  # noqa: S105
_PUBLIC_ADDRESS = Checked("an http:// or https:// address without a query", public_address)
_ORIGIN = Checked("an origin", web_origin)
_TOKEN = Checked("32 to 200 letters, digits, - and _ (as 'openssl rand -hex 32' makes them)", secret_token)


@dataclass(frozen=True, kw_only=True)
class Web:
    """The page that the daemon serves."""

    enabled: bool = setting(Boolean(), True, "whether the daemon serves the page")
    host: str = setting(Text("a host name or an address"), "127.0.0.1", "the address to listen on")
    port: int = setting(Integer(0, 65_535), 8077, "the port to listen on; 0 takes any free one")
    allowed_hosts: tuple[str, ...] = setting(
        Texts("host names"), (), "names it is reached by, besides localhost and web.host (behind a proxy)"
    )
    password: str | None = setting(
        Maybe(Checked("what 'wirewatch password' prints", kept_password)),
        None,
        "what people sign in to the page with; needed where web.host is no loopback address",
        secret=True,
        example=EXAMPLE_PASSWORD,
    )
    public_url: str | None = setting(
        Maybe(_PUBLIC_ADDRESS),
        None,
        "the address that people reach the page by, for links in outgoing feeds; unset: the one asked",
        example="https://news.example.org",
    )


@dataclass(frozen=True, kw_only=True)
class Websub:
    """Being told of news by hubs (WebSub), where feeds name one."""

    callback_url: str | None = setting(
        Maybe(_PUBLIC_ADDRESS),
        None,
        "the public address of the page, under which hubs reach its /websub/; unset: feeds are only polled",
        example="https://news.example.org",
    )
    lease: timedelta = setting(
        Duration("1h", "365d"),
        timedelta(days=10),
        "for how long a hub is asked to deliver, until it is asked again",
    )
    safety_net: timedelta = setting(
        Duration("1m", "30d"),
        timedelta(hours=6),
        "how often feeds on an adaptive schedule are polled while their hub delivers",
    )


@dataclass(frozen=True, kw_only=True)
class Api:
    """What programs are answered at `/api/`, and feed readers at `/feeds/`."""

    anonymous: str = setting(
        Choice("loopback", "never"),
        "loopback",
        "who may read without a token: this machine while web.host is a loopback address, or nobody",
    )
    rate: int = setting(
        Integer(0, 1_000_000), 600, "requests a minute that one token or address may make; 0: any number"
    )
    cors_origins: tuple[str, ...] = setting(
        Texts("origins such as https://desk.example.org", _ORIGIN),
        (),
        "sites whose pages may call the API from a browser; none: no other site's",
    )
    read_token: str | None = setting(
        Maybe(_TOKEN),
        None,
        "a token for reading, beside those of 'wirewatch token'",
        secret=True,
        example=EXAMPLE_TOKEN,
    )
    write_token: str | None = setting(
        Maybe(_TOKEN),
        None,
        "a token for reading and for giving verdicts",
        secret=True,
        example=EXAMPLE_TOKEN,
    )
