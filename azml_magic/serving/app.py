"""The service as an ASGI application: routes, errors, logs and metrics around the pool."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from azml_magic.module.manifest import Manifest
from azml_magic.scoring.documents import classic_base
from azml_magic.scoring.faults import (
    Fault,
    bad_argument,
    broken,
    internal_error,
    not_found,
    overloaded,
    timed_out,
)
from azml_magic.scoring.openapi import openapi
from azml_magic.scoring.swagger import swagger
from azml_magic.serving import pages
from azml_magic.serving.pool import Answered, ClientGone, ScoringLost, WaitForDisconnect
from azml_magic.serving.requests import (
    check_caller,
    check_host,
    read_body,
    read_classic_query,
    until_disconnected,
)
from azml_magic.serving.scoring_messages import Score
from azml_magic.serving.service_settings import ServiceSettings
from azml_magic.serving.telemetry import Metrics

CLIENT_LEFT = 499
"""Status logged for a request whose client disconnected before the response."""

Handler = Callable[[Request], Awaitable[Response]]


class Scorer(Protocol):
    """Interface of the pool of scoring processes."""

    @property
    def waiting(self) -> int:
        """The number of queued requests."""

    @property
    def idle(self) -> int:
        """The number of requests that could be scored immediately."""

    @property
    def ready(self) -> bool:
        """Whether requests can be scored."""

    async def score(self, request: Score, body: bytes, disconnected: WaitForDisconnect) -> Answered:
        """Score a request, or raise a Fault; give up when the client has disconnected."""


class Service:
    """The handlers of a module's service.

    Parameters
    ----------
    manifest : Manifest
        The module's manifest.
    scorer : Scorer
        Scores the requests.
    settings : ServiceSettings
        Keys and limits.
    metrics : Metrics
        The metrics to update.
    log : logging.Logger
        The log of requests.
    """

    def __init__(
        self,
        manifest: Manifest,
        scorer: Scorer,
        settings: ServiceSettings,
        metrics: Metrics,
        log: logging.Logger,
    ) -> None:
        self.manifest = manifest
        self.scorer = scorer
        self.settings = settings
        self.metrics = metrics
        self.log = log

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the service."""
        base = classic_base(self.manifest.name)
        keyed = bool(self.settings.keys)
        documents: tuple[tuple[str, Callable[..., dict[str, Any]]], ...] = (
            ("/openapi.json", openapi),
            (f"{base}/swagger.json", swagger),
            ("/swagger.json", swagger),
        )
        return [
            Route("/score", self.logged("score", self.score), methods=["POST"]),
            Route(f"{base}/execute", self.logged("execute", self.execute), methods=["POST"]),
            Route("/health", self.logged("health", self.health)),
            Route("/ready", self.logged("ready", self.ready)),
            Route("/metrics", self.logged("metrics", self.read_metrics)),
            *(
                Route(path, self.logged("document", _document(make(self.manifest, keyed=keyed))))
                for path, make in documents
            ),
            *pages.routes(self.manifest, self.settings),
        ]

    def logged(self, route: str, handler: Handler) -> Handler:
        """Wrap a handler: turn faults into responses, and log and count every request."""

        async def handle(request: Request) -> Response:
            started = time.perf_counter()
            fields: dict[str, Any] = {}
            request.state.fields = fields
            code = ""
            try:
                response = await handler(request)
            except Fault as fault:
                code, response = fault.code, fault_response(fault)
            except (ClientDisconnect, ClientGone):
                response = Response(status_code=CLIENT_LEFT)
            except ScoringLost as lost:
                ended = broken("The worker's process ended; send the request again.")
                code, response = ended.code, fault_response(ended)
                fields.update(reason=str(lost), begun=lost.begun)
            except Exception:
                # A bug in this server: logged, and answered like any other fault.
                self.log.exception("internal error")
                ours = internal_error()
                code, response = ours.code, fault_response(ours)
            seconds = time.perf_counter() - started
            self._log_request(request.method, route, response, seconds, {"code": code, **fields})
            return response

        return handle

    def _log_request(
        self,
        method: str,
        route: str,
        response: Response,
        seconds: float,
        fields: dict[str, Any],
    ) -> None:
        self.metrics.requests.labels(route, str(response.status_code)).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        number = uuid.uuid4().hex
        response.headers["x-ms-request-id"] = number
        line = {
            "id": number,
            "method": method,
            "route": route,
            "status": response.status_code,
            "ms": round(1000 * seconds, 2),
            **fields,
        }
        self.log.info("request", extra={"fields": line})

    def slow(self) -> Response:
        """Respond to a request whose headers did not arrive in time, and log it."""
        seconds = self.settings.body_timeout
        fault = timed_out(f"The headers did not arrive within {seconds:g} s.")
        return self.refuse(fault, seconds=seconds)

    def refuse(self, fault: Fault, method: str = "", seconds: float = 0.0) -> Response:
        """Respond to a request that reaches no handler, and log it."""
        response = fault_response(fault)
        self._log_request(method, "unread", response, seconds, {"code": fault.code})
        return response

    async def score(self, request: Request) -> Response:
        """Score a request, with JSON types in the response."""
        check_caller(request, self.settings)
        return await self._scored(request, "typed", details=False)

    async def execute(self, request: Request) -> Response:
        """Score a request like the classic request-response service."""
        check_caller(request, self.settings)
        query = read_classic_query(request)
        return await self._scored(request, query.form, details=query.details)

    async def _scored(self, request: Request, form: str, *, details: bool) -> Response:
        body = await read_body(request, self.settings)
        score = Score(form, details)
        answered = await self.scorer.score(score, body, lambda: until_disconnected(request))
        reply = answered.reply
        self.metrics.rows.inc(reply.rows)
        request.state.fields.update(
            code=reply.code, rows=reply.rows, waited_ms=round(1000 * answered.waited, 2)
        )
        if reply.reason:
            request.state.fields.update(reason=reply.reason, begun=reply.begun)
        return Response(answered.body, reply.status, media_type="application/json")

    async def health(self, request: Request) -> Response:
        """Report that the server is alive; no key is needed."""
        return JSONResponse({"status": "ok", "module": self.manifest.name})

    async def ready(self, request: Request) -> Response:
        """Report whether requests can be scored; no key is needed."""
        if self.scorer.ready:
            return JSONResponse({"status": "ready", "module": self.manifest.name})
        raise overloaded("No worker is ready.")

    async def read_metrics(self, request: Request) -> Response:
        """Return the metrics."""
        check_caller(request, self.settings)
        self.metrics.waiting.set(self.scorer.waiting)
        self.metrics.idle.set(self.scorer.idle)
        return Response(self.metrics.text(), media_type="text/plain; version=0.0.4")


def fault_response(fault: Fault) -> Response:
    """Return a fault as a response."""
    headers = {"Retry-After": "1"} if fault.status == 503 else None
    return Response(fault.body(), fault.status, headers, "application/json")


def application(service: Service, more_routes: list[BaseRoute]) -> Starlette:
    """Return the ASGI application of a service."""

    async def http_fault(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return service.refuse(not_found("There is no resource at this path."), request.method)
        detail = f"{request.method} is not allowed here."
        fault = bad_argument("MethodNotAllowed", detail, error.status_code)
        response = service.refuse(fault, request.method)
        response.headers.update(error.headers or {})
        return response

    app = Starlette(
        routes=[*service.routes(), *more_routes],
        middleware=[Middleware(HostCheck, service=service)],
        exception_handlers={HTTPException: http_fault},
    )
    # No redirects for a trailing slash, as not every client follows them.
    app.router.redirect_slashes = False
    return app


class HostCheck:
    """Middleware that refuses requests under a foreign host name (DNS rebinding).

    Parameters
    ----------
    app : ASGI application
        The application to protect.
    service : Service
        The service with the settings and the log.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            try:
                check_host(Headers(scope=scope).getlist("host"), self._service.settings)
            except Fault as fault:
                await self._service.refuse(fault, scope["method"])(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _document(value: dict[str, Any]) -> Handler:
    async def handle(request: Request) -> Response:
        return JSONResponse(value)

    return handle
