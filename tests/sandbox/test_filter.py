"""The system call filter, run by a small machine of our own, for both architectures."""

import errno
import os

import pytest

from azml_magic.protocol.policy import Level
from azml_magic.sandbox import confine, rules, seccomp
from azml_magic.sandbox.syscalls import NUMBERS

OWN = 4711
MACHINES = sorted(NUMBERS)


def run(code, number, architecture, arguments=()):
    """Execute a filter as the kernel does; return its verdict."""
    words = [number, architecture, 0, 0]
    for argument in [*arguments, 0, 0, 0, 0, 0, 0][:6]:
        words += [argument & 0xFFFFFFFF, argument >> 32 & 0xFFFFFFFF]
    position = accumulator = 0
    while True:
        instruction = int.from_bytes(code[8 * position : 8 * position + 8], "little")
        operation, value = instruction & 0xFFFF, instruction >> 32
        if_true, if_false = instruction >> 16 & 0xFF, instruction >> 24 & 0xFF
        position += 1
        if operation == 0x20:
            accumulator = words[value // 4]
        elif operation == 0x54:
            accumulator &= value
        elif operation == 0x15:
            position += if_true if accumulator == value else if_false
        elif operation == 0x35:
            position += if_true if accumulator >= value else if_false
        elif operation == 0x05:
            position += value
        elif operation == 0x06:
            return value
        else:
            raise AssertionError(f"instruction {operation:#x}")


def verdict(machine, name, *arguments, abi=7, network=False):
    code = seccomp.assemble(seccomp.program(machine, abi, network), OWN)
    number = NUMBERS[machine][name] if isinstance(name, str) else name
    answer = run(code, number, seccomp.AUDIT_ARCHITECTURE[machine], arguments)
    if answer >> 16 == 5:
        return errno.errorcode.get(answer & 0xFFFF, "done")
    return {seccomp.ALLOW: "allowed", seccomp.ASK: "asked", seccomp.KILL: "killed"}[answer]


@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize("abi", [1, 2, 3, 5, 6, 7])
@pytest.mark.parametrize("machine", MACHINES)
def test_every_call_without_checks_gets_its_verdict(machine, abi, network):
    for name, rule in rules.table(abi, network=network).items():
        if name not in NUMBERS[machine]:
            continue
        if isinstance(rule, int):
            expected = errno.errorcode.get(rule, "done")
        elif rule.alternatives == ((),):
            expected = "asked" if rule.asked else "allowed"
        else:
            continue
        assert verdict(machine, name, abi=abi, network=network) == expected, name


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_that_no_table_names_do_not_exist(machine):
    named = {NUMBERS[machine][n] for n in rules.table(7, network=False) if n in NUMBERS[machine]}
    for number in [*(set(range(700)) - named), 100_000, 0x3FFFFFFF]:
        assert verdict(machine, number) == "ENOSYS", number


@pytest.mark.parametrize("machine", MACHINES)
def test_other_architectures_are_killed(machine):
    code = seccomp.assemble(seccomp.program(machine, 7, False), OWN)
    for architecture in (0x40000003, 0x40000028, 0xC00000F3, 0):
        assert run(code, 1, architecture) == seccomp.KILL


def test_the_filter_can_be_prepared():
    seccomp.program.cache_clear()
    confine.prepare(Level.LANDLOCK, network=False)
    assert seccomp.program.cache_info().currsize == 1


def test_x32_does_not_exist():
    assert verdict("x86_64", 0x40000000 | 1) == "ENOSYS"
    assert verdict("x86_64", 0xFFFFFFFF) == "ENOSYS"


CASES = [
    ("clone", (0x00F00, 0), "asked"),
    ("clone", (0x10000000,), "EPERM"),
    ("clone", (0x00008000,), "EPERM"),
    ("clone", (0x100000011,), "asked"),
    ("kill", (OWN, 9), "allowed"),
    ("prlimit64", (0, 7), "allowed"),
    ("prlimit64", (OWN, 7), "allowed"),
    ("prlimit64", (OWN + 1, 7), "EPERM"),
    ("setpriority", (0, OWN, 1), "allowed"),
    ("setpriority", (0, 1, 1), "EPERM"),
    ("setpriority", (2, 0, 1), "EPERM"),
    ("fcntl", (3, 4, 0), "allowed"),
    ("fcntl", (3, 8, 1), "EPERM"),
    ("ioctl", (0, 0x5401), "allowed"),
    ("ioctl", (0, 0x5412), "ENOTTY"),
    ("ioctl", (0, 0x100005412), "ENOTTY"),
    ("socketpair", (1, 0x80001, 0), "asked"),
    ("socketpair", (1, 2, 0), "EPERM"),
    ("socketpair", (2, 1, 0), "EPERM"),
    ("utimensat", (-100, 1, 0, 0), "EACCES"),
    ("utimensat", (-100, 1, 0x7FFC12345678, 0), "done"),
    ("prctl", (15,), "allowed"),
    ("prctl", (22,), "EPERM"),
    ("execveat", (), "ENOSYS"),
    ("mmap", (0, 1 << 40, 3, 0x22), "allowed"),  # private and anonymous
    ("mmap", (0, 1 << 40, 3, 0x01, 3), "allowed"),  # a file
    ("mmap", (0, 8, 3, 0x21), "allowed"),  # shared and anonymous
    ("mmap", (0, 4096, 3, 0x21), "allowed"),
    ("mmap", (0, 4097, 3, 0x21), "EPERM"),
    ("mmap", (0, 1 << 32, 3, 0x21), "EPERM"),
    ("mmap", (0, (1 << 32) + 4096, 3, 0x23), "EPERM"),
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("name", "arguments", "expected"), CASES)
def test_arguments_are_looked_at(machine, name, arguments, expected):
    assert verdict(machine, name, *arguments) == expected


@pytest.mark.parametrize("machine", MACHINES)
def test_signals_are_asked_about_where_landlock_does_not_help(machine):
    own_group = -OWN & 0xFFFFFFFF
    for target in (OWN, 0, own_group):
        assert verdict(machine, "kill", target, 9, abi=5) == "allowed"
    for target in (1, OWN + 1, 0xFFFFFFFF, -OWN - 1 & 0xFFFFFFFF):
        assert verdict(machine, "kill", target, 9, abi=5) == "asked"
        assert verdict(machine, "kill", target, 9, abi=6) == "allowed"
    assert verdict(machine, "tgkill", OWN, 1, 9, abi=5) == "allowed"
    assert verdict(machine, "tgkill", 1, 1, 9, abi=5) == "asked"
    assert verdict(machine, "pidfd_send_signal", 3, 9, abi=5) == "EPERM"


@pytest.mark.parametrize("machine", MACHINES)
def test_in_namespaces_of_its_own_there_is_nobody_else_to_signal(machine):
    code = seccomp.assemble(seccomp.program(machine, 1, False, True), OWN)
    for name in ("kill", "tgkill", "pidfd_send_signal", "truncate"):
        number, architecture = NUMBERS[machine][name], seccomp.AUDIT_ARCHITECTURE[machine]
        assert run(code, number, architecture, (OWN + 1, 1, 9)) == seccomp.ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_truncation_is_refused_where_landlock_does_not_help(machine):
    for flags, expected in (
        (os.O_RDONLY, "allowed"),
        (os.O_WRONLY | os.O_CREAT | os.O_TRUNC, "allowed"),
        (os.O_RDWR | os.O_TRUNC, "allowed"),
        (os.O_RDONLY | os.O_TRUNC, "EACCES"),
        (os.O_ACCMODE | os.O_TRUNC, "EACCES"),
    ):
        assert verdict(machine, "openat", -100, 1, flags, abi=2) == expected
        assert verdict(machine, "openat", -100, 1, flags, abi=3) == "allowed"
    assert verdict(machine, "truncate", abi=2) == "EACCES"
    assert verdict(machine, "openat2", abi=2) == "ENOSYS"


@pytest.mark.parametrize("machine", MACHINES)
def test_the_program_is_one_that_the_kernel_takes(machine):
    program = seccomp.program(machine, 1, True)
    assert len(program) < 4096
    for place, instruction in enumerate(program):
        reach = place + 1 + max(instruction.if_true, instruction.if_false)
        assert max(instruction.if_true, instruction.if_false) < 256
        assert reach < len(program) or instruction.code == 0x06


def test_no_call_is_both_allowed_and_refused():
    groups = [rules.ALLOWED, rules.PRETENDED, rules.UNSUPPORTED, rules.REFUSED]
    names = [name for group in groups for name in group.split()]
    assert len(names) == len(set(names))
