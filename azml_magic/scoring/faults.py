"""Error responses of a service: status, code and JSON body."""

from __future__ import annotations

import json
from typing import Any, Dict


class Fault(Exception):
    """An error response.

    Parameters
    ----------
    status : int
        HTTP status.
    code, message : str
        Code and message of the whole error; the code is for example ``"BadUserArgument"``.
    detail_code, detail : str
        Code and message of the only entry of ``details``; old clients show only ``detail``.
    target : str
        The subject of the detail.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        detail_code: str,
        detail: str,
        target: str = "",
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.message = message
        self.detail_code = detail_code
        self.detail = detail
        self.target = target

    def to_json(self) -> Dict[str, Any]:
        """Return the JSON value of the body."""
        detail = {"code": self.detail_code, "target": self.target, "message": self.detail}
        return {"error": {"code": self.code, "message": self.message, "details": [detail]}}

    def body(self) -> bytes:
        """Return the bytes of the body."""
        return json.dumps(self.to_json()).encode()


def bad_input(detail_code: str, detail: str, target: str = "") -> Fault:
    """Return the fault for a request whose inputs do not match the service."""
    message = "The request's inputs do not fit this service."
    return Fault(400, "BadUserArgument", message, detail_code, detail, target)


def unparsable(detail: str, target: str = "") -> Fault:
    """Return the fault for a body or value that cannot be parsed."""
    return bad_input("InputParseError", detail, target)


def mismatch(detail: str, target: str = "") -> Fault:
    """Return the fault for inputs or columns that differ from those of the service."""
    return bad_input("InputMismatchError", detail, target)


def bad_argument(detail_code: str, detail: str, status: int = 400, target: str = "") -> Fault:
    """Return the fault for a request with an invalid header, path or query."""
    return Fault(status, "BadArgument", "Invalid argument provided.", detail_code, detail, target)


def too_large(detail_code: str, detail: str) -> Fault:
    """Return the fault for a request that is larger than the service accepts."""
    return bad_argument(detail_code, detail, status=413)


def module_failed(cloud_text: str) -> Fault:
    """Return the fault for a module that raised, or whose return value is refused (S-12)."""
    text = "\r\n".join(cloud_text.splitlines())
    message = "Module execution encountered an error."
    return Fault(
        400, "ModuleExecutionError", message, "85", text, target="Execute Python Script RRS"
    )


def unauthorized() -> Fault:
    """Return the fault for a missing or wrong key."""
    return Fault(
        401,
        "Unauthorized",
        "The request is not authorized.",
        "ScoreRequestUnauthorized",
        "Invalid credentials provided.",
    )


def not_found(path: str) -> Fault:
    """Return the fault for a path that does not exist."""
    return Fault(404, "NotFound", "The resource was not found.", "ResourceNotFound", path)


def timed_out(detail: str) -> Fault:
    """Return the fault for a request that took too long."""
    message = "The request took too long."
    return Fault(408, "RequestTimeout", message, "ScoreRequestTimeout", detail)


def out_of_memory(detail: str) -> Fault:
    """Return the fault for a module that exceeded its memory limit."""
    message = "The module exceeded its memory limit."
    return Fault(413, "MemoryQuotaViolation", message, "OutOfMemoryLimit", detail)


def broken(detail: str) -> Fault:
    """Return the fault for a worker that ended without a response."""
    return Fault(
        500,
        "InternalError",
        "The service could not complete the request.",
        "ContainerProcessTerminatedWithSystemError",
        detail,
    )


def internal_error() -> Fault:
    """Return the fault for an internal error of the service."""
    return broken("Internal error of the service; see its log.")


def overloaded(detail: str) -> Fault:
    """Return the fault for a full queue."""
    return Fault(
        503,
        "ServiceUnavailable",
        "The service cannot accept the request now.",
        "TooManyConcurrentRequests",
        detail,
    )


def stopping() -> Fault:
    """Return the fault for a server that is shutting down."""
    detail = "The server is stopping; send the request again."
    message = "The service cannot accept the request now."
    return Fault(503, "ServiceUnavailable", message, "ServiceStopping", detail)
