"""The server as a child process of a notebook or script, which ends with its owner."""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import dataclass
from typing import Any

from azml_magic.errors import AzmlError
from azml_magic.protocol.codec import from_json, to_json
from azml_magic.serving.http_server import serve
from azml_magic.serving.service_settings import ServiceSettings


@dataclass(frozen=True)
class ServerOrder:
    """The message that starts a server."""

    zip_path: str
    settings: ServiceSettings


def order(zip_path: str, settings: ServiceSettings) -> bytes:
    """Return the owner's message: one line of JSON.

    It includes the keys, so that they are neither on a command line nor in an environment.
    """
    return to_json(ServerOrder(zip_path, settings)).encode() + b"\n"


def main() -> None:
    """Run the server for the owner at the socket whose descriptor is ``argv[1]``."""
    owner = socket.socket(fileno=int(sys.argv[1]))
    with owner.makefile("rb") as stream:
        line = stream.readline()

    def send(**message: Any) -> None:
        owner.sendall(json.dumps(message).encode() + b"\n")

    try:
        order = from_json(ServerOrder, line)
        serve(order.zip_path, order.settings, lambda url: send(url=url), owner)
    except AzmlError as error:
        send(kind=type(error).__name__, message=error.message, hint=error.hint)


if __name__ == "__main__":
    main()
