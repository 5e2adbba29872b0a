"""Modules as people write them get the findings that they should, and no others."""

import pytest

from checks.cases import codes
from checks.realistic_modules import MISSED, MODULES


@pytest.mark.parametrize(
    ("profile", "modules", "source", "expected"), MODULES.values(), ids=MODULES
)
def test_a_module_has_the_findings_that_a_reader_expects(profile, modules, source, expected):
    assert sorted(codes(source, profile, bundle_modules=modules)) == expected


def test_what_is_missed_is_known():
    for name, missed in MISSED.items():
        assert not set(missed) & set(MODULES[name][3])


@pytest.mark.parametrize("name", ["ranking", "bundle model", "text", "cross validation", "dates"])
def test_names_of_the_notebook_do_not_disturb_it(name):
    """Names that the module defines itself are its own, whatever the notebook has."""
    profile, modules, source, expected = MODULES[name]
    known = dict.fromkeys(
        ["pd", "np", "plt", "model", "X", "y", "azureml_main", "when"], "Cell In[1]"
    )
    given = {"connected": ["dataset1"], "known_names": known, "bundle_modules": modules}
    assert sorted(codes(source, profile, **given)) == expected
