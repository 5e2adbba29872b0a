"""Rules R1 to R16: what azureml_main may return, and where it goes."""

import collections

import numpy as np
import pandas as pd
import pytest
from support.cells import cells

from azml_magic.contract.datasets import prepare_output
from azml_magic.contract.profile import CLASSIC, DESIGNER
from azml_magic.contract.returned_values import ReturnRefused, collect_outputs

rule = pytest.mark.rule
ONE, TWO, THREE = (pd.DataFrame({name: [1, 2]}) for name in ("one", "two", "three"))
Pair = collections.namedtuple("Pair", "first second")


class Special(pd.DataFrame):
    """A subclass, as geopandas and others have."""


def objects(*items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def ports(returned, profile):
    """Return which of the frames came to which port, and the codes of findings."""
    frames, findings = collect_outputs(returned, profile)
    assert len(frames) == 2
    names = [None if frame is None else next(iter(frame)) for frame in frames]
    return names, [finding.code for finding in findings]


CLASSIC_RETURNS = [
    pytest.param((ONE,), ["one", None], [], marks=rule("R1", "R3", profile="classic")),
    pytest.param(ONE, ["one", None], [], marks=rule("R2", "2.1", profile="classic")),
    pytest.param([ONE], ["one", None], ["AZ332"], marks=rule("R4", "2.2", profile="classic")),
    pytest.param(objects(ONE), ["one", None], [], marks=rule("R5", "2.6", profile="classic")),
    pytest.param((ONE, TWO), ["one", None], ["AZ331"], marks=rule("R6", "2.5", profile="classic")),
    pytest.param((ONE, TWO, THREE), ["one", None], ["AZ331"], marks=rule("R7", profile="classic")),
    pytest.param((ONE, "x"), ["one", None], ["AZ331"], marks=rule("R6", profile="classic")),
    pytest.param(None, [None, None], ["AZ330"], marks=rule("R9", "2.4", profile="classic")),
    pytest.param((ONE, None), ["one", None], [], marks=rule("R10", profile="classic")),
    pytest.param(Pair(ONE, None), ["one", None], [], marks=rule("R13", profile="classic")),
    pytest.param(Special(ONE), ["one", None], [], marks=rule("R13", profile="classic")),
]

CLASSIC_REFUSALS = [
    pytest.param((), marks=rule("R8", profile="classic")),
    pytest.param([], marks=rule("R8", profile="classic")),
    pytest.param(objects(), marks=rule("R8", profile="classic")),
    pytest.param((None, ONE), marks=rule("R10", profile="classic")),
    pytest.param((None,), marks=rule("R10", profile="classic")),
    pytest.param(np.array([ONE]), marks=rule("R5", "2.6", profile="classic")),
    pytest.param(np.arange(3), marks=rule("R11", profile="classic")),
    pytest.param(pd.Series([1]), marks=rule("R11", profile="classic")),
    pytest.param({"a": [1]}, marks=rule("R11", profile="classic")),
    pytest.param({}, marks=rule("R11", profile="classic")),
    pytest.param(42, marks=rule("R11", profile="classic")),
    pytest.param(np.int32(4), marks=rule("R11", profile="classic")),
    pytest.param("text", marks=rule("R11", profile="classic")),
    pytest.param([1, 2], marks=rule("R11", profile="classic")),
    pytest.param((1, "x"), marks=rule("R12", profile="classic")),
    pytest.param((x for x in [ONE]), marks=rule("R11", profile="classic")),
    pytest.param(print, marks=rule("R11", profile="classic")),
]

DESIGNER_RETURNS = [
    pytest.param((ONE,), ["one", None], [], marks=rule("R1", "R3", profile="designer")),
    pytest.param(ONE, ["one", None], [], marks=rule("R1", "R2", profile="designer")),
    pytest.param((ONE, TWO), ["one", "two"], [], marks=rule("R6", profile="designer")),
    pytest.param(
        (ONE, TWO, THREE), ["one", "two"], ["AZ331"], marks=rule("R7", profile="designer")
    ),
    pytest.param(None, [None, None], ["AZ330"], marks=rule("R9", "2.4", profile="designer")),
    pytest.param((None, ONE), [None, "one"], [], marks=rule("R10", profile="designer")),
    pytest.param((ONE, None), ["one", None], [], marks=rule("R10", profile="designer")),
    pytest.param(
        (1, "x"), ["column", "column"], ["AZ333"] * 2, marks=rule("R12", profile="designer")
    ),
    pytest.param(Pair(ONE, TWO), ["one", "two"], [], marks=rule("R13", profile="designer")),
    pytest.param(Special(ONE), ["one", None], [], marks=rule("R13", profile="designer")),
    pytest.param((ONE, ONE), ["one", "one"], [], marks=rule("R16", profile="designer")),
]

# (returned, names of the columns, cells by row)
DESIGNER_TABLES = [
    (pd.Series([1, 2], name="s"), ["s"], [[1], [2]]),
    (pd.Series([1, 2]), ["column"], [[1], [2]]),
    ({"a": [1, 2], "b": ["x", "y"]}, ["a", "b"], [[1, "x"], [2, "y"]]),
    ({}, [], []),
    (7, ["column"], [[7]]),
    (2.5, ["column"], [[2.5]]),
    ("text", ["column"], [["text"]]),
    (b"raw", ["column"], [[b"raw"]]),
    (True, ["column"], [[True]]),
    (float("nan"), ["column"], [["<NaN>"]]),
    (np.float32(0.5), ["column"], [[0.5]]),
    ([1, 2], ["column"], [[1], [2]]),
    (["x", "y"], ["column"], [["x"], ["y"]]),
    ([], ["column"], []),
    ([(1,), (2,)], ["column"], [[1], [2]]),
    ([{"column": 1}, {"column": 2}], ["column"], [[1], [2]]),
    (np.array([1, 2]), ["column"], [[1], [2]]),
    (np.array([[1, 2], [3, 4]]), ["column_0", "column_1"], [[1, 2], [3, 4]]),
    (np.array([[1], [2]]), ["column"], [[1], [2]]),
]

DESIGNER_REFUSALS = [
    pytest.param([ONE], "0085", marks=rule("R4", "2.2", profile="designer")),
    pytest.param((), "0085", marks=rule("R8", profile="designer")),
    pytest.param({"a": 1}, "0085", marks=rule("R11", profile="designer")),
    pytest.param({"a": [1], "b": [1, 2]}, "0085", marks=rule("R11", profile="designer")),
    pytest.param([(1, 2)], "0085", marks=rule("R11", profile="designer")),
    pytest.param([{"other": 1}], "0085", marks=rule("R11", profile="designer")),
    pytest.param(np.array(1), "0085", marks=rule("R11", profile="designer")),
    pytest.param(np.zeros((2, 2, 2)), "0085", marks=rule("R11", profile="designer")),
    pytest.param({1, 2}, "0085", marks=rule("R11", profile="designer")),
    pytest.param((x for x in [1]), "0085", marks=rule("R11", profile="designer")),
    pytest.param(pd.Index([1]), "0085", marks=rule("R11", profile="designer")),
    pytest.param(print, "0085", marks=rule("R11", profile="designer")),
    pytest.param((ONE, {1}), "0085", marks=rule("R12", profile="designer")),
    pytest.param(objects(ONE), "0018", marks=rule("R5", profile="designer")),
]


@pytest.mark.parametrize(("returned", "expected", "codes"), CLASSIC_RETURNS)
def test_classic_takes_one_frame(returned, expected, codes):
    assert ports(returned, CLASSIC) == (expected, codes)


@pytest.mark.parametrize(
    ("profile", "which"),
    [
        pytest.param(CLASSIC, "R6", marks=rule("R6", profile="classic")),
        pytest.param(DESIGNER, "R7", marks=rule("R7", profile="designer")),
    ],
)
def test_what_has_no_port_is_counted(profile, which):
    _, (finding,) = collect_outputs((ONE, TWO, THREE, None), profile)
    count = 2 if which == "R6" else 1
    assert finding.message.startswith(f"azureml_main returned {count} more than")
    assert finding.rule == which


@pytest.mark.parametrize("returned", CLASSIC_REFUSALS)
def test_classic_refuses_everything_else(returned):
    with pytest.raises(ReturnRefused) as raised:
        collect_outputs(returned, CLASSIC)
    assert raised.value.number == "0085"
    assert raised.value.hint
    assert "\n" not in raised.value.message
    assert raised.value.message.startswith("azureml_main returned ")


@pytest.mark.rule("R5", "R8", "R10", "R11", profile="classic")
@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (np.arange(3), "an array of int64 values, not a frame"),
        (np.arange(0), "an array of int64 values, not a frame"),
        (objects(), "an empty ndarray"),
        ((), "an empty tuple"),
        ((None, ONE), "a tuple that begins with None, not a frame"),
        ([1], "a list that begins with an int, not a frame"),
        (42, "an int, not a frame"),
    ],
)
def test_classic_says_what_was_returned(returned, words):
    with pytest.raises(ReturnRefused, match=f"^azureml_main returned {words}$"):
        collect_outputs(returned, CLASSIC)


@pytest.mark.parametrize(("returned", "expected", "codes"), DESIGNER_RETURNS)
def test_designer_takes_up_to_two(returned, expected, codes):
    assert ports(returned, DESIGNER) == (expected, codes)


@pytest.mark.rule("R11", profile="designer")
@pytest.mark.parametrize(("returned", "names", "rows"), DESIGNER_TABLES)
def test_designer_makes_tables_of_values(returned, names, rows):
    (table, second), findings = collect_outputs(returned, DESIGNER)
    assert second is None
    assert list(table.columns) == names
    assert [cells(row) for _, row in table.astype(object).iterrows()] == rows
    assert [finding.code for finding in findings] == ["AZ333"]


@pytest.mark.rule("R11", profile="designer")
def test_designer_makes_an_index_of_inner_keys():
    (table, _), _ = collect_outputs({"a": {"x": 1, "y": 2}}, DESIGNER)
    assert table is not None
    assert list(table.index) == ["x", "y"]
    assert table["a"].tolist() == [1, 2]


@pytest.mark.rule("R8", "R11", "R12", profile="designer")
@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ((), "an empty tuple"),
        ([ONE], "a list of frames"),
        ([{"other": 1}], "a list of dicts"),
        ([{"column": 1, "other": 1}], "a list of dicts"),
        (np.zeros((2, 2, 2)), "an array of 3 dimensions"),
        (np.array(1), "an array of 0 dimensions"),
        ({1}, "a set, which cannot be made into a table"),
        ({"a": 1}, "a dict that cannot be made into a table: 'If using all scalar values, .*"),
    ],
)
def test_designer_says_what_was_returned(returned, words):
    with pytest.raises(ReturnRefused, match=f"^azureml_main returned {words}$"):
        collect_outputs(returned, DESIGNER)


def written(returned):
    frames, _ = collect_outputs(returned, DESIGNER)
    return [prepare_output(frame, "output1", DESIGNER) for frame in frames if frame is not None]


@pytest.mark.parametrize(("returned", "number"), DESIGNER_REFUSALS)
def test_designer_refuses_the_rest(returned, number):
    with pytest.raises(ReturnRefused) as raised:
        written(returned)
    assert raised.value.number == number
    assert raised.value.hint
    assert "\n" not in raised.value.message


@pytest.mark.rule("R9", profile="both")
def test_nothing_returned_weighs_more_in_classic():
    assert collect_outputs(None, CLASSIC)[1][0].level == "warning"
    assert collect_outputs(None, DESIGNER)[1][0].level == "note"
    for profile in (CLASSIC, DESIGNER):
        assert collect_outputs(None, profile)[1][0].port == "output1"


@pytest.mark.rule("R14", profile="both")
@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_zero_rows_keep_names_and_types(profile):
    frame = pd.DataFrame({"a": pd.Series([], dtype="int64"), "b": pd.Series([], dtype=object)})
    prepared, findings = prepare_output(frame, "output1", profile)
    assert findings == []
    assert prepared.shape == (0, 2)
    assert prepared.dtypes.tolist() == frame.dtypes.tolist()


@pytest.mark.rule("R15", profile="both")
@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_zero_columns_have_no_rows(profile):
    prepared, findings = prepare_output(pd.DataFrame(index=[5, 6]), "output1", profile)
    assert prepared.shape == (0, 0)
    assert [finding.code for finding in findings] == ["AZ313"]
    assert prepare_output(pd.DataFrame(), "output1", profile)[1] == []


@pytest.mark.rule("R13", profile="both")
@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_a_subclass_becomes_a_plain_frame(profile):
    prepared, _ = prepare_output(Special(ONE), "output1", profile)
    assert type(prepared) is pd.DataFrame


class Hostile(tuple[object, ...]):
    """A tuple whose own code fails."""

    def __iter__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
@pytest.mark.parametrize("returned", [{"a": Hostile([1])}, [Hostile([1])]])
def test_a_value_with_failing_code_is_refused(returned, profile):
    with pytest.raises(ReturnRefused):
        collect_outputs(returned, profile)


@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_the_code_of_a_sequence_is_not_run(profile):
    assert ports(Hostile([ONE]), profile) == (["one", None], [])
