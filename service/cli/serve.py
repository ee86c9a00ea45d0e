"""``wirewatch serve``."""

from __future__ import annotations

from service.cli.state import State, define


@define(
    "serve",
    examples="""
    wirewatch serve                                 beside a daemon that has web.enabled = false
    WIREWATCH_WEB_PORT=8078 wirewatch serve
    WIREWATCH_DATABASE=postgresql://reader@replica/wire wirewatch serve
    """,
)
def command(state: State) -> int:
    """Serve the page alone: nothing is polled, nothing written.

    For a page that runs apart from the daemon, with fewer rights, or on another machine. The database must
    be there already, and of this version. It takes no verdicts; 'wirewatch label' and the daemon's own page
    do.
    """
    settings = state.settings
    state.start_logging(daemon=True)
    from service.web.alone import run_page  # noqa: PLC0415 - it brings everything

    return run_page(settings)
