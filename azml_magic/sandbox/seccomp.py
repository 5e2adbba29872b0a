"""The system call filter: a small program that the kernel runs at each system call of a run."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import struct
import sys
from typing import NamedTuple

from azml_magic.sandbox import kernel
from azml_magic.sandbox.rules import ALL_BITS, ASKED, OWN_GROUP, OWN_PROCESS, Check, Rule, table
from azml_magic.sandbox.syscalls import NUMBERS

KILL, ERROR, ASK, ALLOW = 0x80000000, 0x00050000, 0x7FC00000, 0x7FFF0000
AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _AND, _RETURN, _JUMP = 0x20, 0x15, 0x35, 0x54, 0x06, 0x05
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_SET_MODE_FILTER, _GET_ACTION_AVAILABLE = 1, 2
_NEW_LISTENER, _WAIT_KILLABLE = 1 << 3, 1 << 5
# A conditional jump can skip this many instructions.
_FAR = 255


class Instruction(NamedTuple):
    """An instruction of the kernel's classic BPF machine."""

    code: int
    value: int | str
    if_true: int = 0
    if_false: int = 0


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def supported() -> bool:
    """Return whether this kernel supports filters and the tables know this architecture."""
    if sys.byteorder != "little" or kernel.machine() not in NUMBERS:
        return False
    action = ctypes.c_uint32(ASK)
    try:
        kernel.syscall("seccomp", _GET_ACTION_AVAILABLE, 0, ctypes.byref(action))
    except OSError:
        return False
    return True


def install(landlock_abi: int, *, network: bool, alone: bool = False) -> int:
    """Install the filter for this process and its future children, permanently.

    Parameters
    ----------
    landlock_abi : int
        The Landlock version in force, whose gaps the filter closes.
    network : bool
        Whether TCP and UDP over IP are allowed.
    alone : bool
        Whether this process is in separate namespaces.

    Returns
    -------
    int
        The listener: the descriptor through which the kernel asks the monitor.

    Raises
    ------
    OSError
        When the kernel refuses the filter.
    """
    code = assemble(program(kernel.machine(), landlock_abi, network, alone), os.getpid())
    arguments = _Program(len(code) // 8, code)
    try:
        # Otherwise a signal that arrives while the monitor is asked would restart the call.
        flags = _NEW_LISTENER | _WAIT_KILLABLE
        return kernel.syscall("seccomp", _SET_MODE_FILTER, flags, ctypes.byref(arguments))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return kernel.syscall("seccomp", _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(arguments))


@functools.lru_cache(maxsize=4)
def program(
    machine: str, landlock_abi: int, network: bool, alone: bool = False
) -> tuple[Instruction, ...]:
    """Return the filter for an architecture, with a placeholder for the own process id."""
    calls = NUMBERS[machine]
    decided = {
        calls[name]: _block(rule)
        for name, rule in table(landlock_abi, network=network, alone=alone).items()
        if name in calls
    }
    head = [
        Instruction(_LOAD, _ARCHITECTURE_AT),
        Instruction(_EQUAL, AUDIT_ARCHITECTURE[machine], 1, 0),
        Instruction(_RETURN, KILL),
        Instruction(_LOAD, _NUMBER_AT),
    ]
    if machine == "x86_64":
        # The x32 interface uses different numbers under the same architecture.
        head += [Instruction(_AT_LEAST, X32_BIT, 0, 1), Instruction(_RETURN, ERROR | errno.ENOSYS)]
    return (*head, *_search(_ranges(decided)))


def assemble(instructions: tuple[Instruction, ...], process: int) -> bytes:
    """Return the filter's bytes, with the process id filled in."""
    known = {OWN_PROCESS: process, OWN_GROUP: -process & ALL_BITS}
    fields: list[int] = []
    for code, value, if_true, if_false in instructions:
        number = known[value] if isinstance(value, str) else value
        fields += (code, if_true, if_false, number)
    return struct.pack("<" + "HBBI" * len(instructions), *fields)


def _block(rule: Rule | int) -> tuple[Instruction, ...]:
    """Return the instructions that decide on a call."""
    if isinstance(rule, int):
        return (Instruction(_RETURN, ERROR | rule),)
    through = ERROR | rule.answer if rule.answer else ASK if rule.asked else ALLOW
    block: list[Instruction] = []
    for alternative in rule.alternatives:
        block += _alternative(alternative, through)
    if rule.alternatives != ((),):
        asked = rule.otherwise == ASKED
        block.append(Instruction(_RETURN, ASK if asked else ERROR | rule.otherwise))
    return tuple(block)


def _alternative(checks: tuple[Check, ...], through: int) -> list[Instruction]:
    """Return instructions that allow the call, or fall through to what follows them."""
    block = [Instruction(_RETURN, through)]
    for check in reversed(checks):
        last = len(check.values) - 1
        compare = [
            # A match skips the other comparisons; the last mismatch skips the alternative.
            Instruction(_EQUAL, value, last - place, len(block) if place == last else 0)
            for place, value in enumerate(check.values)
        ]
        load = [Instruction(_LOAD, _ARGUMENTS_AT + 8 * check.argument + 4 * check.upper)]
        if check.mask != ALL_BITS:
            load.append(Instruction(_AND, check.mask))
        block = [*load, *compare, *block]
    return block


def _ranges(
    decided: dict[int, tuple[Instruction, ...]],
) -> list[tuple[int, tuple[Instruction, ...]]]:
    """Return the start of each range of calls with equal decisions."""
    missing = (Instruction(_RETURN, ERROR | errno.ENOSYS),)
    ranges: list[tuple[int, tuple[Instruction, ...]]] = []
    for number in range(max(decided) + 2):
        block = decided.get(number, missing)
        if not ranges or ranges[-1][1] != block:
            ranges.append((number, block))
    return ranges


def _search(ranges: list[tuple[int, tuple[Instruction, ...]]]) -> list[Instruction]:
    """Return a binary search over the call's number, with the decisions as leaves."""
    if len(ranges) == 1:
        return list(ranges[0][1])
    middle = len(ranges) // 2
    low, high = _search(ranges[:middle]), _search(ranges[middle:])
    pivot = ranges[middle][0]
    if len(low) <= _FAR:
        return [Instruction(_AT_LEAST, pivot, len(low), 0), *low, *high]
    over = [Instruction(_AT_LEAST, pivot, 0, 1), Instruction(_JUMP, len(low))]
    return [*over, *low, *high]
