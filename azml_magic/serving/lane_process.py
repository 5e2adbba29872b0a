"""A lane as the server sees it: started, asked one thing at a time, ended."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from typing import Any

from azml_magic.errors import SandboxError
from azml_magic.serving.messages import pack, read
from azml_magic.serving.settings import ServiceSettings

START_SECONDS = 90.0
# What a lane needs beyond the module's own time limit: reading, writing, ending a worker.
MARGIN_SECONDS = 30.0


class LaneEnded(Exception):
    """The lane's process is gone, or said what no lane says."""


class LaneProcess:
    """A lane as the server sees it."""

    def __init__(self, zip_path: str, settings: ServiceSettings) -> None:
        self._settings = settings
        self._order = {
            "zip": zip_path,
            "seconds": settings.seconds,
            "memory": settings.memory,
            "network": settings.network,
            "calls": settings.calls,
            "max_rows": settings.max_rows,
        }
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._killed = False
        self._asked = 0
        self.confinement = ""

    async def start(self) -> None:
        """Start the process and wait until it has a worker.

        Raises
        ------
        SandboxError
            When it cannot have one; the message is the lane's own.
        """
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "azml_magic.serving.lane", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            theirs.close()
        if self._killed:
            await self.kill()
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=1 << 22)
        self._writer.write(pack(self._order))
        try:
            header = await asyncio.wait_for(self.wait_until_idle(), START_SECONDS)
        except (LaneEnded, TimeoutError):
            await self.close()
            raise SandboxError("a lane of the service did not start") from None
        if header["op"] == "failed":
            await self.close()
            raise SandboxError(header["message"], header["hint"])
        self.confinement = header["confinement"]

    async def ask(self, header: dict[str, Any], body: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """Send a message and wait for the answer.

        Raises
        ------
        LaneEnded
            When there is none.
        """
        assert self._writer is not None
        limit = self._settings.seconds + MARGIN_SECONDS
        self._asked += 1
        try:
            self._writer.write(pack({**header, "id": self._asked}, body))
            async with asyncio.timeout(limit):
                told, answer = await read(self._reader)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
            raise LaneEnded(str(error)) from error
        if told.get("id") != self._asked:
            raise LaneEnded("the lane answered something else")
        return told, answer

    async def wait_until_idle(self) -> dict[str, Any]:
        """Wait until a lane that was busy with its next worker has it."""
        try:
            header, _ = await read(self._reader)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            raise LaneEnded(str(error)) from error
        if "op" not in header:
            raise LaneEnded("the lane said something else")
        return header

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
        """End the process in the middle of what it does; monitor and worker end with it."""
        self._killed = True
        if self._writer is not None:
            self._writer.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
