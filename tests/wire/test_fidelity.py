"""What a frame is after the journey: the same, in memory that can be written to."""

import datetime
import zoneinfo
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.wires import travel

from azml_magic.wire import encode_frame

PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3
INDIA = datetime.timezone(datetime.timedelta(hours=5, minutes=30))

COLUMNS = {
    "int8": np.array([-128, 127, 0], np.int8),
    "int64": np.array([-(2**63), 2**63 - 1, 0]),
    "uint64": np.array([0, 2**64 - 1, 1], np.uint64),
    "big endian": np.array([1, 2, 3], ">i4"),
    "float16": np.array([1.5, np.nan, -0.0], np.float16),
    "float32": np.array([1.5, np.inf, -np.inf], np.float32),
    "float64": [1.5, np.nan, -0.0],
    "bool": [True, False, True],
    "seconds": np.array(["2020-01-01", "NaT", "1000-01-01"], "M8[s]"),
    "nanoseconds": np.array(["2020-01-01", "NaT", "1970-01-01T00:00:00.000000001"], "M8[ns]"),
    "zone": pd.to_datetime(["2020-07-01", "NaT", "2020-01-01"]).tz_localize("Europe/Paris"),
    "utc": pd.to_datetime(["2020-07-01", "NaT", "2020-01-01"]).tz_localize("UTC"),
    "offset": pd.to_datetime(["2020-07-01", "NaT", "2020-01-01"]).tz_localize(INDIA),
    "milliseconds": np.array([1, -1, 0], "m8[ms]"),
    "Int64": pd.array([2**60 + 1, None, 0], "Int64"),
    "UInt8": pd.array([255, None, 0], "UInt8"),
    "Float64": pd.array([1.5, None, 0.0], "Float64"),
    "boolean": pd.array([True, None, False], "boolean"),
    "string": pd.array(["a", None, "ü"], "string[pyarrow]"),
    "category": pd.Categorical(["b", None, "b"], ["a", "b"], ordered=True),
    "category of numbers": pd.Categorical([2.5, 1.0, None]),
    "category of dates": pd.Categorical(pd.to_datetime(["2020", "2021", "2020"], format="%Y")),
    "category of nothing": pd.Categorical([None, None, None]),
    "text": np.array(["x", None, "ü"], object),
    "bytes": np.array([b"\x00\xff", None, b""], object),
    "dates": np.array([datetime.date(2020, 1, 2), None, datetime.date(1, 1, 1)], object),
    "times": np.array([datetime.time(1, 2, 3, 4), None, datetime.time(0)], object),
    "decimals": np.array([Decimal("1.50"), None, Decimal("NaN")], object),
    "mixed": np.array([1, "a", 2.5], object),
    "missing kinds": np.array([float("inf"), None, True], object),
    "numbers without end": np.array([float("-inf"), "a", float("nan")], object),
    "stamps": np.array(
        [pd.Timestamp("2020-01-01 00:00:00.000000001"), pd.NaT, pd.Timedelta("1s")], object
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("rows", [3, 0])
@pytest.mark.parametrize("trusted", [True, False])
def test_a_column_arrives_as_it_was(name, rows, trusted):
    frame = pd.DataFrame({name: COLUMNS[name]}).iloc[:rows]
    if rows == 0 and frame[name].dtype == object:
        frame[name] = frame[name].astype("str" if PANDAS_3 else object)
    arrived = travel(frame, trusted=trusted)
    assert len(arrived) == rows
    if name == "big endian":
        frame = frame.astype("i4")
    if name == "decimals":
        # A missing decimal equals nothing, itself included.
        assert [str(cell) for cell in arrived[name]] == [str(cell) for cell in frame[name]]
        return
    pd.testing.assert_frame_equal(arrived, frame)


MASKED = [f"{kind}{bits}" for kind in ("Int", "UInt") for bits in (8, 16, 32, 64)]


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("dtype", [*MASKED, "Float32", "Float64", "boolean"])
def test_every_type_of_number_that_can_be_missing(dtype, trusted):
    frame = pd.DataFrame({"a": pd.array([1, None, 0], dtype)})
    pd.testing.assert_frame_equal(travel(frame, trusted=trusted), frame)


def test_numbers_and_text_of_numpy_among_others_arrive_as_those_of_python():
    cells = [np.int8(5), np.float32(0.5), np.bool_(True), np.str_("x"), np.bytes_(b"y"), None]
    values = np.empty(len(cells), object)
    values[:] = cells
    arrived = travel(pd.DataFrame({"a": values}))["a"].tolist()
    assert arrived == [5, 0.5, True, "x", b"y", None]
    assert list(map(type, arrived)) == [int, float, bool, str, bytes, type(None)]


def test_dates_and_time_spans_of_numpy_arrive_as_those_of_pandas():
    cells = [np.datetime64("2020-01-01", "ns"), np.timedelta64(1, "ns"), np.datetime64(1, "s"), "a"]
    values = np.empty(len(cells), object)
    values[:] = cells
    arrived = travel(pd.DataFrame({"a": values}))["a"].tolist()
    assert arrived == [pd.Timestamp(2020, 1, 1), pd.Timedelta(1), pd.Timestamp(1, unit="s"), "a"]
    assert list(map(type, arrived)) == [pd.Timestamp, pd.Timedelta, pd.Timestamp, str]


KINDS = {"plain": "int8 uint64 big_endian float16 bool", "bytes": "bytes", "text": "string text"}
KINDS["masked"] = "Int64 UInt8 Float64 boolean"
KINDS["times"] = "seconds nanoseconds zone utc offset milliseconds"
KINDS["category"] = "category category_of_numbers category_of_dates category_of_nothing"
KINDS["cells"] = "dates times decimals mixed missing_kinds stamps"


@pytest.mark.parametrize("kind", KINDS)
def test_each_column_travels_as_its_kind(kind):
    for name in KINDS[kind].split():
        frame = pd.DataFrame({"a": COLUMNS[name.replace("_", " ")]})
        (spec,) = encode_frame(frame, keep_index=False).manifest["specs"]
        assert spec["kind"] == kind, name


def test_objects_that_are_text_travel_as_text():
    frame = pd.DataFrame({"a": pd.Series(["x", None], dtype=object)})
    (spec,) = encode_frame(frame, keep_index=False).manifest["specs"]
    assert (spec["kind"], spec["dtype"]) == ("text", "object")


@pytest.mark.parametrize(
    "cells",
    [
        [[1, [2.5, None]], [], ["a"]],
        [{"a": 1}, {1: {"b": [b"x"]}}, {}],
        [np.array([1, 2]), np.array([1.5], np.float32), np.array(["a", None], object)],
    ],
)
def test_nested_cells_arrive_as_they_were(cells):
    values = np.empty(3, object)
    for place, cell in enumerate(cells):
        values[place] = cell
    arrived = travel(pd.DataFrame({"a": values}))["a"]
    for cell, expected in zip(arrived, cells, strict=True):
        assert type(cell) is type(expected)
        np.testing.assert_equal(cell, expected)
        assert getattr(cell, "dtype", None) == getattr(expected, "dtype", None)


@pytest.mark.rule("V4", "V5", "V6", "2.17", profile="both")
@pytest.mark.parametrize("dtype", [object, "str"] if PANDAS_3 else [object])
def test_text_is_handed_to_a_script_as_objects_with_none(dtype):
    frame = pd.DataFrame({"a": pd.Series(["x", None, "", "NA", "nan", "None"], dtype=dtype)})
    arrived = travel(frame, text="object", trusted=True)["a"]
    assert arrived.dtype == object
    assert list(arrived) == ["x", None, "", "NA", "nan", "None"]
    assert {type(cell) for cell in arrived} == {str, type(None)}


def test_native_text_is_what_this_pandas_makes_itself():
    frame = pd.DataFrame({"a": ["x", "y"]})
    assert travel(frame)["a"].dtype == frame["a"].dtype


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(3),
        pd.RangeIndex(0, 6, 2, name="step"),
        pd.Index([3, 1, 1], name="number"),
        pd.Index(["a", "b", "a"]),
        pd.date_range("2020", periods=3, freq="D", name="day", tz="UTC"),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["x", None]),
        pd.CategoricalIndex(["a", "b", "a"]),
    ],
)
@pytest.mark.rule("I1", "I2", profile="designer")
def test_an_index_travels_when_it_is_kept(index):
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}, index=index)
    pd.testing.assert_frame_equal(travel(frame), frame, check_freq=False)


@pytest.mark.rule("I1", profile="classic")
def test_without_its_index_a_frame_counts_from_zero():
    frame = pd.DataFrame({"a": [1, 2, 3]}, index=[5, 6, 7])
    arrived = travel(frame, keep_index=False)
    assert arrived.index.equals(pd.RangeIndex(3))
    assert isinstance(arrived.index, pd.RangeIndex)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame(index=range(3)),
        pd.DataFrame({"a": pd.Series([], dtype="i8"), "b": pd.Series([], dtype="f4")}),
        pd.DataFrame(np.arange(12.0).reshape(4, 3)).set_axis(list("abc"), axis=1),
        pd.DataFrame(np.arange(12.0).reshape(4, 3)).set_axis(list("abc"), axis=1).iloc[::2, ::2],
        pd.DataFrame({"a": [1], "b": [1.5], "c": [2], "d": ["x"], "e": [2.5]}),
        pd.DataFrame({f"column {n}": [n, n + 1] for n in range(2000)}),
    ],
    ids=["empty", "no columns", "no rows", "strided", "strided twice", "interleaved", "wide"],
)
def test_shapes(frame):
    pd.testing.assert_frame_equal(travel(frame), frame, check_column_type=False)


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 1_000_003])
def test_text_at_any_offset(rows):
    text = pd.Series([None if n % 5 == 0 else f"{n}é" for n in range(rows + 13)], dtype="string")
    frame = pd.DataFrame({"a": text.iloc[5 : rows + 5].reset_index(drop=True)})
    pd.testing.assert_frame_equal(travel(frame), frame.astype("string[pyarrow]"))


@pytest.mark.parametrize("rows", [0, 1, 8, 17])
@pytest.mark.parametrize("start", [0, 1, 5, 8])
def test_a_slice_of_arrow_text_travels_alone(start, rows):
    # As pyarrow hands over a piece of a table: an offset, and more behind.
    text = pa.array([None if n % 3 == 0 else f"{n}é" for n in range(40)], pa.large_string())
    column = pd.arrays.ArrowStringArray(text[start : start + rows])
    encoded = encode_frame(pd.DataFrame({"a": column}), keep_index=False)
    (spec,) = encoded.manifest["specs"]
    assert spec["bytes"] == sum(len(cell.encode()) for cell in column.dropna())
    assert len(encoded.buffers[0]) == rows + 1
    frame = pd.DataFrame({"a": column})
    pd.testing.assert_frame_equal(travel(frame), frame)


def test_what_arrives_can_be_written_to_and_shares_nothing():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [1, 2], "c": [True, False], "d": ["x", "y"]})
    before = frame.copy(deep=True)
    arrived = travel(frame)
    arrived.iloc[0, 0] = 99.0
    arrived.loc[arrived["b"] > 1, "b"] = -1
    arrived.iloc[1, 3] = "z"
    assert arrived.iloc[0, 0] == 99.0
    assert arrived["d"].tolist() == ["x", "z"]
    pd.testing.assert_frame_equal(frame, before)


cells = st.one_of(st.none(), st.text(st.characters(codec="utf-8")))
VALUES = {
    "integers": st.integers(-(2**63), 2**63 - 1),
    "floats": st.floats(),
    "flags": st.booleans(),
    "text": cells,
    "bytes": st.one_of(st.none(), st.binary()),
}


@st.composite
def frames(draw):
    rows = draw(st.integers(0, 30))
    names = draw(st.lists(st.text(st.characters(codec="utf-8")), max_size=6, unique=True))
    columns = {}
    for name in names:
        kind = draw(st.sampled_from(sorted(VALUES)))
        values = draw(st.lists(VALUES[kind], min_size=rows, max_size=rows))
        dtype: Any = {"integers": "i8", "floats": "f8", "flags": bool}.get(kind, object)
        columns[name] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(columns, index=range(rows))


@given(frames())
@settings(max_examples=150, deadline=None)
def test_any_frame_of_plain_values_arrives_as_it_was(frame):
    arrived = travel(frame, text="object", trusted=True)
    assert list(arrived.columns) == list(frame.columns)
    for name in frame:
        assert arrived[name].dtype == frame[name].dtype
        for got, expected in zip(arrived[name], frame[name], strict=True):
            assert got == expected or (got != got and expected != expected)


def test_zones_of_other_libraries():
    zone = zoneinfo.ZoneInfo("America/St_Johns")
    frame = pd.DataFrame({"a": pd.date_range("2020", periods=2, tz=zone)})
    assert str(travel(frame)["a"].dt.tz) == "America/St_Johns"
