"""Kernel interfaces without a Python function: raw system calls and ``prctl``."""

from __future__ import annotations

import ctypes
import os
import platform
from typing import Any

from azml_magic.sandbox.syscalls import NUMBERS

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_GET_SECCOMP = 21
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_GET_NO_NEW_PRIVS = 39
PR_CAP_AMBIENT = 47

_libc = ctypes.CDLL(None, use_errno=True)
_ALIASES = {"amd64": "x86_64", "arm64": "aarch64"}


def machine() -> str:
    """Return the architecture, named as in the tables of this room.

    Returns
    -------
    str
        ``"x86_64"``, ``"aarch64"``, or another name that is in no table.
    """
    name = platform.machine().lower()
    return _ALIASES.get(name, name)


def syscall(name: str, *arguments: Any) -> int:
    """Make a system call by its name.

    Parameters
    ----------
    name : str
        Name as in the tables of this room, for example ``"landlock_add_rule"``.
    *arguments : int or ctypes object
        At most six; an integer is passed as a full register.

    Returns
    -------
    int
        The return value of the kernel.

    Raises
    ------
    OSError
        With the kernel's error number.
    """
    number = NUMBERS[machine()][name]
    passed = [
        ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments
    ]
    return _checked(name, _libc.syscall(ctypes.c_long(number), *passed))


def open_process(pid: int) -> int:
    """Return a descriptor of a process, closed at ``exec``; Python 3.8 has no function for it.

    Raises
    ------
    OSError
        With the kernel's error number.
    """
    return syscall("pidfd_open", pid, 0)


def prctl(option: int, *arguments: int) -> int:
    """Call ``prctl``; missing arguments are zero, as newer options require.

    Raises
    ------
    OSError
        With the kernel's error number.
    """
    padded = [*arguments, 0, 0, 0, 0][:4]
    return _checked("prctl", _libc.prctl(option, *map(ctypes.c_ulong, padded)))


def _checked(name: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result
