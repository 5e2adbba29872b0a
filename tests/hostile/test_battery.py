"""Every hostile snippet in a real run, against a canary: nothing escapes, nothing is harmed.

The whole of it at the level that this machine gives, as the user of the tests and as an
ordinary one; at the other levels the groups that they make a difference to. ``table.py``
runs all of it everywhere.
"""

import os
import sys
from collections import Counter

import pytest
from support import variants
from support.ordinary_user import NOBODY

from azml_magic.sandbox.probe import probe

if sys.platform != "linux":
    collect_ignore_glob = ["*"]
# Some two hundred runs, one after the other.
pytestmark = pytest.mark.timeout(3600)

FILES = ("reading", "writing", "metadata")
REACHING = (*FILES, "network", "processes", "privileges", "kernel", "leftovers")
CASES = {
    "level 1": REACHING,
    "level 3": REACHING,
    "Landlock ABI 1": (*FILES, "processes"),
    "Landlock ABI 4": ("network", "processes"),
    "Docker": ("network", "processes", "privileges"),
}


def check(name, user, *groups, at_least):
    found = variants.run_battery(name, user, *groups)
    touched = [one for one in found["verdicts"] if one["verdict"] in {"escaped", "harmed"}]
    assert touched == []
    assert len(found["verdicts"]) >= at_least
    return found


@pytest.mark.parametrize("user", [None, NOBODY], ids=["this user", "ordinary user"])
def test_nothing_escapes_at_the_level_of_this_machine(user):
    if user is not None and os.getuid() != 0:
        pytest.skip("the user of the tests is an ordinary one")
    found = check("level 2", user, at_least=150)
    assert found["level"] == probe().level
    if found["level"] != 1:
        # What level 1 cannot hide is hidden.
        hidden = Counter(one["verdict"] for one in found["verdicts"] if one["group"] == "metadata")
        assert hidden["documented"] == 0


@pytest.mark.parametrize("name", CASES)
def test_nothing_escapes_at_another_level(name):
    variant = variants.VARIANTS[name]
    if variant.level == 3 and not probe().namespaces:
        pytest.skip("there are no namespaces here")
    found = check(name, NOBODY, *CASES[name], at_least=50)
    assert found["level"] == variant.level


@pytest.mark.parametrize("name", ["level 1", "level 3"])
def test_nothing_is_written_at_another_level_whoever_runs_it(name):
    """Root owns the settings of the machine: no capability is needed to write to them."""
    if variants.VARIANTS[name].level == 3 and not probe().namespaces:
        pytest.skip("there are no namespaces here")
    check(name, None, "writing", at_least=20)


def test_the_battery_can_fail():
    """Without the confinement, in a copy of the package, most of it gets through."""
    found = variants.run_battery("nothing", NOBODY, "harmless", "network", "reading")
    verdicts = Counter(one["verdict"] for one in found["verdicts"])
    assert verdicts["escaped"] + verdicts["harmed"] > 40, verdicts
