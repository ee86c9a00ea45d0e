"""``/healthz``: the process answers. ``/readyz``: it does its work, or the reasons why it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from loguru import logger
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


@dataclass(frozen=True, slots=True)
class HealthReport:
    """How the daemon stands. ``details`` are shown as they are: numbers, words, times in ISO 8601."""

    ready: bool
    reasons: tuple[str, ...] = ()  # why it is not ready, for a person
    details: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


class HealthPages:
    """The two checks that a service manager, a proxy or a monitor asks for."""

    def __init__(
        self,
        health: Callable[[], HealthReport],
        *,
        started_at: datetime,
        clock: Callable[[], datetime],
    ) -> None:
        self._health = health
        self._started_at = started_at
        self._clock = clock

    async def live(self, _request: Request) -> Response:
        """200 as long as the event loop turns; asks the database nothing."""
        up = (self._clock() - self._started_at).total_seconds()
        started = self._started_at.isoformat(timespec="seconds")
        return JSONResponse({"status": "live", "started_at": started, "uptime_seconds": max(0, int(up))})

    def ready(self, _request: Request) -> Response:
        """200 or 503 with reasons; runs in the thread pool, because the report may ask the database."""
        try:
            report = self._health()
        except Exception:  # noqa: BLE001 - whatever is broken, the monitor is to hear that it is
            logger.exception("the readiness check failed")
            report = HealthReport(ready=False, reasons=("the readiness check itself failed; see the log",))
        status = 200 if report.ready else 503
        body = {
            "status": "ready" if report.ready else "not ready",
            "reasons": list(report.reasons),
            **{name: value for name, value in report.details.items() if name not in {"status", "reasons"}},
        }
        return JSONResponse(body, status_code=status)
