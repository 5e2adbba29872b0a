"""The wire contract, without a server."""

import contextlib
import json
import math

import hypothesis.extra.pandas as frames_of
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azml_magic.exporting.schema import describe
from azml_magic.module.manifest import Column
from azml_magic.scoring.answers import write_answer
from azml_magic.scoring.faults import Fault, module_failed
from azml_magic.scoring.json_values import InvalidValue, convert
from azml_magic.scoring.request_frames import read_frames

SCHEMA = (
    Column("a", "number"),
    Column("n", "integer"),
    Column("s", "string"),
    Column("b", "boolean"),
    Column("d", "datetime"),
)


def read(value, schema=SCHEMA, max_rows=100):
    body = json.dumps(value).encode()
    schemas = {} if schema is None else {"dataset1": schema}
    return read_frames(body, ("dataset1",), schemas, max_rows)["dataset1"]


def answered(frame, form="classic", **options):
    return json.loads(write_answer([frame, None], form, **options))["Results"]["output1"]


@pytest.mark.rule("S-3", profile="classic")
def test_values_may_be_text_or_have_their_own_types():
    rows = {
        "ColumnNames": ["d", "b", "s", "n", "a"],
        "Values": [
            ["5/30/2010 6:07:00 PM", "True", "x", "3", "1.5"],
            ["2010-05-30T18:07:00", True, "y", 4, 2],
            [None, None, None, 5, float("nan")],
        ],
    }
    frame = read({"Inputs": {"input1": rows}, "GlobalParameters": {}})
    assert frame.columns.tolist() == ["a", "n", "s", "b", "d"]
    assert frame["d"].tolist()[:2] == [pd.Timestamp("2010-05-30 18:07")] * 2
    assert frame["n"].tolist() == [3, 4, 5]
    assert frame["b"].tolist() == [True, True, None]
    assert frame["a"].tolist()[:2] == [1.5, 2.0]
    assert math.isnan(frame["a"][2])


@pytest.mark.rule("S-4", profile="classic")
def test_rows_may_be_objects_with_the_same_columns():
    record = {"a": 1, "n": 2, "s": "x", "b": False, "d": None}
    assert read({"Inputs": {"input1": [record, record]}}).shape == (2, 5)
    with pytest.raises(Fault, match="differ in the column"):
        read({"Inputs": {"input1": [record, {"a": 1}]}})


def test_without_a_schema_text_that_looks_like_numbers_is_taken_for_them():
    rows = {"ColumnNames": ["x", "y", "z"], "Values": [["1", "1.5", "a"], ["2", "NaN", "2"]]}
    frame = read({"Inputs": {"input1": rows}}, None)
    assert [str(dtype) for dtype in frame.dtypes][:2] == ["int64", "float64"]
    assert frame["z"].tolist() == ["a", "2"]
    typed = read({"Inputs": {"input1": [{"x": "1"}]}}, None)
    assert typed["x"].tolist() == ["1"]


@pytest.mark.rule("S-5", "S-6", "S-7", "S-8", profile="classic")
def test_the_classic_answer_is_all_text():
    frame = pd.DataFrame(
        {
            "a": [65.0, 0.059025701135397, 1e-7],
            "n": [1, 2, 3],
            "s": ["x", "", None],
            "b": [True, False, True],
            "d": pd.to_datetime(["2010-05-30 18:07", "2010-01-01 00:00", "NaT"]),
            "large": [2**31, 0, 0],
        }
    )
    found = answered(frame, details=True)
    assert found["type"] == "table"
    assert found["value"]["ColumnNames"] == ["a", "n", "s", "b", "d", "large"]
    types = ["Double", "Int32", "String", "Boolean", "DateTime", "Int64"]
    assert found["value"]["ColumnTypes"] == types
    assert found["value"]["Values"][0] == [
        "65", "1", "x", "True", "5/30/2010 6:07:00 PM", "2147483648",
    ]  # fmt: skip
    assert found["value"]["Values"][1][0] == "0.059025701135397"
    assert found["value"]["Values"][2] == ["1E-07", "3", "", "True", "NaN", "0"]
    assert set(answered(frame)["value"]) == {"Values"}


@pytest.mark.rule("S-9", profile="classic")
def test_what_is_missing():
    both = pd.DataFrame({"a": [math.nan], "s": [None]})
    assert answered(both)["value"]["Values"] == [["NaN", ""]]
    # The old client reads an only column as JSON, which empty text is not (C-5).
    assert answered(both[["s"]])["value"]["Values"] == [["NaN"]]


@pytest.mark.rule("S-11", profile="classic")
def test_row_objects_are_a_bare_list_of_text():
    frame = pd.DataFrame({"a": [1.0], "b": [True]})
    assert answered(frame, "swagger") == [{"a": "1", "b": "True"}]


def test_the_typed_answer_has_the_types_of_json():
    frame = pd.DataFrame(
        {
            "a": [math.inf, math.nan],
            "n": [1, 2],
            "s": ["x", None],
            "d": pd.to_datetime(["2010-05-30 18:07", "NaT"]),
            "x": [b"\0", None],
        }
    )
    assert answered(frame, "typed") == [
        {"a": "Infinity", "n": 1, "s": "x", "d": "2010-05-30T18:07:00", "x": "AA=="},
        {"a": None, "n": 2, "s": None, "d": None, "x": None},
    ]


def test_no_table_is_an_empty_one():
    assert json.loads(write_answer([None, None], "typed")) == {"Results": {"output1": []}}


@pytest.mark.rule("S-12", profile="classic")
def test_an_error_has_a_code_a_message_and_one_detail():
    error = module_failed("Error 0085: one\ntwo").to_json()["error"]
    assert error["code"] == "ModuleExecutionError"
    (detail,) = error["details"]
    assert detail["message"] == "Error 0085: one\r\ntwo"


columns = st.lists(st.sampled_from(["int64", "float64", "bool", "text"]), min_size=1, max_size=4)


@st.composite
def plain_frames(draw):
    chosen = draw(columns)
    described = [
        frames_of.column(
            f"c{number}",
            elements=st.text(st.characters(codec="utf-8"), max_size=5) if kind == "text" else None,
            dtype=object if kind == "text" else kind,
        )
        for number, kind in enumerate(chosen)
    ]
    return draw(frames_of.data_frames(described, index=frames_of.range_indexes(1, 5)))


@settings(max_examples=60, deadline=None)
@given(plain_frames())
def test_a_frame_that_is_answered_can_be_sent_again(frame):
    records = answered(frame, "typed")
    schema = describe(frame)
    back = read({"Inputs": {"input1": records}}, schema)
    pd.testing.assert_frame_equal(back, frame, check_dtype=False)
    found = answered(frame, details=True)["value"]
    rows = {"ColumnNames": found["ColumnNames"], "Values": found["Values"]}
    again = read({"Inputs": {"input1": rows}}, schema)
    numbers = frame.select_dtypes("number").columns
    pd.testing.assert_frame_equal(again[numbers], frame[numbers], check_dtype=False)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=8)
        | st.lists(st.none(), max_size=1),
        max_size=4,
    ),
    st.sampled_from(["integer", "number", "string", "boolean", "datetime", "binary"]),
)
def test_every_value_is_converted_or_refused(values, kind):
    with contextlib.suppress(InvalidValue):
        assert len(convert(values, kind)) == len(values)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_every_body_is_read_or_refused(body):
    with pytest.raises(Fault) as raised:
        read_frames(body, ("dataset1",), {}, 10)
    assert raised.value.status == 400
