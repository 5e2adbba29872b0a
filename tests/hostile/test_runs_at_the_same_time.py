"""No run reaches another that runs beside it: at every level, as both users."""

import json
import os

import pytest
from support import variants
from support.ordinary_user import NOBODY, prepared

from azml_magic.sandbox.probe import probe

MACHINES = {
    name: variants.VARIANTS[name]
    for name in ("level 2", "level 1", "level 3", "ABI 1 and namespaces")
}
USERS = [None, NOBODY] if os.getuid() == 0 else [None]

SOURCE = """
import json, os, tempfile, threading, time, zipfile
import pandas as pd
import azml_magic
from azml_magic.sandbox import processes

COMMON = '''
import contextlib, ctypes, glob, os, signal, socket, time
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
reached = set()
until = time.time() + 3
@contextlib.contextmanager
def trying(name):
    try:
        yield
        reached.add(name)
    except (OSError, OverflowError, ValueError):
        pass
def must(outcome):
    if outcome in (-1, None):
        raise OSError(ctypes.get_errno())
    return outcome
'''
ATTACKS = {
    "files": '''
own = os.getcwd()
while time.time() < until:
    inside = glob.glob("/proc/[0-9]*/root" + os.path.dirname(own))
    for place in [os.path.dirname(os.path.dirname(own)), *inside]:
        for folder in glob.glob(place + "/run-*") + glob.glob(place + "/*"):
            if own.startswith(folder):
                continue
            for file in ("work/private", "private", "work/helper.py"):
                with trying("read " + file): open(f"{folder}/{file}").read()
            with trying("write"): open(f"{folder}/work/planted", "w").write("x")
    time.sleep(.01)
''',
    "processes": '''
own = os.getpid()
while time.time() < until:
    for pid in [*range(2, 80), *range(max(2, own - 60), own + 60)]:
        if pid in (own, os.getppid()):
            continue
        for send in (os.kill, os.killpg):
            with trying("stop"): send(pid, signal.SIGSTOP)
            with trying("kill"): send(pid, signal.SIGKILL)
        with trying("trace"): must(libc.ptrace(0x4206, pid, 0, 0))
        for name in ("environ", "mem", "maps"):
            with trying(name): open(f"/proc/{pid}/{name}", "rb").read(1)
        with trying("limits"): must(libc.prlimit(pid, 7, (ctypes.c_ulong * 2)(4, 4), None))
    # Where none may be sent a signal, that is no error: the other run tells.
    with contextlib.suppress(OSError): os.kill(-1, signal.SIGKILL)
    time.sleep(.01)
''',
    "memory and sockets": '''
while time.time() < until:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with trying("abstract socket"):
            socket.socket(socket.AF_UNIX, kind).connect("\\\\0of the other")
    with trying("loopback"): socket.create_connection(("127.0.0.1", 18765), .1)
    with trying("shared memory"):
        must(libc.shmat(must(libc.shmget(4711, 64, 0)), None, 0))
    with trying("queue"): must(libc.mq_open(b"/of-the-other", os.O_RDWR))
    with trying("semaphore"): must(libc.semget(4711, 1, 0))
    with trying("file in memory"): open("/dev/shm/of-the-other").read()
    time.sleep(.01)
''',
}
OTHER = COMMON + '''
import helper
def azureml_main(frame):
    os.environ["SECRET"] = "my data"
    open("private", "w").write("my data")
    with trying("abstract"):
        server = socket.socket(socket.AF_UNIX); server.bind("\\\\0of the other"); server.listen()
    with trying("loopback"):
        listening = socket.create_server(("127.0.0.1", 18765))
    libc.shmget(4711, 64, 0o1777)
    libc.semget(4711, 1, 0o1777)
    libc.mq_open(b"/of-the-other", os.O_RDWR | os.O_CREAT, 0o777, None)
    with trying("file"): open("/dev/shm/of-the-other", "w").write("x")
    time.sleep(2)
    print(sorted({"planted", "private"}.intersection(os.listdir("."))))
    return frame.assign(a=helper.scale(frame["a"])),
'''
bundle = os.path.join(tempfile.mkdtemp(), "bundle.zip")
with zipfile.ZipFile(bundle, "w") as archive:
    archive.writestr("helper.py", "def scale(x): return x * 2")
frame = pd.DataFrame({"a": [1.0, 2.0]})
azml_magic.run("def azureml_main(): pass")

def attack(name, found):
    source = COMMON + ATTACKS[name] + "def azureml_main(): print(sorted(reached))"
    try:
        found[name] = azml_magic.run(source, timeout=300).stdout
    except azml_magic.AzmlError as error:
        found[name] = repr(error)

def work(found, number):
    result = azml_magic.run(OTHER, frame, bundle=bundle, timeout=300)
    found[number] = [result.output1["a"].tolist(), result.stdout]

reached, right = {}, {}
threads = [threading.Thread(target=attack, args=(name, reached)) for name in ATTACKS]
threads += [threading.Thread(target=work, args=(right, number)) for number in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
work(right, "afterwards")
print(json.dumps([reached, right]))
"""


@pytest.mark.parametrize("user", USERS, ids=["this user", "ordinary user"][: len(USERS)])
@pytest.mark.parametrize("name", MACHINES)
def test_a_run_reaches_nothing_of_another_at_the_same_time(name, user):
    machine = MACHINES[name]
    if machine.level != 1 and not probe().namespaces:
        pytest.skip("there are no namespaces here")
    with prepared(user=user, edits=machine.edits, outer=machine.outer) as run:
        done = run(SOURCE, timeout=500)
    reached, right = json.loads(done.stdout)
    assert reached == dict.fromkeys(("files", "processes", "memory and sockets"), "[]\n")
    assert list(right.values()) == 3 * [[[2.0, 4.0], "['private']\n"]]
