"""Gaining what the run gave up: privileges, other users, namespaces, roots and mounts."""

# fmt: off

from snippet import Snippet, group

NEW = {
    "user": 0x10000000, "mount": 0x20000, "process": 0x20000000, "network": 0x40000000,
    "message": 0x8000000, "host name": 0x4000000, "cgroup": 0x2000000, "time": 0x80,
}  # fmt: skip

snippets = group(
    "privileges",
    "a call that needs privileges, or a namespace, is granted",
    *(
        Snippet(f"{name} namespace", f"call(N['unshare'], {flag}); reached('namespace')")
        for name, flag in NEW.items()
    ),
    *(
        Snippet(
            f"clone into a {name} namespace",
            f"n = call(N['clone'], {flag} | signal.SIGCHLD, 0, 0, 0, 0)\n"
            "if n == 0:\n    os._exit(0)\nreached('namespace')",
        )
        for name, flag in NEW.items()
        if name != "time"
    ),
    Snippet("clone3", "n = call(N['clone3'], struct.pack('8Q', 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64)\nif n == 0:\n    os._exit(0)\nreached('namespace')"),
    Snippet("enter a namespace", "call(N['setns'], os.open(f\"/proc/{F['notebook']}/ns/mnt\", 0), 0); reached('namespace')"),
    Snippet("enter by process descriptor", "call(N['setns'], os.pidfd_open(F['notebook']), 0x20000); reached('namespace')"),
    Snippet("root", "os.setuid(0); os.geteuid() == 0 and F['uid'] and reached('root')"),
    Snippet("another user", "os.setuid(12345); reached('another user')"),
    Snippet("file user", "call(N['setfsuid'], 12345); call(N['setfsuid'], -1) == 12345 and reached('another user')"),
    Snippet("groups", "os.setgroups([0, 12345]); reached('groups')"),
    Snippet("real and effective", "os.setresuid(0, 0, 0); F['uid'] and reached('root')"),
    Snippet("capabilities", "struct.pack_into('Ii', buffer, 0, 0x20080522, 0); call(N['capset'], buffer, struct.pack('6I', *[0xffffffff] * 6)); reached('capabilities')"),
    Snippet("held capabilities", "struct.pack_into('Ii', buffer, 0, 0x20080522, 0); data = ctypes.create_string_buffer(24); call(N['capget'], buffer, data); any(struct.unpack('6I', data.raw)) and reached('capabilities')"),
    Snippet("ambient capability", "call(N['prctl'], 47, 2, 0, 0, 0); reached('capability')"),
    Snippet("secure bits", "call(N['prctl'], 28, 0, 0, 0, 0); reached('secure bits')"),
    Snippet("su", "subprocess.run(['/bin/su', '-c', 'id'], stdin=subprocess.DEVNULL, capture_output=True, timeout=5).returncode == 0 and reached('su')"),
    Snippet("sudo", "subprocess.run(['/usr/bin/sudo', '-n', 'id'], capture_output=True, timeout=5).returncode == 0 and reached('sudo')"),
    Snippet("mount program", "subprocess.run(['/bin/mount'], capture_output=True, timeout=5).returncode == 0 and reached('mount program')"),
    Snippet("set-user file", "shutil.copy(sys.executable, 'p'); os.chmod('p', 0o4755); os.stat('p').st_mode & 0o4000 and reached('set-user file')"),
    Snippet("chroot", "os.chroot('.'); reached('chroot')"),
    Snippet("pivot_root", "call(N['pivot_root'], b'.', b'.'); reached('pivot_root')"),
    Snippet("mount", "call(N['mount'], b'none', b'.', b'tmpfs', 0, None); reached('mount')"),
    Snippet("unmount", "call(N['umount2'], b'/proc', 2); reached('unmount')", harmless=False),
    Snippet("new mount calls", "call(N['fsopen'], b'tmpfs', 0); reached('fsopen')"),
    Snippet("clone a mount", "call(N['open_tree'], -100, b'/', 1); reached('open_tree')"),
    Snippet("attributes of a mount", "call(N['mount_setattr'], -100, b'/', 0, struct.pack('4Q', 0, 1, 0, 0), 32); reached('mount_setattr')"),
    Snippet("look at mounts", "call(457, struct.pack('IIQQ', 24, 0, 1, 7), buffer, 4096, 0); reached('statmount')"),
    Snippet("keys of the session", "call(N['keyctl'], 0, -3, 1); reached('keyring')"),
    Snippet("new key", "call(N['add_key'], b'user', b'azml', b'x', 1, -4); reached('key')"),
    Snippet("landlock off", "call(N['landlock_restrict_self'], -1, 0); reached('landlock')"),
    Snippet("filter off", "call(N['prctl'], 22, 0, 0, 0, 0); reached('filter')"),
    Snippet("filter on top", "call(N['seccomp'], 1, 8, struct.pack('HxxxxxxQ', 0, 0)); reached('filter')"),
    Snippet("personality", "call(N['personality'], 0x0040000); reached('personality')"),
    Snippet("new session", "os.setsid(); reached('session')"),
    Snippet("cgroup", "os.mkdir('/sys/fs/cgroup/' + F['mark']); reached('cgroup'); os.rmdir('/sys/fs/cgroup/' + F['mark'])"),
    Snippet("move to another cgroup", "open('/sys/fs/cgroup/cgroup.procs', 'w').write(str(os.getpid())); reached('cgroup')"),
)
