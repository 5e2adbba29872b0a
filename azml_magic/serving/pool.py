"""The pool of scoring processes, which get one request at a time and are replaced when they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from azml_magic.errors import SandboxError
from azml_magic.scoring.faults import overloaded, stopping, timed_out
from azml_magic.serving.scoring_client import ScoringClient, ScoringEnded
from azml_magic.serving.scoring_messages import Score, Scored
from azml_magic.serving.service_settings import ServiceSettings

_RETRY_SECONDS = 1.0
_OURS = 500
"""Status of a failure that neither the request nor the module caused."""
_MOST_ATTEMPTS = 5
"""Attempts at a request when scoring processes are lost before they begin with it."""


WaitForDisconnect = Callable[[], Coroutine[Any, Any, None]]


class ClientGone(Exception):
    """The client disconnected before its request was begun."""


class ScoringLost(Exception):
    """The scoring process for a request has ended; the text says how.

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
    """The answer to a request: the scoring process's reply, the body, and the seconds it waited."""

    reply: Scored
    body: bytes
    waited: float


class Pool:
    """The scoring processes of a server, and the queue of requests.

    Parameters
    ----------
    zip_path : str
        The server's own copy of the module zip.
    settings : ServiceSettings
        The number of scoring processes, and their limits.
    on_restart : callable
        Called with a reason when a scoring process is replaced.
    """

    def __init__(
        self, zip_path: str, settings: ServiceSettings, on_restart: Callable[[str], None]
    ) -> None:
        self._zip_path = zip_path
        self._settings = settings
        self._on_restart = on_restart
        self._idle: list[ScoringClient] = []
        self._waiting: list[asyncio.Future[ScoringClient]] = []
        self._processes: set[ScoringClient] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self.confinement = ""

    @property
    def waiting(self) -> int:
        """The number of requests that wait for a scoring process."""
        return len(self._waiting)

    @property
    def ready(self) -> bool:
        """Whether a scoring process is running, so that requests can be scored."""
        return not self._closing and any(process.started for process in self._processes)

    @property
    def idle(self) -> int:
        """The number of scoring processes that wait for a request."""
        return len(self._idle)

    async def start(self) -> None:
        """Start all scoring processes.

        Raises
        ------
        SandboxError
            When one cannot start.
        """
        processes = [self.new_process() for _ in range(self._settings.workers)]
        self._processes.update(processes)
        try:
            await asyncio.gather(*(process.start() for process in processes))
        except (SandboxError, asyncio.CancelledError):
            await self.close()
            raise
        self.confinement = processes[0].confinement
        for process in processes:
            self._take(process)

    def new_process(self) -> ScoringClient:
        """Return a scoring process that has not been started."""
        return ScoringClient(self._zip_path, self._settings)

    async def score(self, request: Score, body: bytes, disconnected: WaitForDisconnect) -> Answered:
        """Let the next free scoring process answer a request.

        Parameters
        ----------
        request : Score
            The message to the scoring process.
        body : bytes
            The request's body.
        disconnected : callable
            Returns an awaitable that ends when the client has disconnected. A request still in
            the queue is then given up; a running one is completed.

        Raises
        ------
        Fault
            When the queue is full, or the request took too long.
        ScoringLost
            When the scoring process ended after beginning with the request.
        ClientGone
            When the client disconnected while the request was in the queue.
        """
        asked = time.perf_counter()
        for attempt in range(_MOST_ATTEMPTS):
            process = self._idle.pop() if self._idle else await self._wait(disconnected)
            waited = time.perf_counter() - asked
            try:
                reply, answer = await process.ask(request, body)
            except asyncio.CancelledError:
                # Its answer must not be taken for that of another request.
                self._replace(process, "cancelled")
                raise
            except ScoringEnded as error:
                self._replace(process, str(error))
                if error.late:
                    raise timed_out("The request took longer than its time limit.") from None
                if error.begun or attempt + 1 == _MOST_ATTEMPTS:
                    raise ScoringLost(str(error), error.begun) from None
                continue
            if reply.busy:
                self._in_background(self._release_when_idle(process))
            else:
                self._release(process)
            if reply.status == _OURS and not reply.begun and attempt == 0:
                continue
            return Answered(reply, answer, waited)
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """End all scoring processes."""
        self._closing = True
        for future in self._waiting:
            if not future.done():
                future.set_exception(stopping())
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Requests still running have had their time; nobody waits for their responses any more.
        ends = [
            process.close() if process in self._idle else process.kill()
            for process in self._processes
        ]
        await asyncio.gather(*ends)

    async def _wait(self, disconnected: WaitForDisconnect) -> ScoringClient:
        """Wait in the queue for a scoring process."""
        if self._closing:
            raise stopping()
        if len(self._waiting) >= self._settings.queue:
            raise overloaded(f"{len(self._waiting)} requests are waiting; try again later.")
        future: asyncio.Future[ScoringClient] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        leaving = asyncio.ensure_future(disconnected())
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

    def _release(self, process: ScoringClient) -> None:
        if not process.started:
            return self._replace(process, "its process ended after an answer")
        while self._waiting:
            future = self._waiting.pop(0)
            if not future.done():
                future.set_result(process)
                return None
        self._idle.append(process)
        return None

    async def _release_when_idle(self, process: ScoringClient) -> None:
        try:
            await process.wait_until_idle()
        except ScoringEnded as error:
            self._replace(process, str(error))
        else:
            self._release(process)

    def _take(self, process: ScoringClient) -> None:
        """Add a started scoring process; if it ends while idle, it is replaced at once."""

        def on_end() -> None:
            if process in self._idle and not self._closing:
                self._idle.remove(process)
                self._replace(process, "its process ended while it was idle")

        process.when_ended(on_end)
        self._release(process)

    def _replace(self, process: ScoringClient, reason: str) -> None:
        """Start another scoring process in place of one that ended."""
        if process in self._processes and not self._closing:
            self._processes.discard(process)
            self._on_restart(reason)
            self._in_background(self._start_another(process))

    async def _start_another(self, process: ScoringClient) -> None:
        await process.close()
        while not self._closing:
            fresh = self.new_process()
            self._processes.add(fresh)
            try:
                await fresh.start()
            except SandboxError:
                self._processes.discard(fresh)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self._take(fresh)
                return

    def _in_background(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
