"""The system calls that a run may make: the table from which the seccomp filter is built.

An allow-list: any call that is not listed fails with ENOSYS, so that libraries take the same path
as on an older kernel. Only the lower 32 bits of arguments are compared, which is all that the
kernel reads of the compared ones, except for sizes.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

ALL_BITS = 0xFFFFFFFF
_COVERS_TRUNCATION, _SCOPES_SIGNALS = 3, 6
# Placeholders for the worker's process id and its negative, which are only known at the end.
OWN_PROCESS = "own process"
OWN_GROUP = "own group"
# Instead of an error number: the monitor decides.
ASKED = -1

ALLOWED = """
    access alarm arch_prctl brk capget chdir clock_getres clock_gettime clock_nanosleep close
    copy_file_range creat dup dup2 dup3 epoll_create epoll_create1
    epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve exit exit_group faccessat
    faccessat2 fadvise64 fallocate fchdir fdatasync flock fstat fstatfs fsync ftruncate futex
    futex_requeue futex_wait futex_waitv futex_wake get_robust_list getcpu getcwd getdents
    getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid
    getppid getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt
    gettid gettimeofday getuid link linkat lseek lstat madvise membarrier mincore mkdir
    mkdirat mknod mknodat mprotect mremap mseal msync munmap nanosleep newfstatat open
    openat openat2 pause pidfd_open pkey_alloc pkey_free pkey_mprotect poll ppoll
    pread64 preadv preadv2 pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat
    readv recvfrom recvmmsg recvmsg rename renameat renameat2 restart_syscall rmdir rseq
    rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
    sched_getparam sched_getscheduler sched_rr_get_interval sched_yield select sendfile sendmmsg
    sendmsg sendto set_robust_list set_tid_address setitimer setpgid setrlimit setsid shutdown
    sigaltstack signalfd signalfd4 stat statfs statx symlink symlinkat sync_file_range sysinfo
    time timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
    timerfd_gettime timerfd_settime times truncate umask uname unlink unlinkat wait4
    waitid write writev
"""

# Landlock does not cover these, and with them a run could change files of its user outside its
# folder. They report success and do nothing, so that copying and unpacking work.
PRETENDED = """
    chmod chown fchmod fchmodat fchmodat2 fchown fchownat lchown sync syncfs
"""

# The same for attributes; "not supported" is a result that every caller handles.
UNSUPPORTED = """
    fgetxattr flistxattr fremovexattr fsetxattr getxattr lgetxattr listxattr llistxattr
    lremovexattr lsetxattr removexattr setxattr
"""

# Known, and refused with EPERM: a user may have called one of them on purpose.
REFUSED = """
    accept accept4 acct add_key adjtimex bind bpf capset chroot clock_adjtime clock_settime
    connect delete_module fanotify_init fanotify_mark finit_module fsmount fsopen fspick
    get_mempolicy init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp
    kexec_file_load kexec_load keyctl listen mbind migrate_pages mlock mlock2 mlockall mount
    mount_setattr move_mount move_pages mq_getsetattr mq_notify mq_open mq_timedreceive
    mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd munlock munlockall name_to_handle_at
    open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise
    process_mrelease process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot
    request_key seccomp semctl semget semop semtimedop set_mempolicy setdomainname setfsgid
    setfsuid setgid setgroups sethostname setns setregid setresgid setresuid setreuid
    settimeofday setuid shmat shmctl shmdt shmget socket swapoff swapon syslog umount2 unshare
    userfaultfd vhangup
"""

# The position of the signal among the arguments of each call.
SIGNAL_NUMBERS = {
    "kill": 1, "pidfd_send_signal": 1, "rt_sigqueueinfo": 1, "rt_tgsigqueueinfo": 2, "tgkill": 2,
    "tkill": 1,
}  # fmt: skip
CONNECTIONS = "accept accept4 bind connect listen"


@dataclass(frozen=True)
class Check:
    """A comparison: the masked argument, or its upper half, is one of the values."""

    argument: int
    values: tuple[int | str, ...]
    mask: int = ALL_BITS
    upper: bool = False


@dataclass(frozen=True)
class Rule:
    """The rule for one system call.

    Attributes
    ----------
    alternatives : tuple of tuple of Check
        It is allowed if all checks of any alternative hold.
    otherwise : int
        Error number if none holds; 0 reports success, ``ASKED`` lets the monitor decide.
    asked : bool
        Whether the monitor is asked before it is allowed.
    answer : int
        Error number to return instead of allowing it; 0 for none.
    """

    alternatives: tuple[tuple[Check, ...], ...] = ((),)
    otherwise: int = errno.EPERM
    asked: bool = False
    answer: int = 0


def table(landlock_abi: int, *, network: bool, alone: bool = False) -> dict[str, Rule | int]:
    """Return the rule for each known system call.

    Parameters
    ----------
    landlock_abi : int
        The Landlock version that confines the run, 0 for none. Truncation, not covered before
        ABI 3, and signals, not covered before ABI 6, are refused here instead.
    network : bool
        Whether TCP and UDP over IP are allowed.
    alone : bool
        Whether the run is in separate namespaces, where it sees no other processes and all
        files outside its folder are read-only.

    Returns
    -------
    dict of str to (Rule or int)
        A rule, or the error number to return; 0 reports success.
    """
    found: dict[str, Rule | int] = dict.fromkeys(REFUSED.split(), errno.EPERM)
    found.update(dict.fromkeys(ALLOWED.split(), Rule()))
    found.update(dict.fromkeys(PRETENDED.split(), 0))
    found.update(dict.fromkeys(UNSUPPORTED.split(), errno.ENOTSUP))
    found.update(_TIMES)
    found.update(_PROCESSES)
    found.update(_REQUESTS)
    found.update(_signals(signals_are_scoped(landlock_abi, alone=alone)))
    if network:
        found.update(_NETWORK)
        found.update(dict.fromkeys(CONNECTIONS.split(), Rule()))
    if landlock_abi < _COVERS_TRUNCATION and not alone:
        found.update(_NO_TRUNCATION)
    return found


def signals_are_scoped(landlock_abi: int, *, alone: bool) -> bool:
    """Return whether the kernel confines a run's signals to the run."""
    return alone or landlock_abi >= _SCOPES_SIGNALS


def _one(argument: int, *values: int | str, otherwise: int = errno.EPERM) -> Rule:
    return Rule(((Check(argument, values),),), otherwise)


def _set_times(argument: int) -> Rule:
    return Rule(((Check(argument, (0,)),),), otherwise=0, answer=errno.EACCES)


# Copying times reports success. Setting them to the current time is refused, so that programs
# that touch a file fall back to opening it.
_TIMES: dict[str, Rule | int] = {
    "futimesat": _set_times(2),
    "utime": _set_times(1),
    "utimensat": _set_times(2),
    "utimes": _set_times(1),
}

# CLONE_NEW* of every kind, and CLONE_PTRACE. CLONE_PARENT would give the fork server a child.
_FORBIDDEN_CLONE = 0x7E020000 | 0x00002000 | 0x00008000
# The monitor inspects only one thread of a process, so all threads must share their descriptors
# (CLONE_FILES), and none may unshare them later (CLOSE_RANGE_UNSHARE).
_SHARE_FILES, _THREAD, _UNSHARE = 0x00000400, 0x00010000, 2
_OWN = _one(0, 0, OWN_PROCESS)

_PROCESSES: dict[str, Rule | int] = {
    "clone": Rule(
        (
            (
                Check(0, (0,), _FORBIDDEN_CLONE),
                Check(0, (0, _SHARE_FILES, _SHARE_FILES | _THREAD), _SHARE_FILES | _THREAD),
            ),
        ),
        asked=True,
    ),
    "close_range": Rule(((Check(2, (0,), _UNSHARE),),), otherwise=errno.EINVAL),
    # Its flags are in memory, where a filter cannot read them; libraries fall back to clone.
    "clone3": errno.ENOSYS,
    "fork": Rule(asked=True),
    "vfork": Rule(asked=True),
    # Limits, priority and processors of this process, not of other processes of the user.
    "prlimit64": _OWN,
    "sched_setaffinity": _OWN,
    "sched_setattr": _OWN,
    "sched_setparam": _OWN,
    "sched_setscheduler": _OWN,
    "getpriority": Rule(((Check(0, (0,)), Check(1, (0, OWN_PROCESS))),)),
    "setpriority": Rule(((Check(0, (0,)), Check(1, (0, OWN_PROCESS))),)),
    "ioprio_get": Rule(((Check(0, (1,)), Check(1, (0, OWN_PROCESS))),)),
    "ioprio_set": Rule(((Check(0, (1,)), Check(1, (0, OWN_PROCESS))),)),
    "personality": _one(0, ALL_BITS, 0),
    # Names, time slack, huge pages, names of mappings, and queries about itself.
    "prctl": _one(0, 2, 3, 7, 15, 16, 21, 23, 25, 29, 30, 38, 39, 41, 42, 0x53564D41, 0x41555856),
}

_SHARED_OR_PRIVATE, _PRIVATE, _ANONYMOUS, _PAGE = 0xF, 2, 0x20, 4096
_NO_MORE = Check(1, (0,), upper=True)
# Shared anonymous memory stays allocated, but invisible, when most of it is unmapped. So only one
# page per mapping is allowed, which locks between processes need.
_MAPPING = Rule(
    (
        (Check(3, (0,), _ANONYMOUS),),
        (Check(3, (_PRIVATE,), _SHARED_OR_PRIVATE),),
        (Check(1, (0,), ALL_BITS - _PAGE + 1), _NO_MORE),
        (Check(1, (_PAGE,)), _NO_MORE),
    )
)

_SOCKET_OPTIONS = Check(1, (1,)), Check(2, (*range(2, 26), 29, 30, 38, 39))

_REQUESTS: dict[str, Rule | int] = {
    # F_DUPFD..F_SETLKW, F_GETLEASE, F_DUPFD_CLOEXEC, sizes of pipes, seals. Not allowed: owner and
    # number of a file's signal, leases, directory notifications; and locks of open file
    # descriptions, which belong to no process and cannot be counted.
    "fcntl": _one(1, 0, 1, 2, 3, 4, 5, 6, 7, 1025, 1030, 1032, 1034),
    # TCGETS, TIOCGPGRP, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX, TCGETS2. Others fail as
    # on a file that does not support them.
    "ioctl": _one(
        1, 0x5401, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x802C542A,
        otherwise=errno.ENOTTY,
    ),
    # Pairs of stream or sequenced packet sockets: datagram sockets could be connected to, or
    # send to, any socket file. The monitor counts them, as their buffers take memory.
    "socketpair": Rule(((Check(0, (1,)), Check(1, (1, 5), 0xF)),), asked=True),
    "setsockopt": Rule((_SOCKET_OPTIONS,), errno.ENOPROTOOPT),
    "mmap": _MAPPING,
    # The kernel limits these per user, not per process: the monitor prevents a run from using
    # up what all programs of the user share.
    "pipe": Rule(asked=True),
    "pipe2": Rule(asked=True),
    "timer_create": Rule(asked=True),
    # Removing and changing; the monitor is asked about adding.
    "epoll_ctl": _one(1, 2, 3, otherwise=ASKED),
}  # fmt: skip

_NETWORK: dict[str, Rule | int] = {
    # Plain TCP and UDP over IP; Landlock covers no other family or protocol.
    "socket": Rule(
        (
            (Check(0, (2, 10)), Check(1, (1,), 0xF), Check(2, (0, 6))),
            (Check(0, (2, 10)), Check(1, (2,), 0xF), Check(2, (0, 17))),
        )
    ),
    # Of IP: type of service, time to live, errors; of IPv6: the same and V6ONLY; of TCP:
    # no delay, keep-alive, timeouts.
    "setsockopt": Rule(
        (
            _SOCKET_OPTIONS,
            (Check(1, (0,)), Check(2, (1, 2, 10, 11))),
            (Check(1, (41,)), Check(2, (16, 25, 26, 67))),
            (Check(1, (6,)), Check(2, (1, 2, 3, 4, 5, 6, 9, 12, 13, 18))),
        ),
        errno.ENOPROTOOPT,
    ),
}

_O_TRUNC = 0o1000
_OPENED_FOR_WRITING = (1, 2)


def _no_truncation(flags: int) -> Rule:
    return Rule(
        ((Check(flags, (0,), _O_TRUNC),), (Check(flags, _OPENED_FOR_WRITING, 0o3),)), errno.EACCES
    )


_NO_TRUNCATION: dict[str, Rule | int] = {
    "truncate": errno.EACCES,
    "open": _no_truncation(1),
    "openat": _no_truncation(2),
    "openat2": errno.ENOSYS,
}


# Queued signals, which are those from this number on, and timers use up a per-user limit of the
# kernel.
FIRST_QUEUED = 32
_PLAIN = tuple(range(FIRST_QUEUED))


def _signals(scoped: bool) -> dict[str, Rule | int]:
    # The monitor is asked about signals that queue, and counts them.
    if scoped:
        return {
            name: _one(number, *_PLAIN, otherwise=ASKED) for name, number in SIGNAL_NUMBERS.items()
        }
    # The monitor sends signals to other processes, if they are of the same run.
    own = Check(0, (OWN_PROCESS,))
    return {
        "kill": Rule(((Check(0, (OWN_PROCESS, 0, OWN_GROUP)), Check(1, _PLAIN)),), otherwise=ASKED),
        "tgkill": Rule(((own, Check(2, _PLAIN)),), otherwise=ASKED),
        "rt_sigqueueinfo": Rule(((own, Check(1, _PLAIN)),), otherwise=ASKED),
        "rt_tgsigqueueinfo": Rule(((own, Check(2, _PLAIN)),), otherwise=ASKED),
        "tkill": errno.EPERM,
        "pidfd_send_signal": errno.EPERM,
    }
