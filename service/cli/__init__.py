"""The command line: ``wirewatch …``. `main` is the console script; each command is a module of its own."""

from __future__ import annotations

from service.cli.entry import main

__all__ = ["main"]
