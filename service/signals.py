"""Signals as words in a queue: the handler does nothing else, so that what they ask for is done in order."""

from __future__ import annotations

import queue
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

Words = queue.SimpleQueue[str]


@contextmanager
def words(meanings: Mapping[signal.Signals, str]) -> Iterator[Words]:
    """A queue that gets the word of each signal that arrives; the handlers before are put back at the end.

    To be called in the main thread, as Python's signals are.
    """
    said: Words = queue.SimpleQueue()

    def handler(number: int, _: FrameType | None) -> None:
        said.put(meanings[signal.Signals(number)])

    before = {number: signal.signal(number, handler) for number in meanings}
    try:
        yield said
    finally:
        for number, old in before.items():
            signal.signal(number, old)
