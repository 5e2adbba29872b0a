"""Rules I1 to I3: what becomes of an index."""

import datetime

import numpy as np
import pandas as pd
import pytest

from azml_magic.contract.datasets import prepare_input, prepare_output
from azml_magic.contract.profile import CLASSIC, DESIGNER
from azml_magic.contract.returned_values import ReturnRefused
from azml_magic.errors import InputError

WAYS = [(prepare_input, "dataset1", "2"), (prepare_output, "output1", "3")]
KEPT = [
    pd.Index([3, 5, 5]),
    pd.Index(["x", "y", "y"], name="id"),
    pd.date_range("2020-01-01", periods=3, name="when").as_unit("ns"),
    pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["k", None]),
    pd.Index([1.5, np.nan, 2.5]),
]
DROPPED = [
    (pd.Index([3, 5, 5]), "02"),
    (pd.RangeIndex(1, 4), "02"),
    (pd.RangeIndex(3, name="row"), "01"),
    (pd.Index(["x", "y", "y"]), "01"),
    (pd.Index([7, 8, 9], name="id"), "01"),
    (pd.date_range("2020-01-01", periods=3), "01"),
    (pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]), "01"),
    (pd.period_range("2020-01", periods=3, freq="M"), "01"),
]


def framed(index):
    return pd.DataFrame({"a": [1, 2, 3]}, index=index)


@pytest.mark.rule("I1", "I2", "2.14", profile="classic")
@pytest.mark.parametrize(("prepare", "port", "hundred"), WAYS)
@pytest.mark.parametrize(("index", "kind"), DROPPED)
def test_classic_numbers_rows_from_0(index, kind, prepare, port, hundred):
    frame = framed(index)
    prepared, findings = prepare(frame, port, CLASSIC)
    assert prepared.index.equals(pd.RangeIndex(3))
    assert prepared.index.names == [None]
    assert [finding.code for finding in findings] == [f"AZ{hundred}{kind}"]
    assert findings[0].port == port
    assert frame.index is index


@pytest.mark.rule("I1", "I2", profile="classic")
@pytest.mark.parametrize(("prepare", "port", "hundred"), WAYS)
@pytest.mark.parametrize("index", [pd.RangeIndex(3), pd.Index([0, 1, 2])])
def test_row_numbers_are_no_change(index, prepare, port, hundred):
    prepared, findings = prepare(framed(index), port, CLASSIC)
    assert findings == []
    assert list(prepared.index) == [0, 1, 2]


@pytest.mark.rule("I1", "I2", "2.14", profile="designer")
@pytest.mark.parametrize(("prepare", "port", "hundred"), WAYS)
@pytest.mark.parametrize("index", KEPT)
def test_designer_keeps_an_index(index, prepare, port, hundred):
    prepared, findings = prepare(framed(index), port, DESIGNER)
    pd.testing.assert_index_equal(prepared.index, index)
    assert findings == []


@pytest.mark.rule("I3", profile="designer")
@pytest.mark.parametrize(
    ("index", "labels", "told"),
    [
        (pd.RangeIndex(3), [0, 1, 2], False),
        (pd.RangeIndex(3, name="row"), [0, 1, 2], True),
        (pd.RangeIndex(2, 8, 2), [2, 4, 6], False),
        (pd.Index([1, "x", 2.5], dtype=object), [0, 1, 2], True),
        (pd.Index(["x", 1.5, 2.5], dtype=object), [0, 1, 2], True),
        (pd.Index([7, True, None], dtype=object), [0, 1, 2], True),
    ],
)
def test_designer_stores_an_index_in_its_way(index, labels, told):
    prepared, findings = prepare_output(framed(index), "output1", DESIGNER)
    assert list(prepared.index) == labels
    assert prepared.index.dtype == "int64"
    assert prepared.index.name is None
    assert [finding.code for finding in findings] == (["AZ315"] if told else [])


@pytest.mark.rule("I3", profile="designer")
def test_a_stepped_range_comes_back_as_numbers():
    prepared, _ = prepare_output(framed(pd.RangeIndex(2, 8, 2, name="n")), "o", DESIGNER)
    assert not isinstance(prepared.index, pd.RangeIndex)
    assert prepared.index.name == "n"


@pytest.mark.rule("I2", profile="designer")
def test_names_of_levels_are_text():
    index = pd.MultiIndex.from_tuples([(1, 2), (1, 3), (2, 2)], names=[0, ("a", 1)])
    prepared, _ = prepare_output(framed(index), "output1", DESIGNER)
    assert list(prepared.index.names) == ["0", "('a', 1)"]
    assert index.names == [0, ("a", 1)]


@pytest.mark.rule("I2", "C6", "C16", profile="designer")
def test_levels_follow_the_rules_of_columns():
    index = pd.MultiIndex.from_arrays(
        [pd.array([1, None, 3], "Int64"), pd.Categorical(["u", "v", "u"])], names=["n", "c"]
    )
    prepared, _ = prepare_output(framed(index), "output1", DESIGNER)
    assert prepared.index.get_level_values("n").dtype == "float64"
    assert prepared.index.get_level_values("c").tolist() == ["u", "v", "u"]
    single = pd.Index(pd.array([1, None, 3], "Int64"), name="n")
    prepared, (finding,) = prepare_output(framed(single), "output1", DESIGNER)
    assert prepared.index.dtype == "float64"
    assert prepared.index.name == "n"
    assert finding.code == "AZ309"
    assert finding.message.endswith("the index 'n'")
    _, (finding,) = prepare_output(framed(single.rename(None)), "output1", DESIGNER)
    assert finding.message.endswith(": the index")
    dates = pd.Index([datetime.date(2020, 1, day) for day in (1, 2, 3)], dtype=object)
    prepared, _ = prepare_output(framed(dates), "output1", DESIGNER)
    assert prepared.index.tolist() == dates.tolist()


@pytest.mark.rule("I2", "C29", profile="designer")
def test_an_index_that_cannot_be_stored_is_refused():
    frame = framed(pd.period_range("2020-01", periods=3, freq="M"))
    with pytest.raises(ReturnRefused, match="output1: the index holds periods") as raised:
        prepare_output(frame, "output1", DESIGNER)
    assert raised.value.number == "0018"
    with pytest.raises(InputError, match="dataset1: the index holds periods"):
        prepare_input(frame, "dataset1", DESIGNER)
