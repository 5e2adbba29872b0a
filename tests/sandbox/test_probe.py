"""What a machine can enforce is found by trying, and refused in words that help."""

import platform
import subprocess
import sys
from dataclasses import replace

import pytest

from azml_magic.protocol.policy import Level
from azml_magic.sandbox import doctor, standalone
from azml_magic.sandbox import probe as module
from azml_magic.sandbox.probe import Capabilities, probe

FULL = Capabilities(
    "Linux", "6.18", "x86_64", 7, seccomp=True, listener=True, namespaces_failure=""
)
LANDLOCK = replace(FULL, namespaces_failure="unshare: no")
NAMESPACES = replace(FULL, landlock_abi=0)


@pytest.fixture
def anew():
    module._probe.cache_clear()
    yield
    module._probe.cache_clear()


def test_this_machine_is_described():
    found = probe()
    assert found.platform == "Linux"
    assert found.failure == ""
    assert (found.level is Level.REFUSED) == bool(found.refusal)
    assert found.describe() in doctor.report(found) or found.refusal
    assert found.kernel in doctor.report(found)


@pytest.mark.parametrize(
    ("found", "level", "text"),
    [
        (FULL, Level.BOTH, "Landlock (ABI 7) + namespaces + seccomp"),
        (LANDLOCK, Level.LANDLOCK, "Landlock (ABI 7) + seccomp"),
        (NAMESPACES, Level.NAMESPACES, "namespaces + seccomp"),
    ],
)
def test_each_level_has_its_means(found, level, text):
    assert found.refusal == ""
    assert found.level is level
    assert found.describe() == text
    assert f"{text} (level {level:d})" in doctor.report(found)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"platform": "Darwin"}, "Linux"),
        ({"platform": "Windows"}, "WSL2"),
        ({"landlock_abi": 0}, "Landlock"),
        ({"landlock_abi": 0}, "unshare: no"),
        ({"landlock_abi": 0}, "files-open"),
        ({"seccomp": False}, "filtered"),
        ({"listener": False}, "listener"),
        ({"failure": "OSError: no"}, "OSError: no"),
    ],
)
def test_a_missing_piece_is_named(changes, named):
    lacking = replace(LANDLOCK, **changes)
    assert named in lacking.refusal
    assert lacking.level is Level.REFUSED
    assert named in doctor.report(lacking)
    assert "\n" not in lacking.refusal
    assert lacking.describe() == "refused"


def test_files_are_never_open_unless_a_person_says_so():
    for found in (FULL, LANDLOCK, NAMESPACES, replace(LANDLOCK, landlock_abi=0)):
        assert found.level is not Level.FILES_OPEN
    assert "FILES ARE OPEN" in FULL.describe(Level.FILES_OPEN)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "guesses the path"),
        ({"landlock_abi": 2}, "os.truncate"),
        ({"landlock_abi": 1}, "rename"),
    ],
)
def test_what_is_missing_is_told(changes, words):
    assert words in doctor.report(replace(LANDLOCK, **changes))
    assert words not in doctor.report(FULL)


@pytest.fixture
def trial(anew, monkeypatch):
    """Have the trials run other code than their own."""

    def replace_by(source):
        command = [sys.executable, "-I", "-S", "-c", source]
        monkeypatch.setattr(standalone, "command", lambda *arguments, **options: command)

    return replace_by


@pytest.mark.parametrize("source", ["", "raise SystemExit(1)", "print('no json')", "1/0"])
def test_a_trial_that_fails_is_no_confinement(trial, source):
    trial(source)
    assert probe().level is Level.REFUSED
    assert probe().failure


def test_a_trial_that_hangs_is_no_confinement(trial, monkeypatch):
    trial("import time; time.sleep(60)")
    monkeypatch.setattr(module, "_SECONDS", 0.2)
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0)
    assert "timed out" in probe().refusal
    assert "try again" in probe().refusal


GOOD = {"seccomp": True, "listener": True, "landlock_abi": 7, "failure": ""}
BUSY = {"failure": "BlockingIOError: [Errno 11] Resource temporarily unavailable", "errno": 11}


@pytest.mark.parametrize("first", [(BUSY, GOOD), (GOOD, BUSY), (BUSY, BUSY)])
def test_a_busy_machine_does_not_pass_for_a_weaker_one(anew, monkeypatch, first):
    answers = iter([first, first, (GOOD, GOOD)])
    monkeypatch.setattr(module, "_try", lambda: tuple(map(dict, next(answers))))
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0)
    assert probe().level is Level.BOTH


def test_what_could_not_be_found_out_is_said_and_tried_again(anew, monkeypatch):
    answers = iter([(GOOD, BUSY)] * 3 + [(GOOD, GOOD)])
    monkeypatch.setattr(module, "_try", lambda: tuple(map(dict, next(answers))))
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0)
    found = probe()
    assert found.level is Level.REFUSED
    assert "Resource temporarily unavailable" in found.refusal
    assert "try again" in doctor.report(found)
    assert probe().level is Level.BOTH


def test_namespaces_that_cannot_be_had_for_good_are_no_reason_to_try_again(anew, monkeypatch):
    none = {"failure": "unshare: [Errno 28] No space left on device", "errno": 28}
    answers = iter([(GOOD, none)])
    monkeypatch.setattr(module, "_try", lambda: tuple(map(dict, next(answers))))
    assert probe().level is Level.LANDLOCK


def test_it_is_found_out_once(anew, monkeypatch):
    first = probe()
    monkeypatch.setattr(subprocess, "Popen", None)
    assert probe() is first


def test_elsewhere_nothing_is_tried(anew, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(subprocess, "Popen", None)
    assert "Darwin" in probe().refusal


@pytest.mark.parametrize("sandbox", ["this user"], indirect=True)
def test_inside_a_run_there_is_no_second_sandbox(sandbox):
    module._probe.cache_clear()
    outcome = sandbox.run(lambda: probe().refusal)
    module._probe.cache_clear()
    assert outcome.value, outcome.text
    assert sys.platform == "linux"
