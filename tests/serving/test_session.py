"""Calls of one module in a worker that is kept."""

import os

import pandas as pd
import pytest
from support.waiting import until

from azml_magic.contract.profile import CLASSIC, DESIGNER
from azml_magic.errors import (
    ContractError,
    InputError,
    MemoryLimitError,
    ModuleFailed,
    ResultRefused,
    TimeLimitError,
    WorkerDied,
)
from azml_magic.module.bundle import Bundle
from azml_magic.module.module import Module
from azml_magic.protocol.options import Options
from azml_magic.runner.session import Session

SOURCE = r"""
import os, socket, stat, threading, time
from pathlib import Path

import helper

loaded = time.time()
calls = 0

def own_sockets():
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                yield number
        except OSError:
            continue

def exit_after_the_answer():
    # The files of a call are taken away when it has been answered.
    while Path("answering").exists():
        time.sleep(0.01)
    os._exit(3)

def azureml_main(frame=None, second=None):
    global calls
    calls += 1
    action = frame["action"][0]
    print("call", action)
    if action == "raise":
        raise ValueError("as asked")
    if action == "number":
        return 5
    if action == "exit":
        os._exit(3)
    if action == "exit later":
        Path("answering").touch()
        threading.Thread(target=exit_after_the_answer).start()
    if action == "hang":
        time.sleep(600)
    if action == "eat":
        hoard = [bytearray(16 << 20) for _ in range(64)]
    if action == "speak":
        for number in own_sockets():
            os.write(number, b"\x02\0\0\0\0\0\0\0{}")
    files = sorted(path.name for path in Path(".").iterdir())
    Path("left.txt").write_text("x")
    return frame.assign(calls=calls, loaded=loaded, two=helper.TWO, files=str(files)),
"""
BUNDLE = Bundle("b", (("helper.py", b"TWO = 2\n"),))


@pytest.fixture(scope="module")
def session():
    options = Options(timeout=2.0, memory=300 << 20)
    opened = Session(Module.from_source(SOURCE), BUNDLE, CLASSIC, options)
    yield opened
    opened.close()


def call(session, action="none"):
    return session.call({"dataset1": pd.DataFrame({"action": [action]})})


def test_the_module_is_loaded_once_and_files_are_of_one_call(session):
    first, second = call(session), call(session)
    assert second.output1["loaded"][0] == first.output1["loaded"][0]
    assert second.output1["calls"][0] == first.output1["calls"][0] + 1
    assert second.output1["two"][0] == 2
    assert "left.txt" not in second.output1["files"][0]
    assert "Script Bundle" in second.output1["files"][0]


def test_what_is_printed_belongs_to_its_call(session):
    assert call(session, "one").stdout == "call one\n"
    assert call(session, "two").stdout == "call two\n"


@pytest.mark.parametrize(("action", "error"), [("raise", ModuleFailed), ("number", ContractError)])
def test_an_error_leaves_the_worker(session, action, error):
    before = call(session).output1["loaded"][0]
    with pytest.raises(error) as raised:
        call(session, action)
    assert raised.value.result.stdout == f"call {action}\n"
    assert raised.value.result.failure.cloud_text.startswith("Error 0085")
    assert call(session).output1["loaded"][0] == before


@pytest.mark.parametrize(
    ("action", "error"),
    [("exit", WorkerDied), ("hang", TimeLimitError), ("eat", MemoryLimitError)],
)
def test_an_end_or_a_limit_brings_a_fresh_worker(session, action, error):
    before = call(session).output1["loaded"][0]
    with pytest.raises(error):
        call(session, action)
    after = call(session).output1
    assert after["loaded"][0] > before
    assert after["calls"][0] == 1


def test_a_worker_that_ends_between_calls_is_noticed(session):
    before = call(session, "exit later").output1["loaded"][0]
    until(lambda: not session.worker_ready)
    assert call(session).output1["loaded"][0] > before


def test_a_worker_that_speaks_out_of_turn_is_ended(session):
    def speak():
        call(session, "speak")
        call(session)

    with pytest.raises(ResultRefused):
        speak()
    assert call(session).output1["calls"][0] == 1


def test_a_frame_that_cannot_be_delivered_costs_nothing(session):
    before = call(session).output1["calls"][0]
    with pytest.raises(InputError):
        session.call({"dataset1": pd.DataFrame({"a": [object()]})})
    assert call(session).output1["calls"][0] == before + 1


def test_each_call_may_have_its_own_worker():
    options = Options(timeout=10.0, memory=300 << 20)
    fresh = Session(Module.from_source(SOURCE), BUNDLE, DESIGNER, options, calls=1)
    found = [call(fresh).output1 for _ in range(3)]
    assert [frame["calls"][0] for frame in found] == [1, 1, 1]
    assert len({frame["loaded"][0] for frame in found}) == 3
    fresh.close()


def test_a_module_that_does_not_load_tells_why():
    broken = Session(Module.from_source("import nothing_like_it\n"), None, CLASSIC, Options())
    with pytest.raises(ModuleFailed, match="nothing_like_it"):
        broken.prepare()
    broken.close()


def test_nothing_stays_open(session):
    before = len(os.listdir("/proc/self/fd"))
    for action in ("exit", "none", "exit", "none"):
        try:
            call(session, action)
        except WorkerDied:
            continue
    assert len(os.listdir("/proc/self/fd")) <= before + 1
