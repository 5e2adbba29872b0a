"""Ways that people move a frame to another process and back, as a process that echoes.

Run as a program (``python -m benchmarks.echo METHOD DESCRIPTOR``) it receives frames, reads
them, says when it had read the last byte, and sends them back.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from benchmarks.frames import read

_LENGTH = struct.Struct("<Q")
_SOCKET_BYTES = 4 << 20


class Road:
    """A stream socket with lengths."""

    def __init__(self, endpoint: socket.socket) -> None:
        self.socket = endpoint
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            endpoint.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BYTES)

    def send(self, data: Any) -> None:
        view = memoryview(data).cast("B")
        self.socket.sendall(_LENGTH.pack(view.nbytes))
        self.socket.sendall(view)

    def receive(self) -> Any:
        (size,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        return self._exactly(size)

    def _exactly(self, size: int) -> Any:
        data = np.empty(size, np.uint8)
        view = memoryview(data.data)
        while view.nbytes:
            got = self.socket.recv_into(view)
            if not got:
                raise EOFError
            view = view[got:]
        return data


@dataclass(frozen=True)
class Method:
    """How a frame is written to a road and read from it."""

    send: Callable[[Road, pd.DataFrame], None]
    receive: Callable[[Road], pd.DataFrame]


def _send_pickle(road: Road, frame: pd.DataFrame) -> None:
    road.send(pickle.dumps(frame, protocol=5))


def _send_out_of_band(road: Road, frame: pd.DataFrame) -> None:
    buffers: list[pickle.PickleBuffer] = []
    road.send(pickle.dumps(frame, protocol=5, buffer_callback=buffers.append))
    road.send(str(len(buffers)).encode())
    for buffer in buffers:
        road.send(buffer.raw())


def _receive_out_of_band(road: Road) -> pd.DataFrame:
    head = road.receive()
    count = int(bytes(road.receive()))
    frame: pd.DataFrame = pickle.loads(head, buffers=[road.receive() for _ in range(count)])
    return frame


def _send_arrow(road: Road, frame: pd.DataFrame) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with pa.ipc.new_stream(_Sink(road.socket), table.schema) as writer:
        writer.write_table(table)


def _receive_arrow(road: Road) -> pd.DataFrame:
    with road.socket.makefile("rb") as file:
        table = pa.ipc.open_stream(pa.PythonFile(file, "r")).read_all()
    table.validate(full=True)
    frame: pd.DataFrame = table.to_pandas(split_blocks=True)
    return frame


class _Sink(io.RawIOBase):
    """Arrow writes whole buffers here."""

    def __init__(self, endpoint: socket.socket) -> None:
        super().__init__()
        self._endpoint = endpoint

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._endpoint.sendall(data)
        return len(data)


def _by_file(
    write: Callable[[pd.DataFrame, str], object], read_back: Callable[[str], pd.DataFrame]
) -> Method:
    def send(road: Road, frame: pd.DataFrame) -> None:
        with tempfile.NamedTemporaryFile(delete=False) as file:
            write(frame, file.name)
        road.send(file.name.encode())

    def receive(road: Road) -> pd.DataFrame:
        path = bytes(road.receive()).decode()
        frame = read_back(path)
        os.unlink(path)
        return frame

    return Method(send, receive)


METHODS = {
    "pickle over a pipe": Method(_send_pickle, lambda road: pickle.loads(road.receive())),
    "pickle 5 out-of-band": Method(_send_out_of_band, _receive_out_of_band),
    "Arrow stream, validated": Method(_send_arrow, _receive_arrow),
    "Feather": _by_file(
        lambda frame, path: pa.feather.write_feather(frame, path), pa.feather.read_feather
    ),
    "Parquet": _by_file(lambda frame, path: frame.to_parquet(path, index=False), pd.read_parquet),
    "CSV": _by_file(lambda frame, path: frame.to_csv(path, index=False), pd.read_csv),
}


class Peer:
    """A process that echoes frames by one method."""

    def __init__(self, name: str) -> None:
        ours, theirs = socket.socketpair()
        self.method = METHODS[name]
        self.road = Road(ours)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.echo", name, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self.road.receive()

    def echo(self, frame: pd.DataFrame) -> tuple[float, float]:
        """Return the seconds there and back, each until every byte was read."""
        started = time.monotonic()
        self.method.send(self.road, frame)
        arrived = json.loads(bytes(self.road.receive()))
        self.road.send(b"go")
        left = json.loads(bytes(self.road.receive()))
        read(self.method.receive(self.road))
        return arrived - started, time.monotonic() - left

    def close(self) -> None:
        self.road.socket.close()
        self.process.wait()


def main() -> None:
    method, road = METHODS[sys.argv[1]], Road(socket.socket(fileno=int(sys.argv[2])))
    road.send(b"ready")
    try:
        while True:
            frame = method.receive(road)
            read(frame)
            road.send(json.dumps(time.monotonic()).encode())
            road.receive()
            road.send(json.dumps(time.monotonic()).encode())
            method.send(road, frame)
            del frame
    except (EOFError, pa.ArrowInvalid):  # the other end has closed
        return


if __name__ == "__main__":
    main()
