"""No run reaches the next one, or the worker that waits for it: at every level, as both users."""

import json
import os

import pytest
from support import variants
from support.ordinary_user import NOBODY, prepared

from azml_magic.sandbox.probe import probe

pytestmark = pytest.mark.timeout(1800)

MACHINES = {
    name: variants.VARIANTS[name]
    for name in ("level 2", "level 1", "level 3", "Landlock ABI 4", "ABI 4 and namespaces")
}
USERS = [None, NOBODY] if os.getuid() == 0 else [None]

# Each attacker is followed at once by a run that has data, a bundle and a file of its own.
SOURCE = """
import contextlib, json, os, tempfile, time, zipfile
import pandas as pd
import azml_magic
from azml_magic.sandbox import processes

LEADERLESS = '''
import ctypes, glob, os, signal, threading, time
libc = ctypes.CDLL(None)
def leaderless(work):
    if os.fork() == 0:
        os.setsid()
        os.closerange(0, 1024)
        def go_on():
            time.sleep(.05)
            work()
            os._exit(0)
        threading.Thread(target=go_on).start()
        libc.syscall({exit_call}, 0)
'''
ATTACKERS = {
    "steal": '''
def steal():
    own = os.getcwd()
    until = time.time() + 4
    while time.time() < until:
        for folder in glob.glob(os.path.dirname(os.path.dirname(own)) + "/run-*/work"):
            if folder == own:
                continue
            try:
                with open(folder + "/Script Bundle/new", "w") as file:
                    file.write("def scale(x): return x * 0 + 666")
                os.replace(folder + "/Script Bundle/new", folder + "/Script Bundle/helper.py")
            except OSError:
                pass
            try:
                with open(folder + "/stolen", "w") as file:
                    file.write(open(folder + "/private").read())
            except OSError:
                pass
        time.sleep(.005)
def azureml_main():
    leaderless(steal)
    time.sleep(.3)
''',
    "stop": '''
def stop(worker):
    until = time.time() + 4
    while time.time() < until:
        for pid in [*range(2, 80), *range(max(2, worker - 40), worker + 40)]:
            # Its own run it could stop; that would prove nothing.
            if pid not in (worker, os.getpid()):
                for send in (os.kill, os.killpg):
                    try: send(pid, signal.SIGSTOP)
                    except OSError: pass
        time.sleep(.002)
def azureml_main():
    worker = os.getpid()
    leaderless(lambda: stop(worker))
    time.sleep(.3)
''',
    "linger": '''
def azureml_main():
    own, leave = os.getpid(), os._exit
    def late(code):
        until = time.time() + 1.5
        while time.time() < until:
            for pid in [*range(2, 80), *range(max(2, own - 40), own + 40)]:
                if pid != own:
                    try: os.kill(pid, signal.SIGSTOP)
                    except OSError: pass
            time.sleep(.002)
        leave(code)
    os._exit = late
''',
    "crowd": '''
def azureml_main():
    for _ in range(20):
        leaderless(lambda: time.sleep(20))
    time.sleep(.5)
''',
}
NEXT = '''
import os, time
def azureml_main(frame):
    open("private", "w").write("my data")
    time.sleep(.3)
    import helper
    print(os.path.exists("stolen"))
    return frame.assign(a=helper.scale(frame["a"])),
'''
bundle = os.path.join(tempfile.mkdtemp(), "bundle.zip")
with zipfile.ZipFile(bundle, "w") as archive:
    archive.writestr("helper.py", "def scale(x): return x * 2")
frame = pd.DataFrame({"a": [1.0, 2.0]})
found = {}
azml_magic.run("def azureml_main(): pass")
for name, source in ATTACKERS.items():
    # Two in a hurry: the next worker is then made while the one before still runs.
    azml_magic.run("def azureml_main(): pass")
    azml_magic.run(LEADERLESS + source, timeout=30)
    # One that was stopped would not come to its end.
    result = azml_magic.run(NEXT, frame, bundle=bundle, timeout=60)
    left = []
    for pid in processes.descendants([os.getpid()]):
        with contextlib.suppress(OSError):
            process = processes.read(pid)  # None: it has ended since it was listed
            if process and process.state == "Z" and len(os.listdir(f"/proc/{pid}/task")) > 1:
                left.append(pid)
    found[name] = [result.output1["a"].tolist(), result.stdout, len(left)]
print(json.dumps(found))
"""


@pytest.mark.parametrize("user", USERS, ids=["this user", "ordinary user"][: len(USERS)])
@pytest.mark.parametrize("name", MACHINES)
def test_the_next_run_is_right_whatever_the_one_before_left(name, user):
    machine = MACHINES[name]
    if machine.level != 1 and not probe().namespaces:
        pytest.skip("there are no namespaces here")
    call = str({"x86_64": 60, "aarch64": 93}[os.uname().machine])
    with prepared(user=user, edits=machine.edits, outer=machine.outer) as run:
        done = run(SOURCE.replace("{exit_call}", call), timeout=1500)
    found = json.loads(done.stdout)
    assert list(found) == ["steal", "stop", "linger", "crowd"]
    for seen in found.values():
        assert seen == [[2.0, 4.0], "False\n", 0], found
