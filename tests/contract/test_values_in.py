"""Rules V1 to V11: what a module gets for the columns of a notebook's frame."""

import datetime
import decimal
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.cells import NAN, NAT, cells, typed

from azml_magic.contract.datasets import prepare_input
from azml_magic.contract.profile import CLASSIC, DESIGNER, rules_of
from azml_magic.errors import InputError
from azml_magic.protocol.options import Options

rule = pytest.mark.rule
DAY, NOON = datetime.date(2020, 1, 2), datetime.time(12)
STAMP, SPAN = pd.Timestamp("2015-03-13"), pd.Timedelta(days=1, hours=2)


def objects(*items):
    array = np.empty(len(items), dtype=object)
    for row, item in enumerate(items):
        array[row] = item
    return pd.Series(array, dtype=object)


def dates(*texts, unit="ns", tz=None):
    stamps = pd.DatetimeIndex(np.array([text or "NaT" for text in texts], f"M8[{unit}]"))
    return pd.Series(stamps if tz is None else stamps.tz_localize(tz))


# (column, dtype that the module sees, cells, codes)
BOTH = [
    pytest.param(pd.Series([1, 2]), "int64", [1, 2], [], marks=rule("V1", "2.8")),
    pytest.param(pd.Series([1], dtype="int16"), "int16", [1], [], marks=rule("V1")),
    pytest.param(pd.Series([2**40]), "int64", [2**40], [], marks=rule("V1", "2.8")),
    pytest.param(pd.Series([1], dtype=">i8"), "int64", [1], [], marks=rule("V1")),
    pytest.param(pd.Series([1.5, np.inf]), "float64", [1.5, np.inf], [], marks=rule("V2", "C5")),
    pytest.param(pd.Series([1.5, np.nan]), "float64", [1.5, NAN], [], marks=rule("V2")),
    pytest.param(pd.Series([0.5], dtype="float32"), "float32", [0.5], [], marks=rule("V2")),
    pytest.param(pd.Series([0.5], dtype="float16"), "float64", [0.5], ["11"], marks=rule("V2")),
    pytest.param(
        pd.Series([1, None], dtype="Int64"), "float64", [1.0, NAN], ["09"], marks=rule("V3")
    ),
    pytest.param(pd.Series([1, 2], dtype="Int32"), "int32", [1, 2], [], marks=rule("V1")),
    pytest.param(objects(1, None), "float64", [1.0, NAN], ["09"], marks=rule("V3")),
    pytest.param(objects(1, 2), "int64", [1, 2], [], marks=rule("V1")),
    pytest.param(objects(1.5, pd.NA), "float64", [1.5, NAN], [], marks=rule("V2")),
    pytest.param(objects("x", "y"), "object", ["x", "y"], [], marks=rule("V4", "2.17")),
    pytest.param(objects("x", None), "object", ["x", None], [], marks=rule("V5", "2.11")),
    pytest.param(
        objects("NA", "nan", "None", ""),
        "object",
        ["NA", "nan", "None", ""],
        [],
        marks=rule("V6"),
    ),
    pytest.param(objects(None, np.nan), "object", [None, None], [], marks=rule("V5", "2.11")),
    pytest.param(objects(pd.NaT, pd.NA), "object", [None, None], [], marks=rule("V5")),
    pytest.param(pd.Series([True, False]), "bool", [True, False], [], marks=rule("V7")),
    pytest.param(objects(True, False), "bool", [True, False], [], marks=rule("V7")),
    pytest.param(objects(True, None), "object", [True, None], [], marks=rule("V7", "2.11")),
    pytest.param(objects(np.True_, np.nan), "object", [True, None], [], marks=rule("V7")),
    pytest.param(objects(1, "x"), "object", ["1", "x"], ["10"], marks=rule("C9")),
    pytest.param(objects(b"x", None), "object", [b"x", None], [], marks=rule("C23")),
    pytest.param(
        pd.Series(pd.arrays.SparseArray([0, 0, 1])), "int64", [0, 0, 1], ["11"], marks=rule("C28")
    ),
]

CLASSIC_ONLY = [
    pytest.param(
        dates("2015-03-13", None),
        "float64",
        [1426204800.0, NAN],
        ["06"],
        marks=rule("V8", "2.7", profile="classic"),
    ),
    pytest.param(
        dates("2015-03-13", None, unit="s"),
        "float64",
        [1426204800.0, NAN],
        ["06"],
        marks=rule("V8", profile="classic"),
    ),
    pytest.param(
        dates("2015-03-13 00:00:00.25", unit="us"),
        "float64",
        [1426204800.25],
        ["06"],
        marks=rule("V8", profile="classic"),
    ),
    pytest.param(
        dates("2015-03-13 00:00:00.25", unit="ms"),
        "float64",
        [1426204800.25],
        ["06"],
        marks=rule("V8", profile="classic"),
    ),
    pytest.param(
        dates("2015-03-13 05:00", tz="Asia/Karachi"),
        "float64",
        [1426204800.0],
        ["06"],
        marks=rule("V8", "2.7", profile="classic"),
    ),
    pytest.param(
        objects(STAMP, None),
        "float64",
        [1426204800.0, NAN],
        ["06"],
        marks=rule("V8", profile="classic"),
    ),
    pytest.param(
        pd.Series([SPAN, -SPAN, pd.NaT, pd.Timedelta(milliseconds=1500)]),
        "object",
        ["1.02:00:00", "-1.02:00:00", None, "00:00:01.5000000"],
        ["07"],
        marks=rule("V9", profile="classic"),
    ),
    pytest.param(
        pd.Series(np.array([3 * 3600 + 59, 86400 * 100, "NaT"], "m8[s]")),
        "object",
        ["03:00:59", "100.00:00:00", None],
        ["07"],
        marks=rule("V9", profile="classic"),
    ),
    pytest.param(
        pd.Series(np.array([1, 1_000_000, 3_599_999_999], "m8[us]")),
        "object",
        ["00:00:00.0000010", "00:00:01", "00:59:59.9999990"],
        ["07"],
        marks=rule("V9", profile="classic"),
    ),
    pytest.param(
        pd.Series(np.array([199], "m8[ns]")),
        "object",
        ["00:00:00.0000001"],
        ["07"],
        marks=rule("V9", profile="classic"),
    ),
    pytest.param(
        objects(datetime.timedelta(minutes=3)),
        "object",
        ["00:03:00"],
        ["07"],
        marks=rule("V9", profile="classic"),
    ),
    pytest.param(
        pd.Series(pd.Categorical([1, 2, 1])),
        "int64",
        [1, 2, 1],
        ["08"],
        marks=rule("V10", profile="classic"),
    ),
    pytest.param(
        pd.Series(pd.Categorical([1, None])),
        "float64",
        [1.0, NAN],
        ["08"],
        marks=rule("V10", profile="classic"),
    ),
    pytest.param(
        pd.Series(pd.Categorical([True, None])),
        "object",
        [True, None],
        ["08"],
        marks=rule("V10", "V7", profile="classic"),
    ),
    pytest.param(
        pd.Series(pd.Categorical(dates("2015-03-13"))),
        "float64",
        [1426204800.0],
        ["08", "06"],
        marks=rule("V10", "V8", profile="classic"),
    ),
    pytest.param(
        pd.Series([True, None], dtype="boolean"),
        "object",
        [True, None],
        [],
        marks=rule("V7", "C15", profile="classic"),
    ),
    pytest.param(
        pd.Series([1.5, None], dtype="Float64"),
        "float64",
        [1.5, NAN],
        [],
        marks=rule("V2", "C15", profile="classic"),
    ),
]

DESIGNER_ONLY = [
    pytest.param(
        dates("2015-03-13", None),
        "datetime64[ns]",
        [STAMP, NAT],
        [],
        marks=rule("V8", profile="designer"),
    ),
    pytest.param(
        dates("2015-03-13", unit="s"),
        "datetime64[ns]",
        [STAMP],
        [],
        marks=rule("V8", profile="designer"),
    ),
    pytest.param(
        dates("2015-03-13", unit="us", tz="Asia/Karachi"),
        "datetime64[ns, Asia/Karachi]",
        [pd.Timestamp("2015-03-13", tz="Asia/Karachi")],
        [],
        marks=rule("V8", profile="designer"),
    ),
    pytest.param(
        objects(STAMP, None),
        "datetime64[ns]",
        [STAMP, NAT],
        [],
        marks=rule("V8", profile="designer"),
    ),
    pytest.param(
        pd.Series([SPAN]), "timedelta64[ns]", [SPAN], [], marks=rule("V9", profile="designer")
    ),
    pytest.param(
        pd.Series([SPAN]).dt.as_unit("s"),
        "timedelta64[ns]",
        [SPAN],
        [],
        marks=rule("V9", profile="designer"),
    ),
    pytest.param(
        objects(datetime.timedelta(days=1), pd.NaT),
        "timedelta64[ns]",
        [pd.Timedelta(days=1), NAT],
        [],
        marks=rule("V9", profile="designer"),
    ),
    pytest.param(
        objects(DAY, None), "object", [DAY, None], [], marks=rule("V11", profile="designer")
    ),
    pytest.param(objects(NOON), "object", [NOON], [], marks=rule("V11", profile="designer")),
    pytest.param(
        objects(decimal.Decimal("2.50")),
        "object",
        [decimal.Decimal("2.50")],
        [],
        marks=rule("V11", profile="designer"),
    ),
    pytest.param(
        objects({"a": 1}), "object", [{"a": 1}], [], marks=rule("V11", profile="designer")
    ),
]


def check(column, dtype, expected, kinds, profile):
    frame = pd.DataFrame({"fine": range(len(column)), "odd": column})
    prepared, findings = prepare_input(frame, "dataset1", profile)
    assert str(prepared["odd"].dtype) == dtype
    assert typed(cells(prepared["odd"])) == typed(expected)
    assert [finding.code for finding in findings] == [f"AZ2{kind}" for kind in kinds]
    for finding in findings:
        assert "'odd'" in finding.message
        assert finding.port == "dataset1"


@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER], ids=lambda profile: profile.name)
@pytest.mark.parametrize(("column", "dtype", "expected", "kinds"), BOTH)
def test_columns_that_both_profiles_hand_over_alike(column, dtype, expected, kinds, profile):
    check(column, dtype, expected, kinds, profile)


@pytest.mark.parametrize(("column", "dtype", "expected", "kinds"), CLASSIC_ONLY)
def test_columns_in_classic(column, dtype, expected, kinds):
    check(column, dtype, expected, kinds, CLASSIC)


@pytest.mark.parametrize(("column", "dtype", "expected", "kinds"), DESIGNER_ONLY)
def test_columns_in_designer(column, dtype, expected, kinds):
    check(column, dtype, expected, kinds, DESIGNER)


@pytest.mark.rule("V10", profile="designer")
@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.Categorical(["x", None])),
        pd.Series(pd.Categorical([2, 1], ordered=True)),
        pd.Series(pd.Categorical([True, False])),
        pd.Series(pd.Categorical(dates("2020-01-01"))),
        pd.Series(pd.Categorical([None, None])),
        pd.Series(pd.Categorical(["x"], categories=["y", "x", "z"])),
    ],
)
def test_designer_keeps_categories(column):
    frame = pd.DataFrame({"odd": column})
    prepared, findings = prepare_input(frame, "dataset1", DESIGNER)
    assert findings == []
    assert isinstance(prepared["odd"].dtype, pd.CategoricalDtype)
    assert prepared["odd"].cat.ordered == column.cat.ordered
    assert cells(prepared["odd"]) == cells(column)


@pytest.mark.rule("V10", profile="both")
@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_categories_of_intervals_become_text(profile):
    frame = pd.DataFrame({"odd": pd.cut(pd.Series([1, 5, 9]), [0, 3, 10])})
    prepared, findings = prepare_input(frame, "dataset1", profile)
    assert prepared["odd"].tolist() == ["(0, 3]", "(3, 10]", "(3, 10]"]
    assert "AZ212" in [finding.code for finding in findings]


@pytest.mark.rule("V4", "2.17", profile="both")
@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
@pytest.mark.parametrize("dtype", ["string", "str"])
def test_every_kind_of_text_column_passes(dtype, profile):
    frame = pd.DataFrame({"odd": pd.Series(["x", "y"], dtype=dtype)})
    prepared, findings = prepare_input(frame, "dataset1", profile)
    assert prepared["odd"].tolist() == ["x", "y"]
    assert findings == []


@pytest.mark.rule("2.7", "V8", profile="classic")
@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_a_switch_hands_dates_over_as_dates(unit):
    frame = pd.DataFrame({"when": dates("2015-03-13", unit=unit)})
    prepared, findings = prepare_input(frame, "dataset1", rules_of(Options(dates="datetime")))
    assert str(prepared["when"].dtype) == "datetime64[ns]"
    assert findings == []


@pytest.mark.rule("2.7", profile="both")
def test_the_rules_are_those_of_the_profile_but_for_a_switch():
    assert rules_of(Options()) is CLASSIC
    assert rules_of(Options(profile="designer")) == DESIGNER
    switched = rules_of(Options(dates="datetime"))
    assert switched == replace(CLASSIC, dates_as_epoch=False)


# (column, first bad row, words of the message)
CLASSIC_REFUSALS = [
    (objects(None, DAY), 1, "a date"),
    (objects(NOON), 0, "a time"),
    (objects(decimal.Decimal(1)), 0, "a Decimal"),
    (objects([1]), 0, "a list"),
    (objects({"a": 1}), 0, "a dict"),
    (objects(1, object()), 1, "an object"),
    (objects("x", STAMP), 1, "a Timestamp"),
    (objects("x", b"y"), 1, "a bytes after a str"),
    (pd.Series(pd.period_range("2020", periods=1, freq="D")), 0, "periods"),
    (pd.Series(pd.interval_range(0, 1)), 0, "intervals"),
    (pd.Series([1j]), None, "complex128"),
    (objects(1j), 0, "a complex"),
    (objects(2**70), 0, "more than 64 bits"),
]
DESIGNER_REFUSALS = [
    (objects(1, object()), 1, "an object"),
    (objects([1], ["x", 1]), 1, "mixes str and int"),
    (objects(DAY, 1), 1, "an int after a date"),
    (objects("x", b"y"), 1, "a bytes after a str"),
    (dates("1000-01-01", unit="s"), 0, "outside the years"),
    (objects(datetime.datetime(1000, 1, 1)), 0, ""),
    (pd.Series(pd.period_range("2020", periods=1, freq="D")), 0, "periods"),
    (pd.Series(pd.interval_range(0, 1)), 0, "intervals"),
    (pd.Series([1j]), None, "complex128"),
    (objects(2**70), 0, "more than 64 bits"),
]


def refused(column, row, words, profile):
    frame = pd.DataFrame({"fine": range(len(column)), "odd": column})
    with pytest.raises(InputError) as raised:
        prepare_input(frame, "dataset2", profile)
    message = raised.value.message
    assert message.startswith("dataset2: column 'odd' ")
    assert words in message
    assert row is None or message.endswith(f"first in row {row}")
    assert raised.value.hint
    assert "\n" not in message + raised.value.hint


@pytest.mark.rule("V11", "V9", "C29", "C32", profile="classic")
@pytest.mark.parametrize(("column", "row", "words"), CLASSIC_REFUSALS)
def test_classic_refuses_by_column_row_and_type(column, row, words):
    refused(column, row, words, CLASSIC)


@pytest.mark.rule("V11", "V8", "C29", "C32", profile="designer")
@pytest.mark.parametrize(("column", "row", "words"), DESIGNER_REFUSALS)
def test_designer_refuses_by_column_row_and_type(column, row, words):
    refused(column, row, words, DESIGNER)


@pytest.mark.rule("V11", "C24", profile="designer")
def test_lists_arrive_as_arrays_as_a_dataset_stores_them():
    frame = pd.DataFrame({"odd": objects([1, 2], None)})
    prepared, (finding,) = prepare_input(frame, "dataset1", DESIGNER)
    assert isinstance(prepared["odd"][0], np.ndarray)
    assert prepared["odd"][1] is None
    assert finding.code == "AZ216"


def test_one_finding_names_five_columns():
    frame = pd.DataFrame({f"when{number}": dates("2020-01-01") for number in range(8)})
    _, (finding,) = prepare_input(frame, "dataset1", CLASSIC)
    assert finding.message.endswith("'when3', 'when4' and 3 more")


def test_long_names_are_cut_in_messages():
    frame = pd.DataFrame({"x" * 500 + "\n": objects(object())})
    with pytest.raises(InputError) as raised:
        prepare_input(frame, "dataset1", CLASSIC)
    assert len(raised.value.message) < 200


def test_types_of_pyarrow_are_read_by_their_values():
    pyarrow = pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {
            "whole": pd.Series([1, None], dtype=pd.ArrowDtype(pyarrow.int32())),
            "text": pd.Series(["x", None], dtype=pd.ArrowDtype(pyarrow.string())),
            "real": pd.Series([1.5, None], dtype=pd.ArrowDtype(pyarrow.float32())),
            "flag": pd.Series([True, None], dtype=pd.ArrowDtype(pyarrow.bool_())),
            "when": pd.Series([STAMP, None], dtype=pd.ArrowDtype(pyarrow.timestamp("us"))),
        }
    )
    prepared, _ = prepare_input(frame, "dataset1", DESIGNER)
    assert [str(dtype) for dtype in prepared.dtypes] == [
        "float64",
        "object",
        "float32",
        "object",
        "datetime64[ns]",
    ]
    assert prepared["text"].isna().tolist() == [False, True]
    assert cells(prepared["flag"]) == [True, None]


@pytest.mark.parametrize("rows", [0, 3])
@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_unchanged_columns_are_shared(rows, profile):
    frame = pd.DataFrame(
        {"a": np.ones(rows), "b": np.ones(rows, "int32"), "t": ["x"] * rows, "d": [None] * rows}
    ).astype({"t": object})
    prepared, _ = prepare_input(frame, "dataset1", profile)
    for name in ("a", "b", "t"):
        assert np.shares_memory(prepared[name].to_numpy(), frame[name].to_numpy()) == bool(rows)
