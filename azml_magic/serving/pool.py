"""The server's lanes: started, given one request at a time, replaced when they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from azml_magic.errors import SandboxError
from azml_magic.scoring.faults import overloaded, stopping, timed_out
from azml_magic.serving.lane_process import LaneEnded, LaneProcess
from azml_magic.serving.messages import Score, Scored
from azml_magic.serving.settings import ServiceSettings

_RETRY_SECONDS = 1.0
_OURS = 500
"""The status of a failure that neither the request nor the module caused."""
_MOST_LANES = 5
"""How many lanes may be lost before they began with a request, until it is given up."""


Gone = Callable[[], Coroutine[Any, Any, None]]


class ClientGone(Exception):
    """The client has left before its request was begun."""


class Lost(Exception):
    """What was to answer a request has ended; the text says how.

    Attributes
    ----------
    begun : bool
        Whether a line of the module may have run.
    """

    def __init__(self, reason: str, begun: bool) -> None:
        super().__init__(reason)
        self.begun = begun


@dataclass(frozen=True)
class Answered:
    """What came of a request: what the lane told, the body, and how long it waited."""

    told: Scored
    body: bytes
    waited: float


class Pool:
    """All lanes of a server, and the queue before them.

    Parameters
    ----------
    zip_path : str
        The server's own copy of the module zip.
    settings : ServiceSettings
        How many lanes, and their limits.
    on_restart : callable
        Called with a reason when a lane is replaced.
    """

    def __init__(
        self, zip_path: str, settings: ServiceSettings, on_restart: Callable[[str], None]
    ) -> None:
        self._zip_path = zip_path
        self._settings = settings
        self._on_restart = on_restart
        self._idle: list[LaneProcess] = []
        self._waiting: list[asyncio.Future[LaneProcess]] = []
        self._lanes: set[LaneProcess] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self.confinement = ""

    @property
    def waiting(self) -> int:
        """How many requests wait for a lane."""
        return len(self._waiting)

    @property
    def ready(self) -> bool:
        """Whether a lane lives, so that a request would be answered."""
        return not self._closing and any(lane.started for lane in self._lanes)

    @property
    def idle(self) -> int:
        """How many lanes wait for a request."""
        return len(self._idle)

    async def start(self) -> None:
        """Start all lanes.

        Raises
        ------
        SandboxError
            When one cannot start.
        """
        lanes = [self.new_lane() for _ in range(self._settings.workers)]
        self._lanes.update(lanes)
        try:
            await asyncio.gather(*(lane.start() for lane in lanes))
        except (SandboxError, asyncio.CancelledError):
            await self.close()
            raise
        self.confinement = lanes[0].confinement
        for lane in lanes:
            self._take(lane)

    def new_lane(self) -> LaneProcess:
        """Return a lane that is not started yet."""
        return LaneProcess(self._zip_path, self._settings)

    async def score(self, request: Score, body: bytes, gone: Gone) -> Answered:
        """Have a request answered by the next free lane.

        Parameters
        ----------
        request : Score
            What the lane is told.
        body : bytes
            The request's body.
        gone : callable
            Its awaitable ends when the client has left. A request that still waits is then
            given up; one that runs is run to its end.

        Raises
        ------
        Fault
            When there is no room, or it took too long.
        Lost
            When the lane ended after it had begun.
        ClientGone
            When the client left while the request waited.
        """
        asked = time.perf_counter()
        for attempt in range(_MOST_LANES):
            lane = self._idle.pop() if self._idle else await self._wait(gone)
            waited = time.perf_counter() - asked
            try:
                told, answer = await lane.ask(request, body)
            except asyncio.CancelledError:
                # Its answer must not become another request's.
                self._replace(lane, "cancelled")
                raise
            except LaneEnded as error:
                self._replace(lane, str(error))
                if error.late:
                    raise timed_out("The request took longer than its time limit.") from None
                if error.begun or attempt + 1 == _MOST_LANES:
                    raise Lost(str(error), error.begun) from None
                continue
            if told.busy:
                self._in_background(self._release_when_idle(lane))
            else:
                self._release(lane)
            if told.status == _OURS and not told.begun and attempt == 0:
                continue
            return Answered(told, answer, waited)
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """End all lanes."""
        self._closing = True
        for future in self._waiting:
            if not future.done():
                future.set_exception(stopping())
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # What still runs was given its time: nobody waits for the answer any more.
        ends = [lane.close() if lane in self._idle else lane.kill() for lane in self._lanes]
        await asyncio.gather(*ends)

    async def _wait(self, gone: Gone) -> LaneProcess:
        """Wait in the queue for a lane."""
        if self._closing:
            raise stopping()
        if len(self._waiting) >= self._settings.queue:
            raise overloaded(f"{len(self._waiting)} requests are waiting; try again later.")
        future: asyncio.Future[LaneProcess] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        leaving = asyncio.ensure_future(gone())
        events: set[asyncio.Future[Any]] = {future, leaving}
        try:
            await asyncio.wait(
                events,
                timeout=self._settings.queue_timeout,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if future.done():
                return future.result()
            if leaving.done():
                raise ClientGone
            raise overloaded("The request waited too long for a worker.")
        finally:
            leaving.cancel()
            future.cancel()
            if future in self._waiting:
                self._waiting.remove(future)

    def _release(self, lane: LaneProcess) -> None:
        if not lane.started:
            return self._replace(lane, "its process ended after an answer")
        while self._waiting:
            future = self._waiting.pop(0)
            if not future.done():
                future.set_result(lane)
                return None
        self._idle.append(lane)
        return None

    async def _release_when_idle(self, lane: LaneProcess) -> None:
        try:
            await lane.wait_until_idle()
        except LaneEnded as error:
            self._replace(lane, str(error))
        else:
            self._release(lane)

    def _take(self, lane: LaneProcess) -> None:
        """Take a lane that has started; an idle one that ends is replaced at once."""

        def on_end() -> None:
            if lane in self._idle and not self._closing:
                self._idle.remove(lane)
                self._replace(lane, "its process ended while it was idle")

        lane.when_ended(on_end)
        self._release(lane)

    def _replace(self, lane: LaneProcess, reason: str) -> None:
        """Have another lane started in place of one that ended."""
        if lane in self._lanes and not self._closing:
            self._lanes.discard(lane)
            self._on_restart(reason)
            self._in_background(self._start_another(lane))

    async def _start_another(self, lane: LaneProcess) -> None:
        await lane.close()
        while not self._closing:
            fresh = self.new_lane()
            self._lanes.add(fresh)
            try:
                await fresh.start()
            except SandboxError:
                self._lanes.discard(fresh)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self._take(fresh)
                return

    def _in_background(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
