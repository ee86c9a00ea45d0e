"""What the settings say of programs and feed readers that ask."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from service.settings import Settings


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


def is_loopback(host: str) -> bool:
    """Whether what listens on this name or address can only be reached from this machine."""
    name = host.strip("[]").lower().removesuffix(".")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
