"""A worker that is lost is replaced once in silence, and never when something has begun."""

import pytest

from azml_magic.contract.profile import CLASSIC
from azml_magic.errors import SandboxBroken
from azml_magic.executors import resident
from azml_magic.executors.account import Account, Received
from azml_magic.executors.job import Job
from azml_magic.executors.kept_worker import Question
from azml_magic.module.module import Module
from azml_magic.monitor import shared_monitors
from azml_magic.protocol.messages import RunEnded
from azml_magic.protocol.options import Options

MODULE = Module.from_source("def azureml_main():\n    pass\n")
QUESTION = Question({}, 1 << 20, "str")


class Monitor:
    alive = True
    confinement = "as asked"

    def send(self, message):
        pass

    def retire(self):
        self.alive = False


class Worker:
    """A stand-in that fails as it is told, and counts."""

    loads = asks = 0
    fails = ""

    def __init__(self, monitor, timeout):
        self.received = Received()
        self.over = False

    def begin(self, job, calls, limits):
        type(self).loads += 1
        return self._come_to("load")

    def ask(self, question):
        type(self).asks += 1
        self.received = Received()
        return self._come_to("ask")

    def _come_to(self, step):
        where, _, how = self.fails.partition(" ")
        if where == step:
            self.received.begun = "begun" in how
            if "broken" in how:
                raise SandboxBroken("it broke")
            self.received.ended = RunEnded()
        return Account(self.received, "", "")

    def end(self):
        pass

    def close(self):
        pass


@pytest.mark.parametrize(
    ("fails", "loads", "asks"),
    [
        ("", 1, 1),
        ("load broken", 2, 0),
        ("load begun broken", 1, 0),
        ("load ended", 2, 0),
        ("load begun ended", 1, 0),
        ("ask broken", 2, 2),
        ("ask begun broken", 1, 1),
        ("ask ended", 2, 2),
        ("ask begun ended", 1, 1),
    ],
)
def test_so_many_attempts_are_made(monkeypatch, fails, loads, asks):
    monkeypatch.setattr(resident, "KeptWorker", Worker)
    monkeypatch.setattr(shared_monitors, "acquire", lambda access: Monitor())
    monkeypatch.setattr(shared_monitors, "release", lambda monitor, error=None: None)
    monkeypatch.setattr(Worker, "loads", 0)
    monkeypatch.setattr(Worker, "asks", 0)
    monkeypatch.setattr(Worker, "fails", fails)
    kept = resident.Resident(Job(MODULE, CLASSIC, Options()))
    if "broken" in fails:
        with pytest.raises(SandboxBroken):
            kept.call(QUESTION)
    else:
        kept.call(QUESTION)
    assert (Worker.loads, Worker.asks) == (loads, asks)
