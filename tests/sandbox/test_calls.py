"""System calls that reach past files: sockets, the kernel's rare doors, privileges."""

import ctypes
import encodings.idna  # noqa: F401 - loaded before an interpreter may be out of reach
import errno
import fcntl
import mmap
import os
import signal
import socket
import subprocess
import sys

import pytest

from azml_magic.sandbox import capabilities, kernel, landlock
from azml_magic.sandbox.syscalls import NUMBERS

LIBC = ctypes.CDLL(None, use_errno=True)
BUFFER = ctypes.create_string_buffer(4096)


def raw(number, *arguments):
    """Make a system call by name or number; raise what the kernel answers."""
    if isinstance(number, str):
        number = NUMBERS[kernel.machine()][number]
    result = LIBC.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), str(number))
    return result


DOORS = {
    "mount": lambda: raw("mount", b"none", b"/tmp", b"tmpfs", 0, 0),
    "umount2": lambda: raw("umount2", b"/tmp", 0),
    "pivot_root": lambda: raw("pivot_root", b".", b"."),
    "chroot": lambda: os.chroot("."),
    "fsopen": lambda: raw("fsopen", b"tmpfs", 0),
    "open_tree": lambda: raw("open_tree", -100, b"/", 0),
    "unshare of the user": lambda: raw("unshare", 0x10000000),
    "unshare of files": lambda: raw("unshare", 0x400),
    "setns": lambda: raw("setns", 0, 0),
    "keyctl": lambda: raw("keyctl", 0, -3, 0),
    "add_key": lambda: raw("add_key", b"user", b"x", b"y", 1, -3),
    "bpf": lambda: raw("bpf", 0, BUFFER, 64),
    "perf_event_open": lambda: raw("perf_event_open", BUFFER, 0, -1, -1, 0),
    "userfaultfd": lambda: raw("userfaultfd", 1),
    "io_uring_setup": lambda: raw("io_uring_setup", 8, BUFFER),
    "memfd_create": lambda: os.memfd_create("x"),
    "memfd_secret": lambda: raw(447, 0),
    "execveat": lambda: raw("execveat", 0, b"", None, None, 0x1000),
    "shmget": lambda: raw("shmget", 1234, 4096, 0o1600),
    "semget": lambda: raw("semget", 1234, 1, 0o1600),
    "msgget": lambda: raw("msgget", 1234, 0o1600),
    "mq_open": lambda: raw("mq_open", b"sandbox-test", 0o102, 0o600, None),
    "fanotify": lambda: raw("fanotify_init", 0, 0),
    "inotify": lambda: raw("inotify_init1", 0),
    "handles": lambda: raw("name_to_handle_at", -100, b"/tmp", BUFFER, BUFFER, 0),
    "open by handle": lambda: raw("open_by_handle_at", -100, BUFFER, 0),
    "seccomp": lambda: raw("seccomp", 1, 8, BUFFER),
    "landlock": lambda: raw("landlock_create_ruleset", None, 0, 1),
    "syslog": lambda: raw("syslog", 3, BUFFER, 100),
    "reboot": lambda: raw("reboot", 0, 0, 0, None),
    "clock": lambda: raw("clock_settime", 0, BUFFER),
    "host name": lambda: raw("sethostname", b"x", 1),
    "modules": lambda: raw("init_module", BUFFER, 1, b""),
    "mlock": lambda: raw("mlockall", 1),
    "quota": lambda: raw("quotactl", 0, None, 0, None),
    "a number to come": lambda: raw(600),
    "statmount": lambda: raw(457, BUFFER, BUFFER, 100, 0),
    "listmount": lambda: raw(458, BUFFER, BUFFER, 100, 0),
    "clone3": lambda: raw("clone3", BUFFER, 88),
    "dumpable": lambda: kernel.prctl(4, 0),
    "death signal": lambda: kernel.prctl(1, 0),
    "subreaper": lambda: kernel.prctl(36, 1),
    "user": lambda: os.setuid(os.getuid()),
    "groups": lambda: os.setgroups([0]),
    "capabilities": lambda: raw("capset", BUFFER, BUFFER),
    "listening": lambda: socket.socketpair()[0].listen(),
    "file owner": lambda: fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, os.getppid()),
    "file signal": lambda: fcntl.fcntl(os.pipe()[0], fcntl.F_SETSIG, signal.SIGTERM),
    "lease": lambda: fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), fcntl.F_SETLEASE, 0),
    "size of a pipe": lambda: fcntl.fcntl(os.pipe()[1], 1031, 1 << 20),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_rare_doors_are_shut(refuses, door):
    refuses(door)


NEW = {"files": 0x20000, "cgroup": 0x2000000, "names": 0x4000000, "messages": 0x8000000}
NEW.update({"user": 0x10000000, "processes": 0x20000000, "network": 0x40000000})
NEW.update({"parent": 0x8000, "traced": 0x2000})


@pytest.mark.parametrize("flag", NEW.values(), ids=NEW)
def test_clone_makes_no_namespace_and_no_sibling(refuses, flag):
    outcome = refuses(lambda: raw("clone", flag | signal.SIGCHLD, 0, 0, 0, 0), "EPERM")
    assert outcome.refused_tasks == 0


@pytest.mark.parametrize("request_number", [0x5412, 0x541C, 0x5423, 0x8901, 0x8902, 0x40086602])
def test_requests_to_devices_are_refused(refuses, request_number):
    # TIOCSTI, TIOCLINUX, TIOCSETD, FIOSETOWN, SIOCSPGRP, FS_IOC_SETFLAGS
    refuses(lambda: fcntl.ioctl(0, request_number, b"x" * 8), "ENOTTY")


def test_a_terminal_takes_no_typed_characters(sandbox, refuses):
    controller, terminal = os.openpty()
    try:
        refuses(lambda: fcntl.ioctl(terminal, 0x5412, b"x"), "ENOTTY", keep=[terminal])
        outcome = sandbox.run(lambda: os.isatty(terminal), keep=[terminal])
        assert outcome.value is True
    finally:
        os.close(controller)
        os.close(terminal)


@pytest.mark.skipif(kernel.machine() != "x86_64", reason="interfaces of x86_64 only")
def test_the_32_bit_interfaces_are_shut(sandbox, refuses):
    refuses(lambda: raw(0x40000000 + 39), "ENOSYS")
    # mov eax, 20 (getpid of i386); int 0x80; ret
    code = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"

    def attempt():
        memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        memory.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        return ctypes.CFUNCTYPE(ctypes.c_int)(address)()

    assert sandbox.run(attempt).status & 0x7F in {signal.SIGSYS, signal.SIGSEGV}


def test_no_capability_is_left(sandbox):
    def look():
        known = range(40)
        bounding = [number for number in known if kernel.prctl(23, number)]
        return capabilities.held(), bounding, kernel.prctl(39), kernel.prctl(21)

    held, bounding, no_new_privileges, filtered = sandbox.run(look).value
    assert held == [0, 0, 0]
    assert (no_new_privileges, filtered) == (1, 2)
    if os.getuid() == 0 and sandbox.user is None:
        assert bounding == []


@pytest.mark.parametrize("sandbox", ["this user"], indirect=True)
def test_an_executed_program_gains_nothing(sandbox):
    outcome = sandbox.run(
        lambda: (
            # in a run: a plain interpreter
            subprocess.run(
                [sys.executable, "-I", "-S", "-c", "print(open('/proc/self/status').read())"],
                capture_output=True,
                text=True,
            ).stderr
        )
    )
    # Its own files of /proc are those of another process.
    assert "PermissionError" in outcome.value


def test_the_session_is_its_own(sandbox):
    outcome = sandbox.run(lambda: (os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()))
    assert outcome.value == [True, True]


def test_confinement_fails_closed_without_landlock(sandbox, monkeypatch):
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    outcome = sandbox.run(lambda: "ran")
    assert outcome.value is None
    assert outcome.error == "ConfinementError"
    assert outcome.number == errno.ENOSYS


def test_confinement_fails_closed_when_landlock_refuses(sandbox, monkeypatch):
    def fail(*arguments, **options):
        raise OSError(errno.E2BIG, "no")

    monkeypatch.setattr(landlock, "restrict", fail)
    assert sandbox.run(lambda: "ran").error == "ConfinementError"


def test_confinement_notices_that_files_stay_open(sandbox, monkeypatch):
    monkeypatch.setattr(landlock, "restrict", lambda *arguments, **options: None)
    outcome = sandbox.run(lambda: "ran")
    assert outcome.error == "ConfinementError"
    assert "files" in outcome.text
