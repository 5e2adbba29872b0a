"""What the kernel counts for a person: a run that hoards it harms no other run and no program.

Each attacker takes all that it can get of one counter and holds it. Meanwhile a victim outside of
the sandbox, and another run, need a little of the same.
"""

import json
import os

import pytest
from support import variants
from support.ordinary_user import NOBODY, prepared

from azml_magic.sandbox.probe import probe

pytestmark = pytest.mark.timeout(1800)
HELPERS = """
import ctypes, os, resource, select, signal, socket, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = libc.syscall(ctypes.c_long(number), *wide)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def many(make, most):
    made = 0
    try:
        while made < most:
            kept.append(make())
            made += 1
    except OSError:
        pass
    return made
kept = []
def in_flight():
    a, b = socket.socketpair()
    kept.extend([a, b])
    socket.send_fds(a, [b"x"], [0] * 100)
def watch(watcher, read):
    copy = os.dup(read)
    watcher.register(copy, select.EPOLLIN)
def timer():
    call({timer_create}, 0, None, ctypes.create_string_buffer(8))
def queue():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
    info = ctypes.create_string_buffer(struct.pack("iiii", signal.SIGRTMIN, 0, -1, 0), 128)
    call({rt_sigqueueinfo}, os.getpid(), signal.SIGRTMIN, info)
"""

# How each hoards, in many processes where that helps.
ATTACKERS = {
    "descriptors in flight": "many(in_flight, 400)",
    "epoll watches": """
read, write = os.pipe()
for _ in range(40):
    if os.fork() == 0:
        watchers = [select.epoll() for _ in range(100)]
        for one in watchers:
            os.write(told, b"%d\\n" % many(lambda: watch(one, read), 300))
        time.sleep(HOLD)
        os._exit(0)
time.sleep(1.5)
""",
    "pipe pages": """
for _ in range(60):
    if os.fork() == 0:
        many(os.pipe, 500)
        time.sleep(HOLD)
        os._exit(0)
time.sleep(1.5)
""",
    "queued signals": "many(queue, 100_000)",
    "timers": "many(timer, 100_000)",
}
ATTACKER = """
def azureml_main():
    told = os.open("told", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
{body}
    print("HELD", sum(map(int, open("told").read().split())))
    print("HOLDING", flush=True)
    time.sleep(HOLD)
"""
# What a victim does with each; an error is a harm.
NEEDS = {
    "descriptors in flight": "a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [0])",
    "epoll watches": "r, w = os.pipe(); e = select.epoll(); [watch(e, r) for _ in range(200)]",
    "pipe pages": "r, w = os.pipe(); import fcntl; assert fcntl.fcntl(r, 1032) == 65536",
    "queued signals": "[queue() for _ in range(20)]",
    "timers": "[timer() for _ in range(20)]",
}
# A run beside one that has descriptors in flight can pass none itself: that is what is left.
NOT_IN_RUNS = {"descriptors in flight": "pass"}
SCRIPT = """
import json, subprocess, sys, textwrap, threading
import azml_magic

HELPERS, NEEDS, NOT_IN_RUNS = {helpers!r}, {needs!r}, {not_in_runs!r}
HOLD = 600

def outside(need):
    limit = "resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))\\n"
    done = subprocess.run(
        [sys.executable, "-c", HELPERS + limit + need], capture_output=True, text=True
    )
    return done.stderr.strip().splitlines()[-1:]

def beside(need):
    source = HELPERS + "def azureml_main():\\n    " + need + "\\n    print('ok')\\n"
    try:
        return [] if azml_magic.run(source, timeout=120).stdout == "ok\\n" else ["no word"]
    except azml_magic.AzmlError as error:
        return [f"{{type(error).__name__}}: {{error}}"]

found = {{}}
for name, source in {attackers!r}.items():
    holding, started, result = threading.Event(), [], []
    def listen(stream, text):
        if "HOLDING" in text:
            holding.set()
    def attack():
        try:
            source_text = f"HOLD = {{HOLD}}\\n" + HELPERS + source
            azml_magic.run(source_text, on_start=started.append, on_output=listen)
        except azml_magic.errors.Interrupted as error:
            result.append(error.result)
        except azml_magic.AzmlError as error:
            result.append(error)
            holding.set()
    thread = threading.Thread(target=attack)
    thread.start()
    holding.wait()
    found[name] = [
        outside(NEEDS[name]), beside(NOT_IN_RUNS.get(name, NEEDS[name])), beside("pass")
    ]
    started[0].cancel()
    thread.join()
    (ended,) = result
    if isinstance(ended, Exception):
        found[name].append(str(ended))
    elif int(ended.stdout.split("HELD")[1].split()[0]) > 20_000:
        found[name].append(ended.stdout)
print(json.dumps(found))
"""


def script(numbers):
    def attacker(body):
        indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
        return ATTACKER.format(body=indented)

    helpers = HELPERS
    for name, number in numbers.items():
        helpers = helpers.replace("{" + name + "}", str(number))
    return SCRIPT.format(
        helpers=helpers,
        needs=NEEDS,
        not_in_runs=NOT_IN_RUNS,
        attackers={name: attacker(body) for name, body in ATTACKERS.items()},
    )


@pytest.mark.parametrize("name", ["level 2", "level 1", "Landlock ABI 4"])
def test_a_hoarder_harms_nobody(name):
    from azml_magic.sandbox import kernel
    from azml_magic.sandbox.syscalls import NUMBERS

    machine = variants.VARIANTS[name]
    if machine.level == 2 and not probe().namespaces:
        pytest.skip("there are no namespaces here")
    calls = NUMBERS[kernel.machine()]
    numbers = {call: calls[call] for call in ("timer_create", "rt_sigqueueinfo")}
    user = NOBODY if os.getuid() == 0 else None
    with prepared(user=user, edits=machine.edits, outer=machine.outer) as run:
        done = run(script(numbers), timeout=1500)
    assert json.loads(done.stdout) == {name: [[], [], []] for name in ATTACKERS}
