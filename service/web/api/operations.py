"""What an operation of the API is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from models.tokens import Scope
from service.web.api.parameters import Parameter

if TYPE_CHECKING:
    from service.web.access import Caller

PREFIX = "/api/v1"
PATIENCE = 10.0  # seconds that a question may take


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its parameters by name, read and checked, its body, who asks, and when."""

    values: Mapping[str, Any]
    caller: Caller
    now: datetime
    link: Callable[[str, Mapping[str, Any]], str]  # (path, parameters) → an address on this server
    body: Any = None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation gives. ``next_page`` has the parameters of the page that follows."""

    value: Any
    status: int = 200
    next_page: Mapping[str, Any] | None = None
    location: str | None = None  # of what was made, as a path below `PREFIX`


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one address, declared."""

    method: str
    path: str  # below `PREFIX`
    name: str
    summary: str
    handler: Callable[[Call], Answer]
    answers: Mapping[int, str | None]  # status → the schema of what it gives, None: nothing
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: str | None = None  # the schema of what it takes
    scope: Scope = Scope.READ
    group: str = "articles"
    problems: tuple[str, ...] = field(default=())  # besides those that every operation has
