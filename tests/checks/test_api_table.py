"""The table of API changes against the packages that are installed: it states facts."""

import importlib
import inspect

import numpy as np
import pandas as pd
import pytest

from azml_magic.checks.api_table import (
    FREQUENCIES,
    KEYWORDS,
    METHODS,
    NAMES,
    NEW_FREQUENCIES,
    NUMPY_KEYWORDS,
    OLD_FREQUENCIES,
    POSITIONS,
)
from azml_magic.checks.runtimes import as_version, distribution
from azml_magic.protocol.interpreter import Interpreter

PANDAS = as_version(pd.__version__)


def is_there(since, until, version):
    return (not since or version >= as_version(since)) and (
        not until or version < as_version(until)
    )


def resolves(name):
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        try:
            for part in parts[count:]:
                found = getattr(found, part)
        except (AttributeError, ImportError):
            return False
        return True
    return False


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_there_in_its_versions_only(name):
    package = name.split(".")[0]
    version = Interpreter.here().version_of(distribution(package))
    if not version:
        pytest.skip(f"{package} is not installed")
    since, until, _ = NAMES[name]
    assert resolves(name) == is_there(since, until, as_version(version))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_there_in_its_versions_only(name):
    dates = pd.Series(pd.to_datetime(["2000-01-01"]))
    groups = pd.DataFrame({"a": [1]}).groupby("a")
    places = [pd.DataFrame, pd.Series, dates.dt, groups]
    # An index and groups keep some methods that frames have lost.
    if name in {"append", "mad", "sort", "view"}:
        places = [pd.DataFrame, pd.Series]
    _, since, until, _ = METHODS[name]
    assert any(hasattr(place, name) for place in places) == is_there(since, until, PANDAS)


@pytest.mark.parametrize(("function", "keyword"), [one for one in KEYWORDS if one[1] != "*"])
def test_a_keyword_is_there_in_its_versions_only(function, keyword):
    is_numpy = function in NUMPY_KEYWORDS
    places = [np] if is_numpy else [pd, pd.DataFrame, pd.Series]
    version = as_version(np.__version__) if is_numpy else PANDAS
    since, until, _ = KEYWORDS[function, keyword]
    known = [
        keyword in inspect.signature(getattr(place, function)).parameters
        for place in places
        if hasattr(place, function)
    ]
    assert any(known) == is_there(since, until, version)


@pytest.mark.parametrize("function", POSITIONS)
def test_arguments_by_position_are_refused(function):
    most, until, _ = POSITIONS[function]
    if as_version(until) > PANDAS:
        pytest.skip("this pandas still takes them")
    place = pd if function == "concat" else pd.DataFrame
    given = [*range(most + 1)] if place is pd else [pd.DataFrame(), *range(most + 1)]
    with pytest.raises(TypeError, match="positional argument"):
        getattr(place, function)(*given)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(OLD_FREQUENCIES | NEW_FREQUENCIES))
def test_a_period_is_known_in_its_versions_only(name):
    since, until = FREQUENCIES
    known = is_there("", until, PANDAS) if name in OLD_FREQUENCIES else is_there(since, "", PANDAS)
    if known:
        assert len(pd.date_range("2000-01-01", periods=2, freq=name)) == 2
    else:
        with pytest.raises(ValueError, match="frequency"):
            pd.date_range("2000-01-01", periods=2, freq=name)
