"""How often one registrable domain is asked: so many requests at a time, and a gap between their starts.

A domain is what one owner registered (`service.clean.urls.registrable_domain`): a hundred blogs under one
are one machine room. Where a redirect leads to another domain, the turn moves there: a hundred sites whose
feeds lie at one service are one machine room, too. The clock and the sleep are arguments: no test need wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a domain bears: requests at a time, and seconds from the start of one to the start of the next."""

    parallel: int = 2
    gap: float = 1.0


@dataclass(slots=True)
class _Domain:
    running: int = 0
    free_at: float = float("-inf")  # when the next one may start
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Turn:
    """A place at a domain, held while requests go there; `Politeness.turn` gives it out."""

    def __init__(self, politeness: Politeness) -> None:
        self._politeness = politeness
        self.domain = ""

    async def move(self, domain: str) -> None:
        """Give the place back and wait for one at another domain; nothing where it is the same one.

        Nothing is held while it waits: two domains that redirect to each other would wait for ever.
        """
        if domain != self.domain:
            self.end()
            await self._politeness._take(domain)
            self.domain = domain

    def end(self) -> None:
        """Give the place back."""
        left, self.domain = self.domain, ""
        if left:
            self._politeness._leave(left)


class Politeness:
    """Turns, first come first served in each domain; used from inside one event loop.

    :param overrides: other allowances, by domain
    :param clock: seconds that only ever grow
    """

    def __init__(
        self,
        default: Allowance | None = None,
        *,
        overrides: Mapping[str, Allowance] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._default = default or Allowance()
        self._overrides = dict(overrides or {})
        self._clock = clock
        self._sleep = sleep
        self._domains: dict[str, _Domain] = {}

    def allowance(self, domain: str) -> Allowance:
        """What holds for a domain."""
        return self._overrides.get(domain, self._default)

    @asynccontextmanager
    async def turn(self, domain: str) -> AsyncIterator[Turn]:
        """Wait for a turn, and hold it while the block runs. An empty domain (a folder) never waits."""
        turn = Turn(self)
        await turn.move(domain)
        try:
            yield turn
        finally:
            turn.end()

    def rest(self, domain: str, seconds: float) -> None:
        """Let nobody start at a domain for so long: what a 429 to one of its feeds means for all."""
        if domain:
            state = self._domains.setdefault(domain, _Domain())
            state.free_at = max(state.free_at, self._clock() + seconds)

    def wait(self, domain: str) -> float:
        """Seconds until a turn could start if it came now and nobody else did; 0 where it need not wait."""
        state = self._domains.get(domain)
        return max(0.0, state.free_at - self._clock()) if state else 0.0

    def forget_idle(self) -> int:
        """Drop what is known of domains that nobody uses; how many are left. To be called now and then."""
        now = self._clock()
        for domain, state in list(self._domains.items()):
            if not state.running and not state.waiting and state.free_at <= now:
                del self._domains[domain]
        return len(self._domains)

    async def _take(self, domain: str) -> None:
        if not domain:
            return
        allowance = self.allowance(domain)
        state = self._domains.setdefault(domain, _Domain())
        await self._enter(state, allowance)
        try:
            now = self._clock()
            start = max(now, state.free_at)
            state.free_at = start + allowance.gap
            if start > now:
                await self._sleep(start - now)
        except BaseException:
            self._leave(domain)
            raise

    async def _enter(self, state: _Domain, allowance: Allowance) -> None:
        if state.running < allowance.parallel and not state.waiting:
            state.running += 1
            return
        turn = asyncio.get_running_loop().create_future()
        state.waiting.append(turn)
        try:
            await turn  # whoever leaves hands its place over: `running` stays as it is
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was ours already: to the next one with it
                self._hand_over(state)
            elif turn in state.waiting:  # whoever left in the meantime may have passed over it
                state.waiting.remove(turn)
            raise

    def _leave(self, domain: str) -> None:
        state = self._domains[domain]
        self._hand_over(state)
        if not state.running and state.free_at <= self._clock():
            self._domains.pop(domain, None)

    def _hand_over(self, state: _Domain) -> None:
        while state.waiting:
            turn = state.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        state.running -= 1
