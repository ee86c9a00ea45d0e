"""``wirewatch run``."""

from __future__ import annotations

from service.cli.state import State, define


@define(
    "run",
    examples="""
    wirewatch run                                 Ctrl-C stops it
    wirewatch run --config /etc/wirewatch/wirewatch.toml
    WIREWATCH_DATABASE=postgresql://me@db/wire wirewatch run
    """,
)
def command(state: State) -> int:
    """Run the daemon: poll what is due, label it, serve the page.

    Brings the database up to date, imports the seed articles on the first start, and goes on until SIGTERM
    or Ctrl-C; then it finishes what is in hand (schedule.stop_deadline). SIGHUP reads the settings, declared
    sources and topics again.
    """
    settings = state.settings
    state.start_logging(daemon=True)
    from service.daemon import run_daemon  # noqa: PLC0415 - it brings everything

    return run_daemon(settings, config_path=state.config)
