"""One hostile attempt, and how it becomes a module."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field, replace
from typing import Any

from azml_magic.sandbox import kernel
from azml_magic.sandbox.syscalls import NUMBERS


@dataclass(frozen=True)
class Snippet:
    """A few lines that try one thing.

    Attributes
    ----------
    name : str
        What it tries.
    code : str
        Its lines. ``F`` holds the canary's facts, ``reached(what)`` tells of a success that the
        canary cannot see, ``libc`` is the C library. What it prints is searched for the secret.
    group, escape : str
        Which group it belongs to, and what an escape would look like.
    options : dict
        Options of the run, such as a short time limit.
    slow : bool
        Whether it takes seconds, so that it is left out of the quick battery.
    harmless : bool
        Whether it may also be tried where nothing is confined.
    documented : str
        Why an escape at level 1, without namespaces, is expected and documented.
    """

    name: str
    code: str
    group: str = ""
    escape: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    slow: bool = False
    harmless: bool = True
    documented: str = ""


def group(name: str, escape: str, *snippets: Snippet, **changes: Any) -> list[Snippet]:
    """Put snippets into a group; each may say more exactly what its escape or its options are."""
    options = dict(changes.pop("options", {}))
    return [
        replace(
            one,
            group=name,
            escape=one.escape or escape,
            options={**options, **one.options},
            **changes,
        )
        for one in snippets
    ]


MODULE = r"""
import ctypes, errno, fcntl, glob, json, mmap, os, resource, shutil, signal, socket, stat, struct
import subprocess, sys, tempfile, threading, time
import pandas as pd

F = {facts!r}
N = {numbers!r}
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(4096)


def reached(what):
    print("REACHED", what, flush=True)


def call(number, *arguments):
    # Make a system call by its number; an error is raised.
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = libc.syscall(ctypes.c_long(number), *wide)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def sees(path):
    # Whether a folder shows all that it shows outside.
    if F["listed"][path] and set(os.listdir(path)) >= set(F["listed"][path]):
        reached(path)


def started(make, wanted):
    # How many of something can be had.
    made = []
    try:
        while len(made) < wanted:
            made.append(make())
    except (OSError, MemoryError, RuntimeError):
        pass
    return made


def road():
    # The data socket to the notebook.
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                return socket.socket(fileno=fd)
        except OSError:
            pass
    raise OSError("no socket")


def message(content):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack("<Q", len(content)) + content


def result(**changes):
    # The event that says that a module has returned.
    event = {{"event": "result", "outputs": [True, False], "findings": []}}
    return message({{**event, "unsaved": [], "uploads": [], **changes}})


def frame(buffers=b"", **changes):
    plain = {{"kind": "plain", "dtype": "i8"}}
    found = {{"rows": 1, "names": ["a"], "specs": [plain], "columns": [0], "index": None}}
    return message({{**found, **changes}}) + buffers


def forge(*parts, end=True):
    # Answer in the worker's place.
    connection = road()
    for part in parts:
        connection.sendall(part)
    if end:
        os._exit(0)


def png(*extra, size=(1, 1), data=b"\0\0\0\0"):
    import zlib

    def chunk(kind, body):
        checksum = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    chunks = [(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)), *extra]
    chunks += [(b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def attempt():
{body}

def azureml_main():
    try:
        attempt()
    except BaseException as error:
        print("refused:", type(error).__name__, error)
"""


def module_source(snippet: Snippet, facts: dict[str, object]) -> str:
    """Return the module that makes the attempt."""
    body = textwrap.indent(textwrap.dedent(snippet.code).strip() + "\n", "    ")
    return MODULE.format(facts=facts, body=body, numbers=NUMBERS[kernel.machine()])
