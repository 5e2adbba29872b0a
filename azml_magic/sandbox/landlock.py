"""Landlock: the kernel's confinement of files, TCP ports, signals and abstract sockets."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Iterable

from azml_magic.sandbox import kernel

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK = (1 << b for b in range(6, 12))
MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV = (1 << bit for bit in range(12, 16))

OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READING = EXECUTE | READ_FILE | READ_DIR
# A run can neither execute files that it writes nor create device files.
WRITING = (
    (WRITE_FILE | READ_FILE | READ_DIR | REMOVE_DIR | REMOVE_FILE | REFER | TRUNCATE)
    | (MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM)
)  # fmt: skip
OF_DEVICES = READ_FILE | WRITE_FILE | TRUNCATE

_BIND_TCP, _CONNECT_TCP = 1, 2
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2
_VERSION = 1
_PATH_BENEATH = 1
_LOG_NOTHING = 1


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """Return the version of Landlock in force; 0 if there is none."""
    try:
        return kernel.syscall("landlock_create_ruleset", 0, 0, _VERSION)
    except (OSError, KeyError):
        return 0


def handled(version: int) -> int:
    """Return the file access rights that a version of Landlock can restrict."""
    bits = {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)
    return (1 << bits) - 1


def restrict(
    version: int, readable: Iterable[str], writable: Iterable[str], *, network: bool
) -> None:
    """Restrict this process and its future children to some files, permanently.

    Parameters
    ----------
    version : int
        The result of :func:`abi`.
    readable, writable : iterable of str
        Files and folders, with everything below them. A readable path that does not exist, or
        that this user cannot access, is ignored.
    network : bool
        If false, TCP is blocked here too, if the kernel's Landlock supports that.

    Raises
    ------
    OSError
        When Landlock is not available, or a writable path cannot be granted.
    """
    attributes = _Ruleset(
        handled(version),
        0 if network or version < 4 else _BIND_TCP | _CONNECT_TCP,
        _ABSTRACT_SOCKETS | _SIGNALS if version >= 6 else 0,
    )
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = kernel.syscall("landlock_create_ruleset", ctypes.byref(attributes), size, 0)
    try:
        for path in readable:
            try:
                _grant(ruleset, path, READING, version)
            except OSError as error:
                if error.errno not in {errno.ENOENT, errno.EACCES, errno.ENOTDIR}:
                    raise
        for path in writable:
            _grant(ruleset, path, WRITING, version)
        # Keep denials out of the machine's audit log.
        flags = _LOG_NOTHING if version >= 7 else 0
        kernel.syscall("landlock_restrict_self", ruleset, flags)
    finally:
        os.close(ruleset)


def _grant(ruleset: int, path: str, allowed: int, version: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        mode = os.fstat(parent).st_mode
        if stat.S_ISCHR(mode):
            allowed = OF_DEVICES
        elif not stat.S_ISDIR(mode):
            allowed &= OF_FILES
        rule = _PathBeneath(allowed & handled(version), parent)
        kernel.syscall("landlock_add_rule", ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)
