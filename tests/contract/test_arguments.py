"""Rules A1 to A12: which arguments azureml_main is called with."""

import functools

import pandas as pd
import pytest

from azml_magic.contract.arguments import call_arguments
from azml_magic.contract.profile import CLASSIC, DESIGNER

rule = pytest.mark.rule
ONE, TWO = pd.DataFrame({"one": [1]}), pd.DataFrame({"two": [2]})
NOTHING, FIRST, SECOND = {}, {"dataset1": ONE}, {"dataset2": TWO}
BOTH = {"dataset1": ONE, "dataset2": TWO}


def called(source, datasets, profile):
    """Define the function, call it, and return what it saw, in words."""
    namespace = {}
    exec(source, namespace)
    function = namespace["azureml_main"]
    return function(*call_arguments(function, datasets, profile))


def seen(*values):
    return tuple(next(iter(v)) if isinstance(v, pd.DataFrame) else v for v in values)


def function(parameters, names=None):
    names = parameters if names is None else names
    return f"def azureml_main({parameters}): return ({names}{',' if names else ''})"


CLASSIC_CALLS = [
    pytest.param("a, b", BOTH, ("one", "two"), marks=rule("A1", "A5", profile="classic")),
    pytest.param("", NOTHING, (), marks=rule("A2", profile="classic")),
    pytest.param("a='x'", NOTHING, ("x",), marks=rule("A2", "A6", profile="classic")),
    pytest.param("a", NOTHING, TypeError, marks=rule("A2", profile="classic")),
    pytest.param("a, b=None", FIRST, ("one", None), marks=rule("A3", profile="classic")),
    pytest.param("a, b", FIRST, TypeError, marks=rule("A3", profile="classic")),
    pytest.param("a", SECOND, ("two",), marks=rule("A4", profile="classic")),
    pytest.param("a, b=None", SECOND, ("two", None), marks=rule("A4", profile="classic")),
    pytest.param("a", BOTH, TypeError, marks=rule("A5", profile="classic")),
    pytest.param("a, b='y'", FIRST, ("one", "y"), marks=rule("A6", profile="classic")),
    pytest.param("a, b, c", BOTH, TypeError, marks=rule("A7", profile="classic")),
    pytest.param("a, b, c=3", BOTH, ("one", "two", 3), marks=rule("A7", profile="classic")),
    pytest.param("stop_words", FIRST, ("one",), marks=rule("A12", profile="classic")),
    pytest.param("frame1, BikeShare", BOTH, ("one", "two"), marks=rule("A12", profile="classic")),
]

DESIGNER_CALLS = [
    pytest.param("", BOTH, (), marks=rule("A1", "A2", profile="designer")),
    pytest.param("a", BOTH, ("one",), marks=rule("A1", "A5", profile="designer")),
    pytest.param("a, b", BOTH, ("one", "two"), marks=rule("A1", "A5", profile="designer")),
    pytest.param("a", NOTHING, (None,), marks=rule("A2", profile="designer")),
    pytest.param("a, b", NOTHING, (None, None), marks=rule("A2", profile="designer")),
    pytest.param("a, b", FIRST, ("one", None), marks=rule("A3", profile="designer")),
    pytest.param("a", FIRST, ("one",), marks=rule("A3", profile="designer")),
    pytest.param("a, b", SECOND, (None, "two"), marks=rule("A4", profile="designer")),
    pytest.param("a", SECOND, (None,), marks=rule("A4", profile="designer")),
    pytest.param("a='x', b='y'", NOTHING, (None, None), marks=rule("A6", profile="designer")),
    pytest.param("a, b, c", BOTH, TypeError, marks=rule("A7", profile="designer")),
    pytest.param("a, b, c='z'", BOTH, ("one", "two", "z"), marks=rule("A7", profile="designer")),
    pytest.param("stop_words", FIRST, ("one",), marks=rule("A12", profile="designer")),
]


@pytest.mark.parametrize(("parameters", "datasets", "expected"), CLASSIC_CALLS)
def test_classic_gives_connected_ports(parameters, datasets, expected):
    check(parameters, datasets, CLASSIC, expected)


@pytest.mark.parametrize(("parameters", "datasets", "expected"), DESIGNER_CALLS)
def test_designer_fills_declared_parameters(parameters, datasets, expected):
    check(parameters, datasets, DESIGNER, expected)


def check(parameters, datasets, profile, expected):
    names = ", ".join(part.split("=")[0] for part in parameters.split(", ") if part)
    source = function(parameters, names)
    if expected is TypeError:
        with pytest.raises(TypeError, match="azureml_main"):
            called(source, datasets, profile)
    else:
        assert seen(*called(source, datasets, profile)) == expected


@pytest.mark.rule("A8", profile="classic")
@pytest.mark.parametrize(("datasets", "count"), [(NOTHING, 0), (SECOND, 1), (BOTH, 2)])
def test_star_takes_all_connected_frames_in_classic(datasets, count):
    assert len(called("def azureml_main(*a): return a", datasets, CLASSIC)) == count


@pytest.mark.rule("A8", profile="designer")
def test_star_is_one_parameter_in_designer():
    assert seen(*called("def azureml_main(*a): return a", BOTH, DESIGNER)) == ("one",)
    source = "def azureml_main(a, b, *rest): return rest"
    assert called(source, BOTH, DESIGNER) == ()


@pytest.mark.rule("A9", profile="classic")
@pytest.mark.parametrize("parameters", ["**k", "*, k=1"])
def test_keywords_only_take_no_frame_in_classic(parameters):
    source = f"def azureml_main({parameters}): return 'called'"
    assert called(source, NOTHING, CLASSIC) == "called"
    with pytest.raises(TypeError):
        called(source, FIRST, CLASSIC)


@pytest.mark.rule("A9", profile="designer")
@pytest.mark.parametrize("parameters", ["**k", "*, k=1", "*, k"])
@pytest.mark.parametrize("datasets", [NOTHING, FIRST, BOTH])
def test_keywords_only_fail_in_designer(parameters, datasets):
    with pytest.raises(TypeError):
        called(f"def azureml_main({parameters}): pass", datasets, DESIGNER)


@pytest.mark.rule("A10", profile="both")
@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
@pytest.mark.parametrize(
    "source",
    [
        "azureml_main = lambda a: (a,)",
        "def azureml_main(a, b, c): pass\ndef azureml_main(a): return (a,)",
        "class Runner:\n    def __call__(self, a): return (a,)\nazureml_main = Runner()",
        "class Runner:\n    def run(self, a): return (a,)\nazureml_main = Runner().run",
    ],
)
def test_any_callable_will_do(source, profile):
    assert seen(*called(source, FIRST, profile)) == ("one",)


@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_a_partial_and_a_function_that_does_not_tell(profile):
    partial = functools.partial(lambda fixed, a, b=None: None, 1)
    assert len(call_arguments(partial, BOTH, profile)) == 2
    assert len(call_arguments(print, BOTH, profile)) >= 1
    assert len(call_arguments(max, BOTH, profile)) == 2
    vars(partial)["__signature__"] = "no signature"
    assert len(call_arguments(partial, BOTH, profile)) == 2
