"""Dropping capabilities, so that even root confines itself to an unprivileged process."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Collection

from azml_magic.sandbox import kernel

SYS_CHROOT, SYS_ADMIN = 18, 21
_VERSION_3 = 0x20080522
_AMBIENT_CLEAR_ALL = 4
# NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE on, KEEP_CAPS off, and all of these locked.
_SECUREBITS = 0b1110_1111
_MORE_THAN_ALL = 64


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = tuple(
        (f"{name}{half}", ctypes.c_uint32)
        for half in range(2)
        for name in ("effective", "permitted", "inheritable")
    )


def drop_all() -> None:
    """Drop all capabilities permanently; do nothing in a process without any.

    Raises
    ------
    OSError
        When some could not be dropped.
    """
    drop_all_but(())


def drop_all_but(kept: Collection[int]) -> None:
    """Drop all capabilities but some permanently; executed programs inherit none.

    Parameters
    ----------
    kept : collection of int
        Numbers of capabilities of this process.

    Raises
    ------
    OSError
        When others could not be dropped.
    """
    _drop_bounding_set()
    try:
        kernel.prctl(kernel.PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL)
        kernel.prctl(kernel.PR_SET_SECUREBITS, _SECUREBITS)
    except OSError as error:
        # Without CAP_SETPCAP there is nothing to lock.
        if error.errno not in {errno.EPERM, errno.EINVAL}:
            raise
    bits = sum(1 << capability for capability in kept)
    _set(bits)
    if held() != (bits, bits, 0):
        raise PermissionError(errno.EPERM, "capabilities are left")


def give_up() -> None:
    """Drop all capabilities in a process that does not execute programs which could gain some."""
    _set(0)


def _set(bits: int) -> None:
    header, sets = _Header(_VERSION_3, 0), _Sets()
    sets.effective0 = sets.permitted0 = bits & 0xFFFFFFFF
    sets.effective1 = sets.permitted1 = bits >> 32
    kernel.syscall("capset", ctypes.byref(header), ctypes.byref(sets))


def make_inheritable() -> None:
    """Make the capabilities of this process inheritable, so that they can be made ambient too."""
    header, sets = _Header(_VERSION_3, 0), _Sets()
    kernel.syscall("capget", ctypes.byref(header), ctypes.byref(sets))
    sets.inheritable0, sets.inheritable1 = sets.permitted0, sets.permitted1
    kernel.syscall("capset", ctypes.byref(header), ctypes.byref(sets))


def held() -> tuple[int, int, int]:
    """Return the effective, permitted and inheritable capabilities of this process."""
    header, sets = _Header(_VERSION_3, 0), _Sets()
    kernel.syscall("capget", ctypes.byref(header), ctypes.byref(sets))
    return (
        sets.effective0 | sets.effective1 << 32,
        sets.permitted0 | sets.permitted1 << 32,
        sets.inheritable0 | sets.inheritable1 << 32,
    )


def _drop_bounding_set() -> None:
    for capability in range(_MORE_THAN_ALL):
        try:
            kernel.prctl(kernel.PR_CAPBSET_DROP, capability)
        except OSError as error:
            # EINVAL: after the last capability. EPERM: there is no privilege to drop.
            if error.errno not in {errno.EINVAL, errno.EPERM}:
                raise
            return
