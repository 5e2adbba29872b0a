"""Start a command under a system call filter: the machine then lacks what it forbids.

``python outer_filter.py KIND command...``; run by itself, with the package's own tables.
"""

import ctypes
import errno
import os
import struct
import sys

LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000
NUMBER_AT, FIRST_ARGUMENT_AT = 0, 16
NEW_NAMESPACES = 0x7E020000
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2

LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
# What Docker's default profile refuses to a container without privileges, as far as it matters.
DOCKER = """
    acct add_key bpf clock_adjtime clock_settime delete_module fanotify_init finit_module fsmount
    fsopen fspick init_module io_uring_enter io_uring_register io_uring_setup kcmp kexec_file_load
    kexec_load keyctl mount mount_setattr move_mount move_pages name_to_handle_at
    open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise ptrace
    quotactl reboot request_key setdomainname sethostname setns settimeofday swapoff swapon
    syslog umount2 unshare userfaultfd vhangup
"""
NAMESPACES = "unshare setns"
# Name: calls that do not exist, calls that are refused.
KINDS = {
    "none": ("", ""),
    "no-landlock": (LANDLOCK, ""),
    "no-namespaces": ("", NAMESPACES),
    "neither": (LANDLOCK, NAMESPACES),
    "docker": ("clone3", DOCKER),
    "old-docker": ("clone3", f"{DOCKER} {LANDLOCK}"),
    "no-seccomp": ("seccomp", ""),
}


def program(kind, numbers):
    missing, refused = KINDS[kind]
    decided = [(name, errno.ENOSYS) for name in missing.split()]
    decided += [(name, errno.EPERM) for name in refused.split()]
    code = [(LOAD, 0, 0, NUMBER_AT)]
    for name, answer in decided:
        if name in numbers:
            code += [(EQUAL, 0, 1, numbers[name]), (RETURN, 0, 0, ERROR | answer)]
    if refused:
        code += [
            (EQUAL, 0, 3, numbers["clone"]),
            (LOAD, 0, 0, FIRST_ARGUMENT_AT),
            (ANY_BIT, 0, 1, NEW_NAMESPACES),
            (RETURN, 0, 0, ERROR | errno.EPERM),
        ]
    code.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def main():
    from azml_magic.sandbox import kernel
    from azml_magic.sandbox.syscalls import NUMBERS

    code = program(sys.argv[1], NUMBERS[kernel.machine()])
    kernel.prctl(NO_NEW_PRIVILEGES, 1)
    libc = ctypes.CDLL(None, use_errno=True)
    # prctl, not seccomp: that call may be among the missing.
    if libc.prctl(SET_SECCOMP, FILTER, ctypes.byref(Program(len(code) // 8, code))):
        raise OSError(ctypes.get_errno(), "no filter")
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
