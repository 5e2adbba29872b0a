"""The batch service: creating, starting, watching and cancelling jobs on a local folder."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from azml_magic.errors import SandboxError
from azml_magic.scoring.documents import classic_base
from azml_magic.scoring.faults import Fault, bad_argument, mismatch, not_found, unparsable
from azml_magic.serving.app import Service
from azml_magic.serving.jobs import Job, JobStore
from azml_magic.serving.places import LOCK_FILE, STATE_FILE, steps_of
from azml_magic.serving.pool import Pool
from azml_magic.serving.requests import check_caller, read_body
from azml_magic.serving.scoring_client import ScoringClient, ScoringEnded
from azml_magic.serving.scoring_messages import ScoreFile

_TRIES = 2
# The body names just two locations, and is parsed in the process that serves all clients.
_BODY_BYTES = 64 << 10
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 5.0


class Batch:
    """The batch service of a server, which runs one job at a time in a separate scoring process.

    Parameters
    ----------
    service : Service
        The request-response service beside it.
    pool : Pool
        Creates the scoring process.
    """

    def __init__(self, service: Service, pool: Pool) -> None:
        self._service = service
        self._settings = service.settings
        self._pool = pool
        self._folder = Path(service.settings.batch_folder)
        self._store = JobStore(str(self._folder / STATE_FILE))
        self._lock = os.open(
            self._folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        self._wake = asyncio.Event()
        self._scoring: ScoringClient | None = None
        self._current = ""
        self._lost: set[str] = set()
        self._worker = asyncio.ensure_future(self._work())

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the service."""
        logged, base = self._service.logged, f"{classic_base(self._service.manifest.name)}/jobs"
        one = base + "/{id}"
        return [
            Route(base, logged("job-create", self.create), methods=["POST"]),
            Route(f"{one}/start", logged("job-start", self.start), methods=["POST"]),
            Route(one, logged("job-status", self.status), methods=["GET"]),
            Route(one, logged("job-cancel", self.cancel), methods=["DELETE"]),
        ]

    async def close(self) -> None:
        """Stop working; unfinished jobs are resumed at the next start."""
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)
        await self._kill_scoring()
        self._store.close()
        os.close(self._lock)

    async def create(self, request: Request) -> Response:
        """Create a job; respond with its id."""
        check_caller(request, self._settings)
        parsed = _parsed(await read_body(request, self._settings, _BODY_BYTES))
        if len(self._service.manifest.ports) != 1:
            raise bad_argument("BatchNotPossible", "The module does not have exactly one input.")
        given = parsed.get("Input")
        if given is None and "Inputs" in parsed:
            given = _only(parsed["Inputs"], "Inputs")
        source = _location(given, "Input")
        target = _location(_only(parsed.get("Outputs"), "Outputs"), "Outputs")
        steps = steps_of(self._folder, source, target)
        return JSONResponse(self._store.create(target, steps))

    async def start(self, request: Request) -> Response:
        """Start a job."""
        job = self._job(request)
        if not self._store.start(job.id):
            waits = job.state == "NotStarted"
            detail = f"The job {'has been started already' if waits else f'is {job.state}'}."
            raise Fault(409, "InvalidOperation", detail, "JobAlreadyStarted", detail)
        self._wake.set()
        return Response(status_code=204)

    async def status(self, request: Request) -> Response:
        """Report the status of a job."""
        return JSONResponse(_status(self._job(request)))

    async def cancel(self, request: Request) -> Response:
        """Cancel a job; end it if it is running."""
        job = self._job(request)
        if self._store.cancel(job.id) and self._current == job.id:
            await self._kill_scoring()
        return Response(status_code=204)

    def _job(self, request: Request) -> Job:
        check_caller(request, self._settings)
        number = request.path_params["id"]
        job = self._store.find(number)
        if job is None:
            raise not_found(f"There is no job {number!r}.")
        return job

    async def _work(self) -> None:
        """Work on one job after the other, first on those interrupted by a stop."""
        await self._own_jobs()
        while True:
            self._wake.clear()
            number = self._next_job()
            if number is None:
                await self._kill_scoring()
                # Another server of this folder may have been asked to start one.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)
                continue
            self._current = number
            try:
                self._store.begin(number)
                await self._run(number)
            except Exception as error:
                # This job fails; the next ones are not affected.
                self._service.log.exception("job")
                await self._kill_scoring()
                self._give_up(number, f"internal error of the service: {type(error).__name__}")
            self._current = ""
            self._log_job(number)

    def _log_job(self, number: str) -> None:
        """Log how a job has ended, or its progress."""
        with contextlib.suppress(sqlite3.Error):
            if (job := self._store.find(number)) is not None:
                fields = {"job": number, "state": job.state, "files": job.done, "rows": job.rows}
                self._service.log.info("job", extra={"fields": fields})

    async def _own_jobs(self) -> None:
        """Wait until no other server works on the jobs of this folder."""
        warned = False
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                if not warned:
                    self._service.log.warning("another server works on the jobs of this folder")
                warned = True
                await asyncio.sleep(_RETRY_SECONDS)

    def _give_up(self, number: str, detail: str) -> None:
        """Record that a job failed; if even that fails, this server does not try it again."""
        try:
            self._store.end(number, "Failed", detail)
        except Exception:
            self._service.log.exception("job")
            self._lost.add(number)

    def _next_job(self) -> str | None:
        try:
            return self._store.next_job(excluding=self._lost)
        except sqlite3.Error:
            self._service.log.exception("job")
            return None

    async def _run(self, number: str) -> None:
        ended = 0
        while (step := self._store.next_step(number)) is not None:
            try:
                process = await self._open_scoring()
                if not self._is_running(number):
                    return
                reply, _ = await process.ask(ScoreFile(str(self._folder), step.source, step.target))
                if reply.busy:
                    await process.wait_until_idle()
            except (ScoringEnded, SandboxError) as error:
                await self._kill_scoring()
                if not self._is_running(number):
                    return
                ended += 1
                if ended > _TRIES:
                    detail = f"{Path(step.source).name}: its process ended ({error})"
                    self._store.end(number, "Failed", detail)
                continue
            if reply.status != 200:
                name = Path(step.source).name
                self._store.end(number, "Failed", f"{name}: {reply.detail}")
                return
            self._store.step_done(number, step, reply.rows)
        self._store.end(number, "Finished")

    def _is_running(self, number: str) -> bool:
        job = self._store.find(number)
        return job is not None and job.state == "Running"

    async def _open_scoring(self) -> ScoringClient:
        process = self._scoring
        if process is None:
            # Stored before it starts, so that cancelling a job need not wait for it.
            process = self._scoring = self._pool.new_process()
            await process.start()
        return process

    async def _kill_scoring(self) -> None:
        process, self._scoring = self._scoring, None
        if process is not None:
            await process.kill()


def _status(job: Job) -> dict[str, Any]:
    return {
        "StatusCode": job.state,
        "Results": {"output1": {"RelativeLocation": job.output}}
        if job.state == "Finished"
        else None,
        "Details": job.details or None,
        "CreatedAt": _moment(job.created_at),
        "StartTime": _moment(job.started_at),
        "EndTime": _moment(job.ended_at),
        "Progress": {"Files": job.files, "Done": job.done, "Rows": job.rows},
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise unparsable("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise unparsable("The body must be a JSON object.")
    return value


def _only(value: Any, name: str) -> Any:
    """Return the only entry of an object of inputs or outputs."""
    if not isinstance(value, dict) or len(value) != 1:
        raise mismatch(f"{name} must have exactly one entry.", name)
    return next(iter(value.values()))


def _location(value: Any, name: str) -> str:
    """Return a relative location; connection strings of a storage account are ignored."""
    location = value.get("RelativeLocation") if isinstance(value, dict) else None
    if not isinstance(location, str) or not location:
        raise mismatch(f"{name} needs a RelativeLocation.", name)
    return location
