"""The server's side of a scoring process, which gets one message at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from azml_magic.errors import SandboxError
from azml_magic.serving.keys import without_keys
from azml_magic.serving.scoring_messages import (
    RequestBegun,
    RequestRead,
    Score,
    ScoreFile,
    ScoringFailed,
    ScoringOrder,
    ScoringReady,
    pack,
    read,
)
from azml_magic.serving.service_settings import ServiceSettings

START_SECONDS = 90.0
# The scoring process enforces the time limit of a request, and needs time to report it.
GRACE_SECONDS = 2.0


class ScoringEnded(Exception):
    """The scoring process has ended, or sent an invalid message.

    Attributes
    ----------
    begun : bool
        Whether a line of the module may have run for the message.
    late : bool
        Whether it did not answer in time.
    """

    def __init__(self, reason: str, *, begun: bool = True, late: bool = False) -> None:
        super().__init__(reason)
        self.begun = begun
        self.late = late


class ScoringClient:
    """The server's side of a scoring process."""

    def __init__(self, zip_path: str, settings: ServiceSettings) -> None:
        self._settings = settings
        self._order = ScoringOrder(
            zip_path=zip_path,
            timeout=settings.timeout,
            memory=settings.memory,
            allow_network=settings.allow_network,
            calls=settings.calls,
            max_rows=settings.max_rows,
            max_cells=settings.max_cells,
            max_answer=settings.max_answer,
        )
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._ended: asyncio.Task[int] | None = None
        self._killed = False
        self._asked = 0
        self.confinement = ""

    async def start(self) -> None:
        """Start the process and wait until it has a worker.

        Raises
        ------
        SandboxError
            When it cannot get one; with the message of the scoring process.
        """
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-P",
                    "-m",
                    "azml_magic.serving.scoring_process",
                    str(theirs.fileno()),
                ),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                env=without_keys(os.environ),
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._ended = asyncio.ensure_future(self._process.wait())
        if self._killed:
            await self.kill()
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=1 << 22)
        self._writer.write(pack(self._order))
        try:
            reply = await asyncio.wait_for(self.wait_until_idle(), START_SECONDS)
        except (ScoringEnded, TimeoutError):
            await self.close()
            raise SandboxError("a scoring process did not start in time") from None
        if isinstance(reply, ScoringFailed):
            await self.close()
            raise SandboxError(reply.message, reply.hint)
        self.confinement = reply.confinement

    @property
    def started(self) -> bool:
        """Whether it has been ready, and its process is running."""
        return bool(self.confinement) and self._ended is not None and not self._ended.done()

    async def ask(self, request: Score | ScoreFile, body: bytes = b"") -> tuple[Any, bytes]:
        """Send a message and wait for the reply.

        Raises
        ------
        ScoringEnded
            When there is no reply.
        """
        assert self._writer is not None
        own = self._settings.timeout
        # A request is read, may wait for a worker, and is processed; a file is a single step.
        limits = {RequestRead: START_SECONDS, RequestBegun: own + GRACE_SECONDS}
        first = own + GRACE_SECONDS if isinstance(request, Score) else START_SECONDS + own
        self._asked += 1
        begun = False
        try:
            self._writer.write(pack(request, body, self._asked))
            async with asyncio.timeout(first) as limit:
                reply = await read(self._reader)
                while isinstance(reply.message, (RequestRead, RequestBegun)):
                    begun = isinstance(reply.message, RequestBegun)
                    left = limits[type(reply.message)]
                    limit.reschedule(asyncio.get_running_loop().time() + left)
                    reply = await read(self._reader)
        except TimeoutError:
            raise ScoringEnded("it did not answer in time", late=True) from None
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            raise ScoringEnded(f"its process ended: {error}", begun=begun) from error
        if reply.number != self._asked:
            raise ScoringEnded("it replied to another request")
        return reply.message, reply.body

    def when_ended(self, action: Callable[[], None]) -> None:
        """Call `action` once the process has ended, for whatever reason."""
        assert self._ended is not None
        self._ended.add_done_callback(lambda task: action())

    async def wait_until_idle(self) -> ScoringReady | ScoringFailed:
        """Wait until a scoring process has its next worker."""
        try:
            reply = await read(self._reader)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            raise ScoringEnded(str(error)) from error
        if not isinstance(reply.message, (ScoringReady, ScoringFailed)):
            raise ScoringEnded("the scoring process sent an unexpected message")
        return reply.message

    async def close(self) -> None:
        """End the process; its monitor and worker end with it."""
        if self._writer is not None:
            self._writer.close()
        if self._process is not None:
            try:
                await asyncio.wait_for(self._process.wait(), 10)
            except TimeoutError:
                await self.kill()

    async def kill(self) -> None:
        """Kill the process, even if it is busy; its monitor and worker end with it."""
        self._killed = True
        if self._writer is not None:
            self._writer.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
