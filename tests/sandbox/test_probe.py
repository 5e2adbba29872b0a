"""What a machine can enforce is found by trying, and refused in words that help."""

import subprocess
import sys
from dataclasses import replace

import pytest

from azml_magic.sandbox import probe as module
from azml_magic.sandbox.probe import Capabilities, probe

FULL = Capabilities("Linux", "6.18", "x86_64", 7, seccomp=True, listener=True)


@pytest.fixture
def anew():
    probe.cache_clear()
    yield
    probe.cache_clear()


def test_this_machine_is_described():
    found = probe()
    assert found.platform == "Linux"
    assert found.failure == ""
    assert found.level == (4 if found.refusal else 1)
    assert found.describe() in found.report()
    assert found.kernel in found.report()


def test_a_full_machine_is_not_refused():
    assert FULL.refusal == ""
    assert FULL.level == 1
    assert FULL.describe() == "Landlock (ABI 7) + seccomp"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"platform": "Darwin"}, "Linux"),
        ({"platform": "Windows"}, "WSL2"),
        ({"landlock_abi": 0}, "Landlock"),
        ({"seccomp": False}, "filtered"),
        ({"listener": False}, "listener"),
        ({"failure": "OSError: no"}, "OSError: no"),
    ],
)
def test_a_missing_piece_is_named(changes, named):
    lacking = replace(FULL, **changes)
    assert named in lacking.refusal
    assert lacking.level == 4
    assert lacking.refusal in lacking.report()
    assert "\n" not in lacking.refusal
    assert lacking.describe() == "refused"


@pytest.mark.parametrize("source", ["", "raise SystemExit(1)", "print('no json')", "1/0"])
def test_a_trial_that_fails_is_no_confinement(anew, monkeypatch, source):
    monkeypatch.setattr(module, "_TRIAL", source)
    assert probe().level == 4
    assert "did not end well" in probe().refusal


def test_a_trial_that_hangs_is_no_confinement(anew, monkeypatch):
    monkeypatch.setattr(module, "_TRIAL", "import time; time.sleep(60)")
    monkeypatch.setattr(module, "_SECONDS", 0.2)
    assert "timed out" in probe().refusal


def test_it_is_found_out_once(anew, monkeypatch):
    first = probe()
    monkeypatch.setattr(subprocess, "run", None)
    assert probe() is first


def test_elsewhere_nothing_is_tried(anew, monkeypatch):
    monkeypatch.setattr(module.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(subprocess, "run", None)
    assert "Darwin" in probe().refusal


def test_inside_a_run_there_is_no_second_sandbox(sandbox):
    if sandbox.user is not None:
        pytest.skip("the interpreter may lie below a closed home")
    probe.cache_clear()
    outcome = sandbox.run(lambda: probe().refusal)
    assert outcome.value, outcome.text
    assert sys.platform == "linux"
