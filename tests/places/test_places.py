"""Runs, the doctor, a session and the service where there is less than on a person's machine."""

import json
import os
import pwd
import re
import signal
import sys
import urllib.request
from dataclasses import replace

import pandas as pd
import pytest
from support import places, programs
from support.places import STRANGER, Place
from support.waiting import until

import azml_magic
from azml_magic.protocol.policy import Level
from azml_magic.sandbox import doctor, processes
from azml_magic.sandbox.probe import probe

if sys.platform != "linux" or os.geteuid() != 0:
    pytest.skip("places are made by root", allow_module_level=True)

HOMELESS = Place(user=STRANGER)
HARDENED = Place(user=STRANGER, read_only=True, no_shared_memory=True, first=True)
PLACES = {
    "HOME=/": HOMELESS,
    "no HOME": replace(HOMELESS, home=None),
    "a home of somebody else": replace(HOMELESS, home="/root"),
    "a home that is not there": replace(HOMELESS, home="/nonexistent"),
    "a read-only root": Place(read_only=True),
    "a read-only root, no HOME": Place(read_only=True, home=None),
    "no /dev/shm": Place(no_shared_memory=True, home="/nonexistent"),
    "process 1": Place(first=True, home="/nonexistent"),
    "a hardened container": HARDENED,
    "a hardened container, no HOME": replace(HARDENED, home=None),
    "a hardened container of Docker": replace(HARDENED, outer="docker"),
    "a hardened container on an old kernel": replace(HARDENED, outer="no-landlock"),
}
NOWHERE = replace(HARDENED, temporary=False)
MODULE = """
import os
import matplotlib.pyplot as plt
import pandas as pd

def azureml_main():
    plt.plot([1, 2])
    plt.savefig("line.png")
    print("at home:", os.environ["HOME"] == os.getcwd())
    return pd.DataFrame({"a": [1, 2, 3]}),
"""
SLOW = """
import os, time
def azureml_main():
    if os.fork() == 0:
        time.sleep(600)
    print("begun", flush=True)
    time.sleep(600)
"""
NOT_LASTING = "caches           a temporary folder per session"


@pytest.fixture(scope="module", autouse=True)
def nobody_knows_the_stranger():
    with pytest.raises(KeyError):
        pwd.getpwuid(STRANGER)


@pytest.fixture
def ground(request):
    with places.made(request.param) as made:
        yield made


def at(*names, **others):
    chosen = {name: PLACES[name] for name in names} | others
    return pytest.mark.parametrize("ground", chosen.values(), ids=chosen, indirect=True)


LEVELS = {"docker": Level.LANDLOCK, "no-landlock": Level.NAMESPACES}


def confinement(place):
    """Return how runs are confined on a machine that lacks nothing but what is forbidden here."""
    return probe().describe(LEVELS.get(place.outer))


@at(*PLACES)
def test_a_module_runs_and_is_confined_as_it_is_elsewhere(ground):
    done = ground.azml_magic("run", ground.write("module.py", MODULE))
    assert done.stdout.startswith("at home: True\n")
    assert "3 rows x 1 column" in done.stdout
    assert f"sandbox: {confinement(ground.place)}\n" in done.stdout
    assert "line.png" in done.stdout


INTRUDER = """
import glob
def azureml_main():
    for place in ("{caches}", *glob.glob("{temporary}/*"), *glob.glob("{temporary}/*/matplotlib")):
        try:
            open(place + "/written", "w").close()
            print("written", place)
        except OSError as error:
            print("refused", error.errno)
"""
WRITER = """
import glob, os, sys
import azml_magic
azml_magic.run("def azureml_main(): pass")
(caches,) = glob.glob(os.environ["TMPDIR"] + "/azml_magic-caches-*/matplotlib")
source = open("intruder.py").read().format(caches=caches, temporary=os.environ["TMPDIR"])
result = azml_magic.run(source)
print(result.confinement)
print(*result.stdout.splitlines(), sep="\\n")
print(os.path.exists(caches + "/written"))
"""


@at("HOME=/", *(name for name in PLACES if name.startswith("a hardened container ")))
def test_no_run_writes_to_temporary_caches(ground):
    ground.write("intruder.py", INTRUDER)
    confined, *tried, there = ground.python("-c", WRITER).stdout.splitlines()
    assert confined == confinement(ground.place)
    assert tried[0].startswith("refused")
    # At most what is its own: in its mounts the run folder stands in the place of all.
    assert [line for line in tried if "written" in line and "-runs-" not in line] == []
    assert there == "False"


@at("HOME=/", "no HOME", "a hardened container")
def test_the_doctor_makes_a_real_run(ground):
    done = ground.azml_magic("doctor")
    report, seen = done.stdout.split("\nA real run\n")
    assert report == doctor.report(probe()) + "\n"
    lines = seen.splitlines()
    assert re.fullmatch(r"  result           as expected, after [0-9.]+ s", lines[0])
    assert lines[1] == f"  confined by      {probe().describe()}"
    assert lines[2].startswith(f"  {NOT_LASTING}")


@at(nowhere=NOWHERE)
def test_where_nothing_can_be_written_the_error_names_what_to_set(ground):
    path = ground.write("module.py", MODULE)
    done = ground.azml_magic("run", path, errors="SandboxBroken: no run can be started", status=3)
    assert "no temporary folder is writable (tried /tmp, /var/tmp, /usr/tmp)" in done.stderr
    assert "Hint: set TMPDIR to a folder that you can write to" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    doctor = ground.azml_magic("doctor", status=3)
    assert "Runs are refused: no temporary folder is writable" in doctor.stdout
    assert "  set TMPDIR to a folder that you can write to" in doctor.stdout
    serve = ground.azml_magic("serve", path, "--port", "0", errors="set TMPDIR", status=3)
    assert len(serve.stderr.splitlines()) == 2


@at(full=replace(HARDENED, most_files=2))
def test_a_full_disk_does_not_pass_for_a_weaker_machine(ground):
    done = ground.azml_magic("doctor", status=3)
    assert "Runs are refused: no trial can write its file: OSError: [Errno 28]" in done.stdout
    assert "What to do\n  set TMPDIR" in done.stdout


# Enough for the probes, and not for a run: what probes do not see.
@at(full=replace(HARDENED, most_files=6))
def test_the_doctor_tells_of_a_run_that_fails(ground):
    done = ground.azml_magic("doctor", status=3)
    report, seen = done.stdout.split("\nA real run\n")
    assert "Missing\n  nothing" in report
    assert re.match(r"  failed           \S.*No space left on device", seen)
    assert "\n  what to do       set TMPDIR" in seen
    assert "Traceback" not in seen


@at("HOME=/", "a hardened container")
def test_paths_below_a_home_that_nobody_knows_are_files_that_are_not_there(ground):
    for path in ("~/module.py", "~nobody-of-this-name/module.py"):
        ground.azml_magic("run", path, errors=f"there is no file '{path}'", status=2)


def begun(ground, *arguments, **expected):
    """Start a run that goes on for long; return it when it does."""
    options = {"stdout": programs.PIPE, **expected}
    started = ground.start("run", ground.write("slow.py", SLOW), *arguments, **options)
    assert started.stdout.readline() == "begun\n"
    return started


def zombies(namespace):
    """Return the processes of a process namespace that have ended and that nobody waited for."""
    return [
        pid
        for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
        if namespace_of(pid) == namespace
        and (found := processes.read(pid)) is not None
        and found.ended
    ]


def namespace_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGTERM, 143, ""), (signal.SIGINT, 130, "the run was interrupted")],
)
@at("process 1", "a hardened container", "a hardened container of Docker")
def test_process_1_answers_signals(ground, number, status, said):
    with begun(ground, errors=said) as started:
        first = places.program_of(started)
        os.kill(first, number)
        assert started.wait(120) == status


@at("process 1")
def test_process_1_waits_for_every_orphan(ground):
    with begun(ground, errors="SandboxBroken") as started:
        first = places.program_of(started)
        namespace = namespace_of(first)
        (command,) = [pid for pid in processes.descendants([first]) if parent(pid) == first]
        (monitor,) = [pid for pid in processes.descendants([command]) if parent(pid) == command]
        had = processes.descendants([monitor])
        assert len(had) >= 3
        os.kill(monitor, signal.SIGKILL)
        until(lambda: not [pid for pid in had if namespace_of(pid) == namespace])
        until(lambda: not zombies(namespace))
        assert started.wait(120) != 0
        assert places.program_of(started) is None


@at("process 1")
def test_process_1_lets_the_monitor_of_a_killed_command_clear_up(ground):
    with begun(ground) as started:
        first = places.program_of(started)
        (command,) = [pid for pid in processes.descendants([first]) if parent(pid) == first]
        os.kill(command, signal.SIGKILL)
        assert started.wait(120) == 137
    assert os.listdir(ground.environment["TMPDIR"]) == []


PROGRAM = """
import os, time
import azml_magic
from azml_magic import api

assert os.getpid() == 1
for _ in range(2):
    print(azml_magic.run("def azureml_main(): print('ran')").stdout, end="")
api.shut_down()
print(sorted(name for name in os.listdir("/proc") if name.isdigit()))
"""


@at("process 1", "a hardened container", "a hardened container of Docker")
def test_a_program_that_is_process_1_has_nothing_left_below_it(ground):
    assert ground.python("-c", PROGRAM).stdout == "ran\nran\n['1']\n"


def parent(pid):
    found = processes.read(pid)
    return found.parent if found is not None else 0


SESSION = """
%load_ext azml_magic
import pandas as pd
frame = pd.DataFrame({"a": [1.5, 2.0]})
%azureml_doctor
"""
CELL = "%%azureml_module -i frame -o out\ndef azureml_main(frame):\n    return frame * 2,\n"


OF_IPYTHON = re.compile(
    r"\S+/IPython/paths\.py:\d+: UserWarning: IPython \w+ '\S+' is not a writable location, "
    r"using a temp directory\.\n.*\nleft in TMPDIR: tmp\w+\n"
)


def of_ipython_alone(said):
    """Without a home, IPython says that it takes another folder, and leaves it."""
    assert OF_IPYTHON.fullmatch(said)


@at("HOME=/", "no HOME", "a hardened container")
def test_a_session_of_ipython(ground):
    program = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        f"for cell in ({SESSION!r}, {CELL!r}, 'print(out[\"a\"].tolist())'):\n"
        "    shell.run_cell(cell).raise_error()\n"
    )
    done = ground.python("-c", program, errors=of_ipython_alone)
    assert "A real run\n  result           as expected" in done.stdout
    assert f"sandbox: {probe().describe()}" in done.stdout
    assert done.stdout.endswith("[3.0, 4.0]\n")


@pytest.fixture(scope="module")
def module_zip(tmp_path_factory):
    source = "def azureml_main(frame):\n    frame['b'] = frame['a'] * 2\n    return frame,\n"
    path = tmp_path_factory.mktemp("zip") / "doubler.zip"
    return azml_magic.export(source, path, pd.DataFrame({"a": [1.5]}), name="doubler").path


@at("HOME=/", "no HOME", "a hardened container", "a hardened container of Docker")
def test_the_service_answers(ground, module_zip):
    path = ground.work / "doubler.zip"
    path.write_bytes(module_zip.read_bytes())
    path.chmod(0o644)
    with ground.start(
        "serve", str(path), "--port", "0", "--workers", "1",
        stdout=programs.PIPE, errors=programs.log_lines,
    ) as started:  # fmt: skip
        url = started.stdout.readline().split()[-1]
        body = json.dumps({"Inputs": {"input1": [{"a": 2.5}]}}).encode()
        request = urllib.request.Request(f"{url}/score", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            assert json.load(answer)["Results"]["output1"] == [{"a": 2.5, "b": 5.0}]
        server = places.program_of(started)
        os.kill(server, signal.SIGTERM)
        assert started.wait(120) == 0
    events = [entry["event"] for entry in programs.log_lines(started.all_said())]
    assert events == ["start", "request", "stop"]
