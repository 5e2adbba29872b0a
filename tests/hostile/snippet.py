"""One hostile attempt, and how it becomes a module."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field, replace


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
    """

    name: str
    code: str
    group: str = ""
    escape: str = ""
    options: dict[str, object] = field(default_factory=dict)


def group(name: str, escape: str, *snippets: Snippet) -> list[Snippet]:
    """Put snippets into a group; each may say more exactly what its escape looks like."""
    return [replace(item, group=name, escape=item.escape or escape) for item in snippets]


MODULE = """
import ctypes, errno, fcntl, glob, mmap, os, resource, shutil, signal, socket, stat, struct
import subprocess, sys, tempfile, threading, time

F = {facts!r}
libc = ctypes.CDLL(None, use_errno=True)


def reached(what):
    print("REACHED", what, flush=True)


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
    return MODULE.format(facts=facts, body=body)
