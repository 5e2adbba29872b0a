"""What a service answers when it cannot answer: status, code and the error JSON."""

from __future__ import annotations

import json
from typing import Any, Dict


class Fault(Exception):
    """An answer that is an error.

    Parameters
    ----------
    status : int
        HTTP status.
    code, message : str
        Of the whole error, for example ``"BadUserArgument"``.
    detail_code, detail : str
        Of the one entry of ``details``; old clients show ``detail`` and nothing else.
    target : str
        What the detail is about.
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
        """Return the error as the body's value."""
        detail = {"code": self.detail_code, "target": self.target, "message": self.detail}
        return {"error": {"code": self.code, "message": self.message, "details": [detail]}}

    def body(self) -> bytes:
        """Return the error as the bytes of a body."""
        return json.dumps(self.to_json()).encode()


def bad_input(detail_code: str, detail: str, target: str = "") -> Fault:
    """Return the fault of a request whose inputs do not fit the service."""
    message = "The request's inputs do not fit this service."
    return Fault(400, "BadUserArgument", message, detail_code, detail, target)


def unparsable(detail: str, target: str = "") -> Fault:
    """Return the fault of a body or value that cannot be read."""
    return bad_input("InputParseError", detail, target)


def mismatch(detail: str, target: str = "") -> Fault:
    """Return the fault of inputs or columns that are not those of the service."""
    return bad_input("InputMismatchError", detail, target)


def bad_argument(detail_code: str, detail: str, status: int = 400, target: str = "") -> Fault:
    """Return the fault of a request that is wrong around its body."""
    return Fault(status, "BadArgument", "Invalid argument provided.", detail_code, detail, target)


def too_large(detail_code: str, detail: str) -> Fault:
    """Return the fault of a request that is larger than the service accepts."""
    return bad_argument(detail_code, detail, status=413)


def module_failed(cloud_text: str) -> Fault:
    """Return the fault of a module that raised or returned what is refused (S-12)."""
    text = "\r\n".join(cloud_text.splitlines())
    message = "Module execution encountered an error."
    return Fault(
        400, "ModuleExecutionError", message, "85", text, target="Execute Python Script RRS"
    )


def unauthorized() -> Fault:
    """Return the fault of a missing or wrong key."""
    return Fault(
        401,
        "Unauthorized",
        "The request is not authorized.",
        "ScoreRequestUnauthorized",
        "Invalid credentials provided.",
    )


def not_found(path: str) -> Fault:
    """Return the fault of a path that is not there."""
    return Fault(404, "NotFound", "The resource was not found.", "ResourceNotFound", path)


def timed_out(detail: str) -> Fault:
    """Return the fault of a request that took too long."""
    message = "The request took too long."
    return Fault(408, "RequestTimeout", message, "ScoreRequestTimeout", detail)


def out_of_memory(detail: str) -> Fault:
    """Return the fault of a module that passed its memory limit."""
    message = "The module used more memory than it may."
    return Fault(413, "MemoryQuotaViolation", message, "OutOfMemoryLimit", detail)


def broken(detail: str) -> Fault:
    """Return the fault of a worker that ended without an answer."""
    return Fault(
        500,
        "InternalError",
        "The service could not complete the request.",
        "ContainerProcessTerminatedWithSystemError",
        detail,
    )


def mistake() -> Fault:
    """Return the fault of a service that went wrong itself."""
    return broken("The service made a mistake; its log tells more.")


def overloaded(detail: str) -> Fault:
    """Return the fault of a full queue."""
    return Fault(
        503,
        "ServiceUnavailable",
        "The service has no room for the request now.",
        "TooManyConcurrentRequests",
        detail,
    )


def stopping() -> Fault:
    """Return the fault of a server that is on its way out."""
    detail = "The server is stopping; send the request again."
    message = "The service has no room for the request now."
    return Fault(503, "ServiceUnavailable", message, "ServiceStopping", detail)
