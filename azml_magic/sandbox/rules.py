"""Which system calls a run may make: the table that the seccomp filter is built from.

An allow-list: whatever stands nowhere here is answered ENOSYS, so that a library takes the
path that it would take on an older kernel. Arguments are compared in their lower 32 bits,
which is all that the kernel reads of those that are compared here, but for sizes.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

ALL_BITS = 0xFFFFFFFF
_COVERS_TRUNCATION, _SCOPES_SIGNALS = 3, 6
# Stand for the worker's process number and its negative, which are known at the last moment.
OWN_PROCESS = "own process"
OWN_GROUP = "own group"
# In place of an error number: the monitor is asked, and answers.
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

# Landlock does not know these, and as the owner a run could change files outside its folder
# with them. They are answered as done, and do nothing: copying and unpacking must go on.
PRETENDED = """
    chmod chown fchmod fchmodat fchmodat2 fchown fchownat lchown sync syncfs
"""

# The same for attributes; "not supported" is an answer that every caller is used to.
UNSUPPORTED = """
    fgetxattr flistxattr fremovexattr fsetxattr getxattr lgetxattr listxattr llistxattr
    lremovexattr lsetxattr removexattr setxattr
"""

# Known, and refused in words: a person may have written one of them on purpose.
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

# Which argument of each is the signal.
SIGNAL_NUMBERS = {
    "kill": 1, "pidfd_send_signal": 1, "rt_sigqueueinfo": 1, "rt_tgsigqueueinfo": 2, "tgkill": 2,
    "tkill": 1,
}  # fmt: skip
CONNECTIONS = "accept accept4 bind connect listen"


@dataclass(frozen=True)
class Check:
    """One comparison: the masked argument, or its upper half, is one of the values."""

    argument: int
    values: tuple[int | str, ...]
    mask: int = ALL_BITS
    upper: bool = False


@dataclass(frozen=True)
class Rule:
    """What becomes of one system call.

    Attributes
    ----------
    alternatives : tuple of tuple of Check
        It is let through when every check of one alternative holds.
    otherwise : int
        Error number when none holds; 0 answers that it was done, ``ASKED`` that the monitor
        decides.
    asked : bool
        Whether the monitor is asked before it is let through.
    answer : int
        Error number in place of letting it through; 0 for none.
    """

    alternatives: tuple[tuple[Check, ...], ...] = ((),)
    otherwise: int = errno.EPERM
    asked: bool = False
    answer: int = 0


def table(landlock_abi: int, *, network: bool, alone: bool = False) -> dict[str, Rule | int]:
    """Return what becomes of each system call that a run may know of.

    Parameters
    ----------
    landlock_abi : int
        The Landlock version that confines the run, 0 for none. What it does not cover
        before ABI 3 (truncation) and ABI 6 (signals) is refused here instead.
    network : bool
        Whether TCP and UDP over IP are let through.
    alone : bool
        Whether the run lives in namespaces of its own, where it sees no other's process and
        every file outside its folder is read-only.

    Returns
    -------
    dict of str to (Rule or int)
        A rule, or the error number of the answer; 0 answers that it was done.
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
    """Return whether the kernel itself keeps a run's signals within the run."""
    return alone or landlock_abi >= _SCOPES_SIGNALS


def _one(argument: int, *values: int | str, otherwise: int = errno.EPERM) -> Rule:
    return Rule(((Check(argument, values),),), otherwise)


def _set_times(argument: int) -> Rule:
    return Rule(((Check(argument, (0,)),),), otherwise=0, answer=errno.EACCES)


# Copying times is answered as done. Setting them to now is refused: whoever touches a file
# must be told to go on and open it.
_TIMES: dict[str, Rule | int] = {
    "futimesat": _set_times(2),
    "utime": _set_times(1),
    "utimensat": _set_times(2),
    "utimes": _set_times(1),
}

# CLONE_NEW* of every kind, and CLONE_PTRACE. CLONE_PARENT would give the fork server a child.
_FORBIDDEN_CLONE = 0x7E020000 | 0x00002000 | 0x00008000
# What a process holds is looked for in one of its threads, so all of them must share their
# descriptors (CLONE_FILES), and none may leave the others' table later (CLOSE_RANGE_UNSHARE).
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
    # Its flags lie in memory, where a filter cannot read them; libraries then take clone.
    "clone3": errno.ENOSYS,
    "fork": Rule(asked=True),
    "vfork": Rule(asked=True),
    # Limits, priority and processors of this process, not of another of the same user.
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
    # Names, time slack, huge pages, names of mappings, and questions about itself.
    "prctl": _one(0, 2, 3, 7, 15, 16, 21, 23, 25, 29, 30, 38, 39, 41, 42, 0x53564D41, 0x41555856),
}

_SHARED_OR_PRIVATE, _PRIVATE, _ANONYMOUS, _PAGE = 0xF, 2, 0x20, 4096
_NO_MORE = Check(1, (0,), upper=True)
# Anonymous memory that is shared stays when most of it is unmapped, and is found nowhere then.
# So there may be one page of it at a time, which locks of processes need.
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
    # F_DUPFD..F_SETLKW, F_GETLEASE, F_DUPFD_CLOEXEC, sizes of pipes, seals. Not: owner and number
    # of the signal for a file, leases, directory notices; locks of open file descriptions, which
    # belong to no process and cannot be counted.
    "fcntl": _one(1, 0, 1, 2, 3, 4, 5, 6, 7, 1025, 1030, 1032, 1034),
    # TCGETS, TIOCGPGRP, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX, TCGETS2. A file
    # that knows none of the others answers the same.
    "ioctl": _one(
        1, 0x5401, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x802C542A,
        otherwise=errno.ENOTTY,
    ),
    # Pairs of streams or sequenced packets: a pair of datagram sockets could be connected
    # or sent to any socket file. The monitor counts them, for what lies in them is memory.
    "socketpair": Rule(((Check(0, (1,)), Check(1, (1, 5), 0xF)),), asked=True),
    "setsockopt": Rule((_SOCKET_OPTIONS,), errno.ENOPROTOOPT),
    "mmap": _MAPPING,
    # The kernel counts these for a person, and not for a process: the monitor keeps a run from
    # using up what all of the person's programs have together.
    "pipe": Rule(asked=True),
    "pipe2": Rule(asked=True),
    "timer_create": Rule(asked=True),
    # Taking out and changing; adding is asked for.
    "epoll_ctl": _one(1, 2, 3, otherwise=ASKED),
}  # fmt: skip

_NETWORK: dict[str, Rule | int] = {
    # Plain TCP and UDP over IP; every other family and protocol goes past Landlock.
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


# What waits in a queue takes of a number that the kernel allows a person: signals from this one
# on, and timers.
FIRST_QUEUED = 32
_PLAIN = tuple(range(FIRST_QUEUED))


def _signals(scoped: bool) -> dict[str, Rule | int]:
    # The monitor is asked for signals that queue, and counts them.
    if scoped:
        return {
            name: _one(number, *_PLAIN, otherwise=ASKED) for name, number in SIGNAL_NUMBERS.items()
        }
    # To others the monitor sends them, when they are of the same run.
    own = Check(0, (OWN_PROCESS,))
    return {
        "kill": Rule(((Check(0, (OWN_PROCESS, 0, OWN_GROUP)), Check(1, _PLAIN)),), otherwise=ASKED),
        "tgkill": Rule(((own, Check(2, _PLAIN)),), otherwise=ASKED),
        "rt_sigqueueinfo": Rule(((own, Check(1, _PLAIN)),), otherwise=ASKED),
        "rt_tgsigqueueinfo": Rule(((own, Check(2, _PLAIN)),), otherwise=ASKED),
        "tkill": errno.EPERM,
        "pidfd_send_signal": errno.EPERM,
    }
