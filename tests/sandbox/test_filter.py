"""The system call filter, run by a small machine of our own, for both architectures."""

import errno
import fcntl
import functools
import os
import socket
import termios

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


@functools.cache
def filter_of(machine, abi, network):
    return seccomp.assemble(seccomp.program(machine, abi, network), OWN)


def verdict(machine, name, *arguments, abi=7, network=False):
    code = filter_of(machine, abi, network)
    number = NUMBERS[machine][name] if isinstance(name, str) else name
    answer = run(code, number, seccomp.AUDIT_ARCHITECTURE[machine], arguments)
    if answer >> 16 == 5:
        return errno.errorcode.get(answer & 0xFFFF, "done")
    return {0x7FFF0000: "allowed", 0x7FC00000: "asked"}[answer]


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


GROUPS = {
    "allowed": rules.ALLOWED,
    "done": rules.PRETENDED,
    "ENOTSUP": rules.UNSUPPORTED,
    "EPERM": rules.REFUSED,
    "asked": "fork vfork pipe pipe2 timer_create",
    "ENOSYS": "clone3 execveat inotify_init1 memfd_create",
}


@pytest.mark.parametrize("answer", GROUPS)
@pytest.mark.parametrize("machine", MACHINES)
def test_each_group_of_calls_has_its_answer(machine, answer):
    for name in GROUPS[answer].split():
        if name in NUMBERS[machine]:
            assert verdict(machine, name) == answer, name


def test_every_call_whose_number_is_known_has_a_rule():
    ours = {"landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self"}
    missing = {"execveat", "inotify_init1", "memfd_create"}
    for numbers in NUMBERS.values():
        assert numbers.keys() - rules.table(7, network=False).keys() == ours | missing


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_that_no_table_names_do_not_exist(machine):
    named = {NUMBERS[machine][n] for n in rules.table(7, network=False) if n in NUMBERS[machine]}
    for number in [*(set(range(700)) - named), 100_000, 0x3FFFFFFF]:
        assert verdict(machine, number) == "ENOSYS", number


@pytest.mark.parametrize("machine", MACHINES)
def test_other_architectures_are_killed(machine):
    code = seccomp.assemble(seccomp.program(machine, 7, False), OWN)
    for architecture in (0x40000003, 0x40000028, 0xC00000F3, 0):
        assert run(code, 1, architecture) == 0x80000000  # the process is killed


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


QUESTIONS = {2, 3, 7, 16, 21, 23, 25, 30, 39, 42, 0x41555856}  # PR_GET_* and the like
FILES = {fcntl.F_DUPFD, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL}
LOCKS = {fcntl.F_GETLK, fcntl.F_SETLK, fcntl.F_SETLKW}
SIZES = {fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETLEASE, 1032, 1034}  # F_GETPIPE_SZ, F_GET_SEALS
TERMINAL = {termios.TCGETS, termios.TIOCGPGRP, termios.TIOCGWINSZ, 0x802C542A}  # TCGETS2
ANY_FILE = {termios.FIONREAD, termios.FIONBIO, termios.FIONCLEX, termios.FIOCLEX}
OF_SOCKETS = {*range(2, 26), 29, 30, 38, 39}
ITSELF = {0, OWN}

# For each argument that is compared: the call, the arguments before it, the values that are let
# through, and the answer to every other.
VALUES = [
    ("prctl", (), QUESTIONS | {15, 29, 38, 41, 0x53564D41}, "EPERM"),
    ("fcntl", (3,), FILES | LOCKS | SIZES, "EPERM"),
    ("ioctl", (3,), TERMINAL | ANY_FILE, "ENOTTY"),
    ("personality", (), {0, 0xFFFFFFFF}, "EPERM"),
    ("epoll_ctl", (3,), {2, 3}, "asked"),
    ("prlimit64", (), ITSELF, "EPERM"),
    ("sched_setaffinity", (), ITSELF, "EPERM"),
    ("sched_setattr", (), ITSELF, "EPERM"),
    ("sched_setparam", (), ITSELF, "EPERM"),
    ("sched_setscheduler", (), ITSELF, "EPERM"),
    ("getpriority", (), {0}, "EPERM"),
    ("getpriority", (0,), ITSELF, "EPERM"),
    ("setpriority", (), {0}, "EPERM"),
    ("setpriority", (0,), ITSELF, "EPERM"),
    ("ioprio_get", (), {1}, "EPERM"),
    ("ioprio_get", (1,), ITSELF, "EPERM"),
    ("ioprio_set", (), {1}, "EPERM"),
    ("ioprio_set", (1,), ITSELF, "EPERM"),
    ("setsockopt", (3, socket.SOL_SOCKET), OF_SOCKETS, "ENOPROTOOPT"),
    ("setsockopt", (3, socket.IPPROTO_IP), set(), "ENOPROTOOPT"),
    *(
        (name, (1,) * place, set(range(32)), "asked")
        for name, place in rules.SIGNAL_NUMBERS.items()
    ),
]


def values_near(values):
    """Return values, those that differ from one of them in a bit, and small ones."""
    return {*values, *(value ^ 1 << bit for value in values for bit in range(32)), *range(70)}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("name", "before", "values", "otherwise"), VALUES)
def test_no_other_values_are_let_through(machine, name, before, values, otherwise):
    for value in values_near(values):
        expected = "allowed" if value in values else otherwise
        assert verdict(machine, name, *before, value) == expected, hex(value)


SHARED_DESCRIPTORS, THREAD, UNSHARE = 0x400, 0x10000, 2
# Namespaces of files, cgroups, names, messages, users, processes and networks; traced, parent.
NOT_CLONED = {0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000}
NOT_CLONED |= {0x2000, 0x8000}


@pytest.mark.parametrize("machine", MACHINES)
def test_each_flag_of_a_new_task_is_looked_at(machine):
    for bit in range(32):
        flag = 1 << bit
        refused = flag in NOT_CLONED
        assert verdict(machine, "clone", flag | SHARED_DESCRIPTORS) == (
            "EPERM" if refused else "asked"
        ), hex(flag)
        # What it holds is looked for in one of its threads.
        alone = "EPERM" if refused or flag == THREAD else "asked"
        assert verdict(machine, "clone", flag) == alone, hex(flag)
        kept = "EINVAL" if flag == UNSHARE else "allowed"
        assert verdict(machine, "close_range", 3, 9, flag) == kept, hex(flag)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "place"), [("futimesat", 2), ("utime", 1), ("utimensat", 2), ("utimes", 1)]
)
def test_times_are_set_to_nothing(machine, name, place):
    if name in NUMBERS[machine]:
        assert verdict(machine, name, *[1] * place, 0) == "EACCES"
        assert verdict(machine, name, *[0] * place, 1) == "done"


@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize("machine", MACHINES)
def test_pairs_and_sockets_of_each_kind(machine, network):
    plain = {(kind, protocol) for kind, own in ((1, 6), (2, 17)) for protocol in (0, own)}
    for family in (0, 1, 2, 3, 10, 11, 16, 17, 40):
        for kind in range(16):
            pair = "asked" if family == 1 and kind in (1, 5) else "EPERM"
            assert verdict(machine, "socketpair", family, kind | 0x80800, network=network) == pair
            for protocol in (0, 1, 6, 7, 17, 132, 136, 262):
                fine = network and family in (2, 10) and (kind, protocol) in plain
                assert verdict(
                    machine, "socket", family, kind | 0x80800, protocol, network=network
                ) == ("allowed" if fine else "EPERM"), (family, kind, protocol)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("level", "values"),
    [
        (socket.SOL_SOCKET, OF_SOCKETS),
        (socket.IPPROTO_IP, {socket.IP_TOS, socket.IP_TTL, 10, 11}),
        (socket.IPPROTO_IPV6, {16, 25, socket.IPV6_V6ONLY, socket.IPV6_TCLASS}),
        (socket.IPPROTO_TCP, {1, 2, 3, 4, 5, 6, 9, 12, 13, 18}),
        (socket.IPPROTO_UDP, set()),
    ],
)
def test_options_of_sockets_with_a_network(machine, level, values):
    for value in values_near(values):
        expected = "allowed" if value in values else "ENOPROTOOPT"
        assert verdict(machine, "setsockopt", 3, level, value, network=True) == expected, value


@pytest.mark.parametrize("name", rules.CONNECTIONS.split())
@pytest.mark.parametrize("machine", MACHINES)
def test_a_connection_takes_a_network(machine, name):
    assert verdict(machine, name) == "EPERM"
    assert verdict(machine, name, network=True) == "allowed"


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
    for name in ("tkill", "pidfd_send_signal"):
        assert verdict(machine, name, OWN, 9, abi=5) == "EPERM"
    # Those that queue are counted, whoever they are for.
    for name in ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
        before = (OWN, 1)[: rules.SIGNAL_NUMBERS[name]]
        for number in (0, 9, 31, 32, 64):
            expected = "allowed" if number < 32 else "asked"
            assert verdict(machine, name, *before, number, abi=5) == expected, (name, number)
        assert verdict(machine, name, OWN + 1, 1, 1, abi=5) == "asked"


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
        if "open" in NUMBERS[machine]:
            assert verdict(machine, "open", 1, flags, abi=2) == expected
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
