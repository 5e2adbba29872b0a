"""However a run, or a process around it, ends: nothing stays, and the next run works."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from support import programs, variants
from support.waiting import until

import azml_magic
from azml_magic.sandbox import processes

RUNS = int(os.environ.get("AZML_RUNS", "60"))

# A stand-in for a notebook's process. `tell` is the test's way to hear of it.
NOTEBOOK = """
import asyncio, json, os, signal, sys, threading, time
import azml_magic
from azml_magic import api
from azml_magic.sandbox import processes

DAEMON = '''
import os, time
def azureml_main():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    print("running", flush=True)
    time.sleep(600)
'''
# The monitor is asked for something without end.
FLOOD = '''
import os, time
def azureml_main():
    print("running", flush=True)
    for _ in range(20):
        if os.fork() == 0:
            break
    until = time.time() + 600
    while time.time() < until:
        try:
            os.pipe()
        except OSError:
            pass
'''
PLAIN = "import pandas as pd\\ndef azureml_main(): return pd.DataFrame({'a': [1]}),"

def tell(**facts):
    print(json.dumps(facts), flush=True)

def below(word=b""):
    found = []
    for pid in processes.descendants([os.getpid()]):
        try:
            command = open(f"/proc/{pid}/cmdline", "rb").read()
        except OSError:  # it has ended since it was listed
            continue
        if word in command:
            found.append(pid)
    return found

def works():
    return len(azml_magic.run(PLAIN).output1) == 1

"""


class Notebook:
    """A process that runs modules, with a temporary folder of its own."""

    def __init__(self, source, folder, **environment):
        self.folder = folder / "temporary"
        self.folder.mkdir()
        self.process = programs.Started(
            [sys.executable, "-c", NOTEBOOK + textwrap.dedent(source)],
            stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(self.folder), **environment},
            cwd=folder,
        )

    def hear(self):
        line = self.process.stdout.readline()
        assert line, f"it ended with {self.process.wait()}"
        return json.loads(line)

    def kill(self):
        """Kill it for good; return the processes that it had below."""
        had = [processes.read(pid) for pid in processes.descendants([self.process.pid])]
        self.process.kill()
        self.process.wait()
        return [one for one in had if one is not None]

    def close(self):
        self.process.finish()

    def end(self):
        assert self.process.wait(120) == 0
        assert list(self.folder.iterdir()) == []


@pytest.fixture
def start(tmp_path):
    """Start notebooks; they are ended after the test."""
    started = []

    def make(source, folder=tmp_path, **environment):
        started.append(Notebook(source, folder, **environment))
        return started[-1]

    yield make
    for notebook in started:
        notebook.close()


def left_of(had):
    """Return those of some processes that are still there."""
    now = {one.pid: one for one in map(processes.read, (one.pid for one in had)) if one}
    return [
        one
        for one in had
        if one.pid in now and now[one.pid].started == one.started and now[one.pid].state != "Z"
    ]


@pytest.mark.parametrize("module", ["DAEMON", "FLOOD"])
def test_a_kernel_that_is_killed_leaves_no_process_and_no_folder(start, level, module):
    notebook = start(f"azml_magic.run({module}, on_output=lambda stream, text: tell(said=text))")
    assert notebook.hear() == {"said": "running\n"}
    had = notebook.kill()
    assert len(had) >= 4
    until(lambda: not left_of(had), told=lambda: left_of(had))
    until(lambda: not list(notebook.folder.iterdir()))


@pytest.fixture(params=["this level", "level 1"])
def level(request, monkeypatch, tmp_path):
    """Have notebooks use this machine's level, or the one without namespaces."""
    if request.param == "level 1":
        copy = tmp_path / "package"
        shutil.copytree(Path(azml_magic.__file__).parent, copy / "azml_magic")
        file, text = variants.NO_NAMESPACES
        with (copy / "azml_magic" / file).open("a") as opened:
            opened.write(f"\n\n{text}\n")
        monkeypatch.setenv("PYTHONPATH", str(copy))
    return request.param


@pytest.mark.parametrize("victim", ["monitor.monitor", "worker.server"])
def test_a_process_around_the_run_that_is_killed_ends_the_run_and_no_other(start, level, victim):
    notebook = start(
        f"""
        def kill(stream, text):
            had = below()
            os.kill(below({victim.encode()!r})[0], signal.SIGKILL)
            tell(had=had)

        tell(level=azml_magic.run(PLAIN).confinement)
        try:
            azml_magic.run(DAEMON, on_output=kill)
        except azml_magic.AzmlError as error:
            tell(error=type(error).__name__)
        tell(works=works())
        input_left = api.shut_down()
        """,
    )
    confined = notebook.hear()["level"]
    assert level != "level 1" or "namespaces" not in confined
    told = notebook.hear()
    had = [one for one in map(processes.read, told["had"]) if one is not None]
    assert notebook.hear() == {"error": "SandboxBroken"}
    until(lambda: not left_of(had), told=lambda: left_of(had))
    assert notebook.hear() == {"works": True}
    notebook.end()


def test_two_notebooks_at_once(start, tmp_path):
    source = "[works() for _ in range(10)]\ntell(done=True)"
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    notebooks = [start(source, folder) for folder in folders]
    for notebook in notebooks:
        assert notebook.hear() == {"done": True}
        notebook.end()


def test_from_threads_callbacks_and_event_loops(start):
    notebook = start(
        """
        found = []
        threads = [threading.Thread(target=lambda: found.append(works())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        async def main():
            loop = asyncio.get_running_loop()
            inside = works()
            called = loop.create_future()
            loop.call_soon(lambda: called.set_result(works()))
            return [inside, await called, await asyncio.to_thread(works)]

        found += asyncio.run(main())
        azml_magic.run(
            "def azureml_main(): print(1)", on_output=lambda stream, text: found.append(works())
        )
        tell(found=found)
        """,
    )
    assert notebook.hear() == {"found": [True] * 6}
    notebook.end()


def test_a_thread_that_ends_takes_no_run_with_it(start):
    # What was started in a thread must not end with it: the monitor is one for all.
    notebook = start(
        """
        thread = threading.Thread(target=works)
        thread.start()
        thread.join()
        monitor = below(b"monitor.monitor")
        tell(works=works(), same=below(b"monitor.monitor") == monitor)
        """,
    )
    assert notebook.hear() == {"works": True, "same": True}
    notebook.end()


def test_a_disk_that_is_full(start, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    # not ours: mount
    if os.getuid() != 0 or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        notebook = start(
            """
            fill = "def azureml_main():\\n    open('x', 'wb').write(bytes(64 << 20))"
            try:
                azml_magic.run(fill)
            except azml_magic.AzmlError as error:
                tell(error=type(error).__name__, text=str(error))
            tell(works=works())
            """,
            disk,
        )
        told = notebook.hear()
        assert told["error"] == "ModuleFailed"
        assert "No space left" in told["text"]
        assert notebook.hear() == {"works": True}
        notebook.end()
    finally:
        # not ours: umount
        subprocess.run(["umount", str(disk)], check=True)


def test_many_runs_leave_nothing(start):
    notebook = start(
        f"""
        def counts():
            return {{
                "descriptors": len(os.listdir("/proc/self/fd")),
                "of the monitor": len(os.listdir(f"/proc/{{below(b'monitor.')[0]}}/fd")),
                "processes": len(below()),
                "threads": threading.active_count(),
                "folders": sum(len(files) for _, files, _ in os.walk(os.environ["TMPDIR"])),
            }}

        def waits():
            for pid in below():
                try:
                    if "/azml_magic-runs-" in os.readlink(f"/proc/{{pid}}/cwd"):
                        return True
                except OSError:
                    continue
            return False

        # The next worker gets ready, and the last run folder is deleted, in their own time.
        def settled():
            found, since = counts(), time.monotonic()
            while time.monotonic() < since + 2 or not waits():
                time.sleep(0.05)
                if counts() != found:
                    found, since = counts(), time.monotonic()
            return found

        def memory():
            return [processes_memory(pid) for pid in [os.getpid(), *below(b"monitor.")]]

        from azml_magic.sandbox.measure import memory_of as processes_memory
        for _ in range(10):
            works()
        before, first = settled(), memory()
        for _ in range({RUNS}):
            works()
        tell(before=before, after=settled(), memory=list(zip(first, memory(), strict=True)))
        """,
    )
    told = notebook.hear()
    notebook.end()
    assert told["after"] == told["before"]
    memory = told["memory"]
    for first, last in memory:
        assert last - first < 40 << 20, memory
    if RUNS > 100:
        print(told)


def test_a_signal_of_the_terminal_is_for_the_notebook_alone(start):
    notebook = start(
        """
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        works()
        monitor = below(b"monitor.monitor")
        for pid in below():
            os.kill(pid, signal.SIGINT)
        tell(works=works(), same=below(b"monitor.monitor") == monitor)
        """,
    )
    assert notebook.hear() == {"works": True, "same": True}
    notebook.end()
