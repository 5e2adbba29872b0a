"""Other machines than this one, simulated: what the doctor says there, and what a run does.

A kernel without a mechanism is one whose system calls answer that they do not exist; an older
Landlock is one that says so, which a copy of the package is made to believe.
"""

import json

import pytest
from support import ordinary_user

from azml_magic.sandbox.probe import probe

SOURCE = """
import json
import azml_magic
from azml_magic import api
found = api.machine()
said = {"level": int(found.level), "report": api.machine_report(found)}
for confinement in ("strongest", "files-open") if found.refusal else ("strongest",):
    try:
        result = azml_magic.run("def azureml_main(): print(1)", confinement=confinement)
        said[confinement] = result.confinement
    except azml_magic.AzmlError as error:
        said[confinement] = f"{type(error).__name__}: {error}"
print(json.dumps(said))
"""


def landlock(version):
    return (
        "sandbox/landlock.py",
        f"_found = abi\n\n\ndef abi():\n    return min(_found(), {version})",
    )


def kernel(release):
    return "sandbox/probe.py", f"platform.release = lambda: {release!r}"


MACHINES = {
    "this one": ([], "none", 2),
    "5.10 without namespaces": ([kernel("5.10.0")], "neither", 4),
    "5.10": ([kernel("5.10.0")], "no-landlock", 3),
    "5.15": ([kernel("5.15.0"), landlock(1)], "no-namespaces", 1),
    "6.2": ([kernel("6.2.0"), landlock(3)], "no-namespaces", 1),
    "6.8": ([kernel("6.8.0"), landlock(4)], "no-namespaces", 1),
    "Docker": ([], "docker", 1),
    "an old Docker": ([], "old-docker", 4),
    # Any folder is a place to build a run's view from: a machine without /tmp is no weaker one.
    "no /tmp": ([("sandbox/namespaces.py", "_STAGES = ('/none', '/usr')")], "none", 2),
    "no /tmp, no /run, no /usr": ([("sandbox/namespaces.py", "_STAGES = ('/proc',)")], "none", 2),
    "no filter": ([], "no-seccomp", 4),
    "macOS": ([("sandbox/probe.py", "platform.system = lambda: 'Darwin'")], "none", 4),
}


ORDINARY = ("this one", "5.10", "5.15", "Docker")
CASES = [(name, None) for name in MACHINES] + [(name, ordinary_user.NOBODY) for name in ORDINARY]


@pytest.mark.parametrize(("name", "user"), CASES)
def test_a_machine_gets_its_level_and_its_words(name, user):
    edits, outer, level = MACHINES[name]
    if level == 2:
        level = int(probe().level)
    with ordinary_user.prepared(user=user, edits=edits, outer=outer) as run:
        done = run(SOURCE)
    said = json.loads(done.stdout)
    assert said["level"] == level, said
    if level != 4:
        assert said["strongest"] in said["report"]
        return
    assert "Runs are refused" in said["report"]
    assert said["strongest"].startswith("SandboxUnavailable: ")
    filtered = name not in {"no filter", "macOS"}
    assert ("FILES ARE OPEN" in said["files-open"]) == filtered
    assert filtered or said["files-open"].startswith("SandboxUnavailable: ")
