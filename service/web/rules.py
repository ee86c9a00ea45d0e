"""What the settings say of programs and feed readers that ask."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from socket import AF_UNIX, socket

from service.errors import DaemonError
from service.settings import Settings, Web


@dataclass(frozen=True, slots=True)
class ApiRules:
    """Whom the API and the feeds answer, how often, and under which address.

    ``open`` lets programs on this machine read without a token. ``rate`` is requests a minute of one token or
    address, 0 any number. Tokens are (text, whether it may write).
    """

    open: bool = True
    rate: int = 600
    cors_origins: tuple[str, ...] = ()
    public_url: str | None = None
    read_token: str | None = None
    write_token: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> ApiRules:
        """By the settings."""
        api, web = settings.api, settings.web
        return cls(
            open=api.anonymous == "loopback" and is_loopback(web.host),
            rate=api.rate,
            cors_origins=api.cors_origins,
            public_url=web.public_url,
            read_token=api.read_token,
            write_token=api.write_token,
        )


def need_password(web: Web, sockets: Sequence[socket] = ()) -> None:
    """Let nobody serve the page to other machines without a password.

    :param sockets: that are listened on instead of ``web.host``
    :raises DaemonError: there is none, and other machines could reach it
    """
    where = [f"{one.getsockname()[0]}" for one in sockets if one.family != AF_UNIX] if sockets else [web.host]
    others = [host for host in where if not is_loopback(host)]
    if others and web.password is None:
        raise DaemonError(
            f"The page would be served on {others[0]}, where other machines reach it, and no password is "
            "set: let 'wirewatch password --output FILE' make one and set web.password_file to that FILE, or "
            "set web.host to 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether what listens on this name or address can only be reached from this machine."""
    name = host.strip("[]").lower().removesuffix(".")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
