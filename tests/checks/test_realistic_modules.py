"""Modules as people write them get no findings, and reading is fast."""

import time

import pytest
from realistic_modules import MODULES, RANKING

from azml_magic.checks import check
from azml_magic.contract.profile import get_profile
from azml_magic.module.module import Module


@pytest.mark.parametrize(("profile", "modules", "source"), MODULES.values(), ids=MODULES)
def test_a_good_module_has_no_findings(profile, modules, source):
    module = Module.from_source(source)
    assert check(module, get_profile(profile), bundle_modules=modules) == []


@pytest.mark.parametrize("name", ["ranking", "bundle model", "text", "cross validation", "dates"])
def test_names_of_the_notebook_do_not_disturb_it(name):
    """Names that the module defines itself are its own, whatever the notebook has."""
    profile, modules, source = MODULES[name]
    known = dict.fromkeys(
        ["pd", "np", "plt", "model", "X", "y", "azureml_main", "when"], "Cell In[1]"
    )
    found = check(
        Module.from_source(source),
        get_profile(profile),
        connected=["dataset1"],
        known_names=known,
        bundle_modules=modules,
    )
    assert found == []


def test_a_cell_of_300_lines_takes_less_than_20_ms():
    body = RANKING.split("def azureml_main")[1].split("\n", 1)[1]
    helpers = [
        f"def helper_{number}(dataframe1):\n{body}" for number in range(300 // body.count("\n"))
    ]
    source = RANKING + "\n".join(helpers)
    source = "\n".join(source.split("\n")[:300])
    module = Module.from_source(source)
    seconds = []
    for _ in range(7):
        started = time.perf_counter()
        check(module, get_profile("classic"), known_names={f"name{n}": "" for n in range(500)})
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.020
