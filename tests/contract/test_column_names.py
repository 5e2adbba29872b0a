"""Rules N1 to N10: names of columns."""

import doctest

import numpy as np
import pandas as pd
import pytest

from azml_magic.contract import column_names, values_as_tables
from azml_magic.contract.column_names import unique_names
from azml_magic.contract.datasets import prepare_input, prepare_output
from azml_magic.contract.profile import CLASSIC, DESIGNER
from azml_magic.contract.returned_values import ReturnRefused
from azml_magic.errors import InputError

rule = pytest.mark.rule
NAN = float("nan")

BOTH_NAMES = [
    pytest.param([0, 1.5, True], ["0", "1.5", "True"], marks=rule("N1", profile="both")),
    pytest.param([None, NAN], ["None", "nan"], marks=rule("N1", profile="both")),
    pytest.param([("t", 1)], ["('t', 1)"], marks=rule("N1", profile="both")),
    pytest.param([b"x"], ["b'x'"], marks=rule("N1", profile="both")),
    pytest.param(["A", "a"], ["A", "a"], marks=rule("N5", profile="both")),
    pytest.param(["", "b"], ["", "b"], marks=rule("N6", profile="both")),
    pytest.param([" Scored Labels", "a.b"], [" Scored Labels", "a.b"], marks=rule("N1")),
    pytest.param(["\ud800", "größe"], ["\\ud800", "größe"], marks=rule("N1", profile="both")),
]
CLASSIC_NAMES = [
    pytest.param("a a", "a|a (2)", marks=rule("N2", "2.3", profile="classic")),
    pytest.param("a a b a", "a|a (2)|b|a (3)", marks=rule("N2", "2.3", profile="classic")),
    pytest.param([1, "1"], "1|1 (2)", marks=rule("N3", profile="classic")),
    pytest.param(["a", "a (2)", "a"], "a|a (2)|a (3)", marks=rule("N4", profile="classic")),
    pytest.param(["a", "a", "a (2)"], "a|a (3)|a (2)", marks=rule("N4", profile="classic")),
    pytest.param(["a (2)", "a", "a"], "a (2)|a|a (3)", marks=rule("N4", profile="classic")),
    pytest.param(["a (2)", "a (2)"], "a (2)|a (2) (2)", marks=rule("N4", profile="classic")),
    pytest.param(["", ""], "| (2)", marks=rule("N6", profile="classic")),
]
DESIGNER_NAMES = [
    pytest.param("a a", "a|a_0", marks=rule("N2", profile="designer")),
    pytest.param("a a a", "a|a_0|a_1", marks=rule("N2", profile="designer")),
    pytest.param(["1", 1], "1|1_0", marks=rule("N3", profile="designer")),
    pytest.param("a a a_0", "a|a_0|a_0_0", marks=rule("N4", profile="designer")),
    pytest.param("a_0 a a", "a_0|a|a_1", marks=rule("N4", profile="designer")),
    pytest.param(["a", "a (2)", "a"], "a|a (2)|a_0", marks=rule("N4", profile="designer")),
    pytest.param(["", ""], "|_0", marks=rule("N6", profile="designer")),
]


@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
@pytest.mark.parametrize(("labels", "expected"), BOTH_NAMES)
def test_names_are_text(labels, expected, profile):
    assert unique_names(labels, profile) == expected


@pytest.mark.parametrize(("labels", "expected"), CLASSIC_NAMES)
def test_repeated_names_in_classic(labels, expected):
    check(labels, expected, CLASSIC)


@pytest.mark.parametrize(("labels", "expected"), DESIGNER_NAMES)
def test_repeated_names_in_designer(labels, expected):
    check(labels, expected, DESIGNER)


def check(labels, expected, profile):
    labels = labels.split() if isinstance(labels, str) else labels
    assert unique_names(labels, profile) == expected.split("|")


def test_many_equal_names_take_linear_time():
    labels = ["a"] * 20_000
    for profile in (CLASSIC, DESIGNER):
        assert len(set(unique_names(labels, profile))) == len(labels)


@pytest.mark.rule("N1", "N2", "N3", profile="both")
@pytest.mark.parametrize(("profile", "last"), [(CLASSIC, "1 (2)"), (DESIGNER, "1_0")])
def test_each_kind_of_renaming_is_told_once(profile, last):
    frame = pd.DataFrame([[1, 2, 3]], columns=[0, 1, "1"])
    prepared, findings = prepare_output(frame, "output1", profile)
    assert list(prepared.columns) == ["0", "1", last]
    assert [(finding.code, finding.rule) for finding in findings] == [
        ("AZ303", "N1"),
        ("AZ304", "N2"),
    ]
    assert "0 became '0', 1 became '1'" in findings[0].message
    assert last in findings[1].message
    assert list(frame.columns) == [0, 1, "1"]


@pytest.mark.rule("N1", profile="both")
@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_half_of_a_surrogate_pair_is_told(profile):
    frame = pd.DataFrame([[1, 2]], columns=pd.Index(["\ud800", "b"], dtype=object))
    prepared, (finding,) = prepare_output(frame, "output1", profile)
    assert list(prepared.columns) == ["\\ud800", "b"]
    assert finding.code == "AZ303"


@pytest.mark.rule("N10", profile="both")
@pytest.mark.parametrize(("profile", "last"), [(CLASSIC, "a (2)"), (DESIGNER, "a_0")])
def test_a_module_gets_names_that_a_dataset_has(profile, last):
    frame = pd.DataFrame([[1, 2, 3]], columns=[0, "a", "a"])
    prepared, findings = prepare_input(frame, "dataset1", profile)
    assert list(prepared.columns) == ["0", "a", last]
    assert [finding.code for finding in findings] == ["AZ203", "AZ204"]
    assert {finding.port for finding in findings} == {"dataset1"}


@pytest.mark.rule("N7", profile="classic")
def test_several_levels_become_text_in_classic():
    columns = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])
    prepared, _ = prepare_output(pd.DataFrame([[1, 2]], columns=columns), "o", CLASSIC)
    assert list(prepared.columns) == ["('a', 'x')", "('a', 'y')"]


@pytest.mark.rule("N7", profile="designer")
def test_several_levels_are_refused_in_designer():
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    with pytest.raises(ReturnRefused) as raised:
        prepare_output(frame, "output1", DESIGNER)
    assert raised.value.number == "0085"
    with pytest.raises(InputError):
        prepare_input(frame, "dataset1", DESIGNER)


@pytest.mark.rule("N8", profile="both")
@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_the_name_of_the_labels_is_lost(profile):
    frame = pd.DataFrame([[1]], columns=pd.Index(["a"], name="measure"))
    prepared, findings = prepare_output(frame, "output1", profile)
    assert prepared.columns.name is None
    assert [finding.code for finding in findings] == ["AZ305"]


@pytest.mark.rule("N9", profile="designer")
def test_a_reserved_name_is_left_out_in_designer():
    frame = pd.DataFrame({"a": [1], "__index_level_0__": [2], "__index_level_12__": [3]})
    prepared, findings = prepare_output(frame, "output1", DESIGNER)
    assert list(prepared.columns) == ["a"]
    assert [finding.code for finding in findings] == ["AZ314"]
    assert list(prepare_output(frame, "output1", CLASSIC)[0].columns) == list(frame)
    prepared, findings = prepare_output(frame[["__index_level_0__"]], "o", DESIGNER)
    assert prepared.shape == (0, 0)
    assert [finding.code for finding in findings] == ["AZ314", "AZ313"]


@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
@pytest.mark.parametrize(
    "columns",
    [
        pd.date_range("2020-01-01", periods=2),
        pd.CategoricalIndex(["x", "y"]),
        pd.interval_range(0, 2),
        pd.RangeIndex(2),
        pd.Index([1.5, 2.5]),
        pd.Index([np.str_("x"), "y"], dtype=object),
    ],
)
def test_any_kind_of_labels_becomes_text(columns, profile):
    prepared, _ = prepare_output(pd.DataFrame([[1, 2]], columns=columns), "o", profile)
    assert list(map(type, prepared.columns)) == [str, str]


class Nameless:
    """A label without text."""

    def __str__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_a_label_without_text_is_refused(profile):
    frame = pd.DataFrame([[1]], columns=[Nameless()])
    with pytest.raises(ReturnRefused, match="RuntimeError"):
        prepare_output(frame, "output1", profile)
    with pytest.raises(InputError, match="RuntimeError"):
        prepare_input(frame, "dataset1", profile)


@pytest.mark.parametrize("module", [column_names, values_as_tables])
def test_examples(module):
    outcome = doctest.testmod(module)
    assert outcome.attempted
    assert not outcome.failed
