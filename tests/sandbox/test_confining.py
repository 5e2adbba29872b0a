"""What a process that confines itself asks of the kernel, whatever kernel this machine has."""

import errno
import mmap
import os
import resource
import struct
import sys
from dataclasses import replace

import pytest

from azml_magic.protocol.policy import Level
from azml_magic.sandbox import capabilities, kernel, landlock, resources, seccomp
from sandbox.roomy import ROOMY

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
REMOVE, MAKE_PLAIN, SYMLINK, REFER, TRUNCATE = 0x30, 0x780, 0x1000, 0x2000, 0x4000
WRITABLE = WRITE_FILE | READ_FILE | READ_DIR | REMOVE | MAKE_PLAIN | SYMLINK
FILES = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF, 6: 0xFFFF, 7: 0xFFFF, 8: 0xFFFF}


class Kernel:
    """Notes system calls and ``prctl``, and answers as it is told to."""

    def __init__(self):
        self.calls = []
        self.errors = {}
        self.held = (0, 0, 0)

    def syscall(self, name, *arguments):
        if name == "capget":
            sets = arguments[1]._obj
            for kind, bits in zip(
                ("effective", "permitted", "inheritable"), self.held, strict=True
            ):
                setattr(sets, f"{kind}0", bits & 0xFFFFFFFF)
                setattr(sets, f"{kind}1", bits >> 32)
        self.answer(name, *(bytes(a._obj) if hasattr(a, "_obj") else a for a in arguments))
        makes_ruleset = name == "landlock_create_ruleset" and arguments[0]
        return os.open(os.devnull, os.O_RDONLY) if makes_ruleset else 5

    def answer(self, *call):
        self.calls.append(call)
        for known, number in self.errors.items():
            if call[: len(known)] == known:
                raise OSError(number, os.strerror(number))

    def named(self, name):
        return [call[1:] for call in self.calls if call[0] == name]


@pytest.fixture
def asked(monkeypatch):
    """The kernel's stand-in; after the test no descriptor is left open."""
    made = Kernel()
    monkeypatch.setattr(kernel, "syscall", made.syscall)
    monkeypatch.setattr(kernel, "prctl", lambda *call: made.answer(*call))
    before = len(os.listdir("/proc/self/fd"))
    yield made
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize("version", FILES)
def test_landlock_withholds_all_that_its_version_knows(asked, version, network):
    landlock.restrict(version, [], [], network=network)
    ((attributes, size, flags),) = asked.named("landlock_create_ruleset")
    tcp = 0 if network or version < 4 else 3
    assert struct.unpack("<QQQ", attributes) == (FILES[version], tcp, 3 if version >= 6 else 0)
    assert (size, flags) == (8 if version < 4 else 16 if version < 6 else 24, 0)
    ((_, log_nothing),) = asked.named("landlock_restrict_self")
    assert log_nothing == (1 if version >= 7 else 0)


def granted(asked):
    rules = asked.named("landlock_add_rule")
    assert {(kind, flags) for _, kind, _, flags in rules} == {(1, 0)}  # by path
    return [struct.unpack("<Qi", rule)[0] for _, _, rule, _ in rules]


@pytest.mark.parametrize(("version", "more"), [(1, 0), (2, REFER), (3, REFER | TRUNCATE)])
def test_what_is_granted(asked, tmp_path, version, more):
    file = tmp_path / "file"
    file.touch()
    paths = [str(tmp_path), str(file), "/dev/null"]
    landlock.restrict(version, paths, paths, network=False)
    reading = [EXECUTE | READ_FILE | READ_DIR, EXECUTE | READ_FILE]
    writing = [WRITABLE | more, WRITE_FILE | READ_FILE | more & TRUNCATE]
    device = [WRITE_FILE | READ_FILE | more & TRUNCATE]
    assert granted(asked) == reading + device + writing + device


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.ENOTDIR])
def test_what_cannot_be_reached_is_left_out_only_where_it_is_to_be_read(asked, number):
    asked.errors = {("landlock_add_rule",): number}
    landlock.restrict(7, ["/dev/null"], [], network=False)
    assert len(asked.named("landlock_restrict_self")) == 1
    with pytest.raises(OSError) as raised:  # noqa: PT011 - the number says which
        landlock.restrict(7, [], ["/dev/null"], network=False)
    assert raised.value.errno == number
    assert len(asked.named("landlock_restrict_self")) == 1


def test_another_error_of_what_is_to_be_read_is_told(asked):
    asked.errors = {("landlock_add_rule",): errno.EIO}
    with pytest.raises(OSError, match="Input/output"):
        landlock.restrict(7, ["/dev/null"], [], network=False)
    assert asked.named("landlock_restrict_self") == []


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_kernel_without_landlock_has_version_0(asked, number, monkeypatch):
    assert landlock.abi() == 5
    assert asked.calls == [("landlock_create_ruleset", 0, 0, 1)]
    asked.errors = {("landlock_create_ruleset",): number}
    assert landlock.abi() == 0
    monkeypatch.undo()
    monkeypatch.setattr(kernel, "machine", lambda: "riscv64")
    assert landlock.abi() == 0


def test_what_is_granted_is_not_opened_for_reading(asked, monkeypatch):
    opened = []
    monkeypatch.setattr(
        os,
        "open",
        lambda path, flags, open_=os.open: opened.append((path, flags)) or open_(path, flags),
    )
    landlock.restrict(7, ["/dev/null"], ["/"], network=False)
    assert opened[1:] == [(path, os.O_PATH | os.O_CLOEXEC) for path in ("/dev/null", "/")]


KEPT = (capabilities.SYS_CHROOT, capabilities.SYS_ADMIN, 40)
CAPABILITY_BITS = 1 << 18 | 1 << 21 | 1 << 40


def sets(effective, permitted, inheritable):
    """Return capabilities as the kernel takes them: lower halves, then upper halves."""
    every = (effective, permitted, inheritable)
    return struct.pack("<6I", *(b & 0xFFFFFFFF for b in every), *(b >> 32 for b in every))


@pytest.mark.parametrize(("kept", "bits"), [((), 0), (KEPT, CAPABILITY_BITS)])
def test_capabilities_are_dropped_for_good(asked, kept, bits):
    asked.errors = {(kernel.PR_CAPBSET_DROP, 41): errno.EINVAL}
    asked.held = (bits, bits, 0)
    capabilities.drop_all_but(kept)
    assert asked.named(kernel.PR_CAPBSET_DROP) == [(number,) for number in range(42)]
    assert asked.named(kernel.PR_CAP_AMBIENT) == [(4,)]
    # SECBIT_NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE, and these and KEEP_CAPS locked.
    assert asked.named(kernel.PR_SET_SECUREBITS) == [(0xEF,)]
    header = struct.pack("<Ii", 0x20080522, 0)
    assert asked.named("capset") == [(header, sets(bits, bits, 0))]


@pytest.mark.parametrize("held", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1 << 40)])
def test_capabilities_that_are_left_are_an_error(asked, held):
    asked.held = held
    with pytest.raises(PermissionError, match="capabilities are left"):
        capabilities.drop_all()


@pytest.mark.parametrize("option", [kernel.PR_CAPBSET_DROP, kernel.PR_SET_SECUREBITS])
def test_only_who_has_no_privilege_to_lose_goes_on(asked, option):
    for number in (errno.EPERM, errno.EINVAL):
        asked.errors = {(option,): number}
        capabilities.drop_all()
    asked.errors = {(option,): errno.EIO}
    with pytest.raises(OSError, match="Input/output"):
        capabilities.drop_all()


def test_capabilities_for_programs_are_those_that_are_permitted(asked):
    asked.held = (1, CAPABILITY_BITS, 1 << 41)
    assert capabilities.held() == (1, CAPABILITY_BITS, 1 << 41)
    capabilities.make_inheritable()
    # Of this process, which is number 0.
    assert {header for header, _ in asked.named("capget")} == {struct.pack("<Ii", 0x20080522, 0)}
    assert asked.named("capset")[0][0] == struct.pack("<Ii", 0x20080522, 0)
    assert asked.named("capset")[0][1] == sets(1, CAPABILITY_BITS, CAPABILITY_BITS)
    capabilities.give_up()
    assert asked.named("capset")[1][1] == sets(0, 0, 0)


def test_the_filter_comes_with_a_listener(asked):
    assert seccomp.install(7, network=False) == 5
    ((mode, flags, program),) = asked.named("seccomp")
    assert (mode, flags) == (1, 1 << 3 | 1 << 5)
    length = len(seccomp.program(kernel.machine(), 7, False))
    assert int.from_bytes(program[:2], "little") == length


def test_an_older_kernel_may_start_a_call_anew_while_the_monitor_is_asked(asked):
    asked.errors = {("seccomp", 1, 1 << 3 | 1 << 5): errno.EINVAL}
    assert seccomp.install(7, network=False) == 5
    assert [flags for _, flags, _ in asked.named("seccomp")] == [1 << 3 | 1 << 5, 1 << 3]
    asked.errors = {("seccomp", 1): errno.EACCES}
    with pytest.raises(PermissionError):
        seccomp.install(7, network=False)
    assert len(asked.named("seccomp")) == 3


def test_filters_are_supported_where_the_kernel_can_ask(asked, monkeypatch):
    assert seccomp.supported()
    ((operation, flags, action),) = asked.named("seccomp")
    assert (operation, flags, struct.unpack("<I", action)) == (2, 0, (seccomp.ASK,))
    asked.errors = {("seccomp",): errno.EOPNOTSUPP}
    assert not seccomp.supported()
    asked.errors = {}
    monkeypatch.setattr(kernel, "machine", lambda: "riscv64")
    assert not seccomp.supported()
    monkeypatch.undo()
    monkeypatch.setattr(sys, "byteorder", "big")
    assert not seccomp.supported()


@pytest.mark.parametrize(("cpu_seconds", "cpu"), [(None, []), (7, [8])])
def test_the_limits_of_a_process(monkeypatch, cpu_seconds, cpu):
    lowered, offered = {}, []
    monkeypatch.setattr(resources, "lower", lowered.__setitem__)
    monkeypatch.setattr(resources, "_memory_now", lambda: (100, 10))
    monkeypatch.setattr(resources, "_offer_to_out_of_memory_killer", lambda: offered.append(1))
    resources.set_limits(replace(ROOMY, memory=1 << 30, file_bytes=77, cpu_seconds=cpu_seconds))
    assert lowered.pop(resource.RLIMIT_CPU, None) == (cpu[0] if cpu else None)
    assert lowered == {
        resource.RLIMIT_DATA: (1 << 30) + 10,
        resource.RLIMIT_AS: 100 + (2 << 30) + (2 << 30),
        resource.RLIMIT_FSIZE: 77,
        resource.RLIMIT_CORE: 1,
        resource.RLIMIT_SIGPENDING: 1024,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NICE: 0,
        resource.RLIMIT_RTPRIO: 0,
    }
    assert offered == [1]


@pytest.mark.parametrize(("hard", "value", "set_to"), [(-1, 9, 9), (5, 9, 5), (9, 5, 5), (5, 5, 5)])
def test_a_limit_is_only_ever_lowered(monkeypatch, hard, value, set_to):
    made = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (0, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda *limit: made.append(limit))
    resources.lower(resource.RLIMIT_FSIZE, value)
    assert made == [(resource.RLIMIT_FSIZE, (set_to, set_to))]


def test_memory_is_counted_above_what_is_there():
    total, data = resources._memory_now()
    with mmap.mmap(-1, 256 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS):
        more, more_data = resources._memory_now()
    for growth in (more - total, more_data - data):
        assert 200 << 20 < growth < 400 << 20
    assert data < total


def test_the_kernel_takes_a_run_first():
    def look():
        before = len(os.listdir("/proc/self/fd"))
        resources._offer_to_out_of_memory_killer()
        with open("/proc/self/oom_score_adj") as file:
            taken = file.read().strip()
        return taken == "1000" and len(os.listdir("/proc/self/fd")) == before

    assert in_a_child(look)


def test_open_files_are_raised_to_what_a_process_may_have():
    def look():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
        resources.raise_open_files()
        return resource.getrlimit(resource.RLIMIT_NOFILE) == (200, 200)

    assert in_a_child(look)


def in_a_child(look):
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if look() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    ("level", "landlock_", "namespaces"),
    [
        (Level.LANDLOCK, True, False),
        (Level.BOTH, True, True),
        (Level.NAMESPACES, False, True),
        (Level.REFUSED, False, False),
        (Level.FILES_OPEN, False, False),
    ],
)
def test_the_means_of_each_level(level, landlock_, namespaces):
    assert (level.landlock, level.namespaces) == (landlock_, namespaces)
