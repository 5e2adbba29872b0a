"""Checks of a request by the server, before a scoring process gets it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from azml_magic.scoring.faults import bad_argument, timed_out, too_large, unauthorized
from azml_magic.serving.service_settings import ServiceSettings, is_loopback

API_VERSION = "2.0"
_HOST = re.compile(r"(?P<name>[\w.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?", re.ASCII)


@dataclass(frozen=True)
class AnswerFormat:
    """The response format that a classic request asks for."""

    form: str
    details: bool


def check_caller(request: Request, settings: ServiceSettings) -> None:
    """Check the key of a request.

    Raises
    ------
    Fault
        401 for a missing or wrong key.
    """
    if not settings.keys.accept(request.headers.get("authorization", "")):
        raise unauthorized()


def check_host(given: Sequence[str], settings: ServiceSettings) -> None:
    """Refuse requests to a local service under a foreign host name (DNS rebinding).

    Parameters
    ----------
    given : sequence of str
        The Host headers of the request; there must be exactly one.
    settings : ServiceSettings
        A service that can be reached from other machines requires a key instead.

    Raises
    ------
    Fault
        400 for a foreign host name.
    """
    if not is_loopback(settings.host):
        return
    found = _HOST.fullmatch(given[0]) if len(given) == 1 else None
    name = found["name"].strip("[]").lower() if found else ""
    if not (is_loopback(name) or name == settings.host.lower()):
        name = ", ".join(given)
        raise bad_argument("InvalidHost", f"This service does not answer to the name {name!r}.")


def read_classic_query(request: Request) -> AnswerFormat:
    """Read the query of a classic request.

    Raises
    ------
    Fault
        For a value that the classic service does not know.
    """
    version = request.query_params.get("api-version", API_VERSION)
    form = request.query_params.get("format", "")
    details = request.query_params.get("details", "false")
    if version != API_VERSION:
        detail = f"api-version must be {API_VERSION}, not {version!r}."
        raise bad_argument("ApiVersionInvalid", detail, target="api-version")
    if form not in ("", "swagger"):
        detail = f"format must be swagger, not {form!r}."
        raise bad_argument("QueryInvalid", detail, target="format")
    if details.lower() not in ("true", "false"):
        detail = f"details must be true or false, not {details!r}."
        raise bad_argument("QueryInvalid", detail, target="details")
    return AnswerFormat("swagger" if form else "classic", details.lower() == "true")


async def read_body(request: Request, settings: ServiceSettings, most: int | None = None) -> bytes:
    """Receive a JSON body within the limits, or of at most `most` bytes if that is less.

    Raises
    ------
    Fault
        415 for another content type, 413 for too many bytes, 408 if it arrives too slowly.
    ClientDisconnect
        When the client disconnects.
    """
    coding = request.headers.get("content-encoding", "identity")
    if coding.strip().lower() != "identity":
        detail = f"The content encoding {coding!r} is not supported."
        raise bad_argument("UnsupportedMediaType", detail, status=415)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        detail = f"Content-Type must be application/json, not {kind!r}."
        raise bad_argument("UnsupportedMediaType", detail, status=415)
    limit = settings.max_body if most is None else min(most, settings.max_body)
    fault = too_large("RequestBodyTooLarge", f"The body may have at most {limit:,} bytes.")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise fault
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(settings.body_timeout):
            async for piece in request.stream():
                size += len(piece)
                if size > limit:
                    raise fault
                pieces.append(piece)
    except TimeoutError:
        detail = f"The body did not arrive within {settings.body_timeout:g} s."
        raise timed_out(detail) from None
    return b"".join(pieces)


async def until_disconnected(request: Request) -> None:
    """Wait until the client has disconnected; its body must have been read."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return
