"""Rules C1 to C33: the dataset that becomes of a returned frame."""

import datetime
import decimal
import uuid

import numpy as np
import pandas as pd
import pytest
from support.cells import NA, NAN, NAT, cells, typed

from azml_magic.contract.datasets import prepare_output
from azml_magic.contract.profile import CLASSIC, DESIGNER, rules_of
from azml_magic.contract.returned_values import ReturnRefused
from azml_magic.protocol.options import Options

rule = pytest.mark.rule
D = decimal.Decimal
DAY, NOON = datetime.date(2020, 1, 2), datetime.time(12)
STAMP, SPAN = pd.Timestamp("2015-03-13"), pd.Timedelta(days=1)


def objects(*items):
    array = np.empty(len(items), dtype=object)
    for row, item in enumerate(items):
        array[row] = item
    return pd.Series(array, dtype=object)


def numbers(dtype, *items):
    return pd.Series(list(items), dtype=dtype)


# (column, dtype of the dataset, cells, codes)
BOTH = [
    pytest.param(numbers("int64", 1), "int64", [1], [], marks=rule("C1")),
    pytest.param(numbers("float64", 1.5), "float64", [1.5], [], marks=rule("C1")),
    pytest.param(numbers("bool", True), "bool", [True], [], marks=rule("C1")),
    pytest.param(objects("x"), "object", ["x"], [], marks=rule("C1")),
    pytest.param(numbers("int8", 1), "int8", [1], [], marks=rule("C2")),
    pytest.param(numbers("float32", 0.5), "float32", [0.5], [], marks=rule("C2")),
    pytest.param(numbers("uint64", 2**64 - 1), "uint64", [2**64 - 1], [], marks=rule("C2")),
    pytest.param(numbers("float64", 1, np.nan), "float64", [1.0, NAN], [], marks=rule("C4")),
    pytest.param(
        numbers("float64", np.inf, -np.inf), "float64", [np.inf, -np.inf], [], marks=rule("C5")
    ),
    pytest.param(objects(1, None), "float64", [1.0, NAN], ["09"], marks=rule("C6")),
    pytest.param(objects(1, pd.NA), "float64", [1.0, NAN], ["09"], marks=rule("C6")),
    pytest.param(objects(True, None), "object", [True, None], [], marks=rule("C7")),
    pytest.param(objects(False, np.nan), "object", [False, None], [], marks=rule("C7")),
    pytest.param(objects(1, 2.5), "float64", [1.0, 2.5], [], marks=rule("C8")),
    pytest.param(objects(1, True), "int64", [1, 1], [], marks=rule("C8")),
    pytest.param(
        objects(1, "x", True, 2.5, None),
        "object",
        ["1", "x", "True", "2.5", None],
        ["10"],
        marks=rule("C9"),
    ),
    pytest.param(objects("x", None), "object", ["x", None], [], marks=rule("C10")),
    pytest.param(objects(None, None), "object", [None, None], [], marks=rule("C11")),
    pytest.param(numbers("float64", np.nan), "float64", [NAN], [], marks=rule("C12")),
    pytest.param(objects(np.nan), "object", [None], [], marks=rule("C12")),
    pytest.param(objects(pd.NA), "object", [None], [], marks=rule("C12")),
    pytest.param(objects(pd.NaT), "object", [None], [], marks=rule("C13")),
    pytest.param(numbers("Int64", 1, 2), "int64", [1, 2], [], marks=rule("C14")),
    pytest.param(numbers("Int64", 1, None), "float64", [1.0, NAN], ["09"], marks=rule("C14")),
    pytest.param(numbers("UInt8", 1, None), "float64", [1.0, NAN], ["09"], marks=rule("C14")),
    pytest.param(numbers("string", "x", "y"), "string", ["x", "y"], [], marks=rule("C15")),
    pytest.param(objects(np.int64(1), np.int8(2)), "int64", [1, 2], [], marks=rule("C31")),
    pytest.param(objects(np.str_("x")), "object", ["x"], [], marks=rule("C33")),
]

CLASSIC_ONLY = [
    pytest.param(
        numbers("float16", 0.5), "float64", [0.5], ["11"], marks=rule("C3", profile="classic")
    ),
    pytest.param(
        pd.Series([pd.NaT, pd.NaT]).dt.as_unit("ns"),
        "float64",
        [NAN, NAN],
        [],
        marks=rule("C13", profile="classic"),
    ),
    pytest.param(
        numbers("Float64", 1.5, None),
        "float64",
        [1.5, NAN],
        [],
        marks=rule("C15", profile="classic"),
    ),
    pytest.param(
        numbers("boolean", True), "bool", [True], [], marks=rule("C15", profile="classic")
    ),
    pytest.param(
        pd.Series(pd.Categorical([1, 2])),
        "int64",
        [1, 2],
        ["08"],
        marks=rule("C16", profile="classic"),
    ),
    pytest.param(
        objects(b"raw", bytearray(b"more"), None),
        "object",
        [b"raw", b"more", None],
        ["19"],
        marks=rule("C23", profile="classic"),
    ),
    pytest.param(
        pd.Series(pd.arrays.SparseArray([0.0, 1.0])),
        "float64",
        [0.0, 1.0],
        ["11"],
        marks=rule("C28", profile="classic"),
    ),
    pytest.param(
        objects(np.True_, None),
        "object",
        [True, None],
        [],
        marks=rule("C30", profile="classic"),
    ),
]

DESIGNER_ONLY = [
    pytest.param(
        pd.Series([pd.NaT]).dt.as_unit("ns"),
        "datetime64[ns]",
        [NAT],
        [],
        marks=rule("C13", profile="designer"),
    ),
    pytest.param(
        numbers("Float64", 1.5, None),
        "Float64",
        [1.5, NA],
        [],
        marks=rule("C15", profile="designer"),
    ),
    pytest.param(
        numbers("boolean", True, None),
        "boolean",
        [True, NA],
        [],
        marks=rule("C15", profile="designer"),
    ),
    pytest.param(
        pd.Series(pd.Categorical(["x", None])),
        "category",
        ["x", NAN],
        [],
        marks=rule("C16", profile="designer"),
    ),
    pytest.param(
        pd.Series([STAMP, pd.NaT]).dt.as_unit("ns"),
        "datetime64[ns]",
        [STAMP, NAT],
        [],
        marks=rule("C17", profile="designer"),
    ),
    pytest.param(
        pd.Series([STAMP]).dt.as_unit("ns").dt.tz_localize("UTC"),
        "datetime64[ns, UTC]",
        [STAMP.tz_localize("UTC")],
        [],
        marks=rule("C18", profile="designer"),
    ),
    pytest.param(
        objects(STAMP, None),
        "object",
        [STAMP, None],
        ["20"],
        marks=rule("C19", profile="designer"),
    ),
    pytest.param(
        pd.Series([SPAN]).dt.as_unit("ns"),
        "timedelta64[ns]",
        [SPAN],
        [],
        marks=rule("C20", profile="designer"),
    ),
    pytest.param(
        objects(DAY, None), "object", [DAY, None], [], marks=rule("C21", profile="designer")
    ),
    pytest.param(objects(NOON), "object", [NOON], [], marks=rule("C21", profile="designer")),
    pytest.param(
        objects(datetime.datetime(1000, 1, 1)),
        "object",
        [datetime.datetime(1000, 1, 1)],
        ["20"],
        marks=rule("C22", profile="designer"),
    ),
    pytest.param(
        objects(b"raw", None), "object", [b"raw", None], [], marks=rule("C23", profile="designer")
    ),
    pytest.param(
        objects({"a": 1}, {"b": "x"}, None),
        "object",
        [{"a": 1.0, "b": None}, {"a": None, "b": "x"}, None],
        ["17"],
        marks=rule("C25", profile="designer"),
    ),
    pytest.param(
        objects({"a": 1, "b": {"c": 2}}, {"a": 3, "b": {"d": 4}}),
        "object",
        [{"a": 1, "b": {"c": 2.0, "d": None}}, {"a": 3, "b": {"c": None, "d": 4.0}}],
        ["17"],
        marks=rule("C25", profile="designer"),
    ),
    pytest.param(
        objects(np.True_, None),
        "object",
        [True, None],
        ["20"],
        marks=rule("C30", profile="designer"),
    ),
]


def check(column, dtype, expected, kinds, profile):
    frame = pd.DataFrame({"fine": range(len(column)), "odd": column})
    prepared, findings = prepare_output(frame, "output2", profile)
    assert str(prepared["odd"].dtype) == dtype
    assert typed(cells(prepared["odd"])) == typed(expected)
    assert [finding.code for finding in findings] == [f"AZ3{kind}" for kind in kinds]
    for finding in findings:
        assert "'odd'" in finding.message
        assert finding.port == "output2"


@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER], ids=lambda profile: profile.name)
@pytest.mark.parametrize(("column", "dtype", "expected", "kinds"), BOTH)
def test_columns_that_both_profiles_take_alike(column, dtype, expected, kinds, profile):
    check(column, dtype, expected, kinds, profile)


@pytest.mark.parametrize(("column", "dtype", "expected", "kinds"), CLASSIC_ONLY)
def test_columns_in_classic(column, dtype, expected, kinds):
    check(column, dtype, expected, kinds, CLASSIC)


@pytest.mark.parametrize(("column", "dtype", "expected", "kinds"), DESIGNER_ONLY)
def test_columns_in_designer(column, dtype, expected, kinds):
    check(column, dtype, expected, kinds, DESIGNER)


@pytest.mark.rule("C10", profile="both")
@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_text_may_be_missing_in_any_way(profile):
    column = objects("x", None, np.nan, pd.NaT, pd.NA)
    frame = pd.DataFrame({"odd": column})
    prepared, findings = prepare_output(frame, "output1", profile)
    assert prepared["odd"].isna().tolist() == [False, True, True, True, True]
    assert findings == []


# (cells, arrays of the dataset as type and items, codes)
LISTS = [
    (objects([1, 2], None), [("int64", [1, 2]), None], ["AZ316"]),
    (objects(np.array([1, 2])), [("int64", [1, 2])], []),
    (objects((1, 2)), [("int64", [1, 2])], ["AZ316"]),
    (objects((1, 2), [3]), [("int64", [1, 2]), ("int64", [3])], ["AZ316"]),
    (objects([1, 2.5], []), [("float64", [1.0, 2.5]), ("float64", [])], ["AZ316"]),
    (objects([1.0, None]), [("float64", [1.0, NAN])], ["AZ316"]),
    (objects([1, None]), [("float64", [1.0, NAN])], ["AZ316"]),
    (
        objects([1], [None], []),
        [("float64", [1.0]), ("float64", [NAN]), ("float64", [])],
        ["AZ316"],
    ),
    (objects([2**63 - 1, -(2**63)]), [("int64", [2**63 - 1, -(2**63)])], ["AZ316"]),
    (objects([True], [False]), [("bool", [True]), ("bool", [False])], ["AZ316"]),
    (objects([True], [None]), [("object", [True]), ("object", [None])], ["AZ316"]),
    (objects(["x", None]), [("object", ["x", None])], ["AZ316"]),
    (
        objects([np.datetime64("2015-03-13"), np.datetime64("NaT"), pd.NaT]),
        [("object", [STAMP, None, None])],
        ["AZ316"],
    ),
    (
        objects([np.timedelta64(1, "D"), np.timedelta64("NaT")]),
        [("object", [SPAN, None])],
        ["AZ316"],
    ),
    (objects([DAY]), [("object", [DAY])], ["AZ316"]),
    (
        objects([{"a": 1}, {"b": 2}]),
        [("object", [{"a": 1.0, "b": None}, {"a": None, "b": 2.0}])],
        ["AZ316", "AZ317"],
    ),
]


@pytest.mark.rule("C24", profile="designer")
@pytest.mark.parametrize(("column", "expected", "codes"), LISTS)
def test_lists_become_arrays(column, expected, codes):
    prepared, findings = prepare_output(pd.DataFrame({"odd": column}), "o", DESIGNER)
    found = [
        None if cell is None else (str(cell.dtype), cells(pd.Series(cell, dtype=object)))
        for cell in prepared["odd"]
    ]
    assert found == expected
    assert [finding.code for finding in findings] == codes


@pytest.mark.rule("C24", profile="designer")
def test_lists_of_lists_become_arrays_of_arrays():
    frame = pd.DataFrame({"odd": objects([[1], [2, 3]])})
    prepared, _ = prepare_output(frame, "output1", DESIGNER)
    outer = prepared["odd"][0]
    assert outer.dtype == object
    assert [(str(inner.dtype), inner.tolist()) for inner in outer] == [
        ("int64", [1]),
        ("int64", [2, 3]),
    ]


@pytest.mark.rule("C21", profile="designer")
def test_decimals_get_the_places_of_the_longest():
    frame = pd.DataFrame({"odd": objects(D("2"), D("1.25"), D("1E+2"), None)})
    prepared, (finding,) = prepare_output(frame, "output1", DESIGNER)
    assert [str(cell) for cell in prepared["odd"]] == ["2.00", "1.25", "100.00", "None"]
    assert finding.code == "AZ318"
    frame = pd.DataFrame({"odd": objects(D("2"), D("1E+2"))})
    prepared, (finding,) = prepare_output(frame, "output1", DESIGNER)
    assert [str(cell) for cell in prepared["odd"]] == ["2", "100"]
    assert finding.code == "AZ318"


@pytest.mark.rule("C21", profile="designer")
def test_decimals_have_up_to_76_digits():
    frame = pd.DataFrame({"odd": objects(D("1" * 74), D("0.25"))})
    prepared, _ = prepare_output(frame, "output1", DESIGNER)
    assert [str(cell) for cell in prepared["odd"]] == ["1" * 74 + ".00", "0.25"]
    refused(objects(D("1" * 75), D("0.25")), 0, "more than 76 digits", DESIGNER, "0018")


@pytest.mark.rule("C22", profile="designer")
def test_a_year_before_nanoseconds_is_told():
    frame = pd.DataFrame({"odd": np.array(["1000-01-01"], dtype="M8[s]")})
    _, (finding,) = prepare_output(frame, "output1", DESIGNER)
    assert (finding.code, finding.level) == ("AZ320", "error")


@pytest.mark.rule("C16", profile="both")
@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
def test_intervals_of_a_cut_become_text(profile):
    frame = pd.DataFrame({"odd": pd.cut(pd.Series([1, None, 9]), [0, 3, 10])})
    prepared, findings = prepare_output(frame, "output1", profile)
    assert cells(prepared["odd"])[::2] == ["(0, 3]", "(3, 10]"]
    assert "AZ312" in [finding.code for finding in findings]


@pytest.mark.rule("2.7", "C17", "C19", profile="classic")
@pytest.mark.parametrize("column", [pd.Series([STAMP]), objects(STAMP)])
def test_a_switch_lets_dates_out(column):
    frame = pd.DataFrame({"when": column})
    prepared, findings = prepare_output(frame, "output1", rules_of(Options(dates="datetime")))
    assert prepared["when"].dtype.kind == "M"
    assert prepared["when"].tolist() == [STAMP]
    assert findings == []


# (column, first bad row, words of the message, error number if not the usual one)
CLASSIC_REFUSALS = [
    pytest.param(
        pd.Series([pd.NaT, STAMP]), 1, "dates", marks=rule("C17", "2.7", profile="classic")
    ),
    pytest.param(
        pd.Series([STAMP]).dt.tz_localize("UTC"), 0, "UTC", marks=rule("C18", profile="classic")
    ),
    pytest.param(objects(None, STAMP), 1, "a Timestamp", marks=rule("C19", profile="classic")),
    pytest.param(pd.Series([SPAN]), 0, "time spans", marks=rule("C20", profile="classic")),
    pytest.param(objects(SPAN), 0, "a Timedelta", marks=rule("C20", profile="classic")),
    pytest.param(objects(DAY), 0, "a date", marks=rule("C21", profile="classic")),
    pytest.param(objects(NOON), 0, "a time", marks=rule("C21", profile="classic")),
    pytest.param(objects(D(1)), 0, "a Decimal", marks=rule("C21", profile="classic")),
    pytest.param(objects([1]), 0, "a list", marks=rule("C24", profile="classic")),
    pytest.param(objects(np.array([1])), 0, "an ndarray", marks=rule("C24", profile="classic")),
    pytest.param(objects("x", {}), 1, "a dict", marks=rule("C25", profile="classic")),
    pytest.param(objects((1, "x")), 0, "a tuple", marks=rule("C26", profile="classic")),
    pytest.param(objects(pd.DataFrame()), 0, "a DataFrame", marks=rule("C26", profile="classic")),
    pytest.param(objects(print), 0, "a builtin_", marks=rule("C26", profile="classic")),
    pytest.param(objects(uuid.UUID(int=1)), 0, "a UUID", marks=rule("C26", profile="classic")),
    pytest.param(pd.Series([1j]), None, "complex", marks=rule("C27", profile="classic")),
    pytest.param(
        pd.Series(pd.period_range("2020", periods=1, freq="D")),
        0,
        "periods",
        marks=rule("C29", profile="classic"),
    ),
    pytest.param(
        pd.Series(pd.interval_range(0, 1)), 0, "intervals", marks=rule("C29", profile="classic")
    ),
    pytest.param(objects(1, 2**64), 1, "64 bits", marks=rule("C32", profile="classic")),
]

DESIGNER_REFUSALS = [
    pytest.param(
        numbers("float16", 0.5),
        None,
        "is float16, which cannot be written",
        marks=rule("C3", profile="designer"),
    ),
    pytest.param(objects([1], [2**63]), 1, "64 bits", marks=rule("C24", profile="designer")),
    pytest.param(objects([1], [1, "x"]), 1, "mixes", marks=rule("C24", profile="designer")),
    pytest.param(objects({1: 2}), 0, "as a key", marks=rule("C25", profile="designer")),
    pytest.param(objects((1, "x")), 0, "mixes", marks=rule("C26", profile="designer")),
    pytest.param(objects([[1], 1]), 0, "mixes list and int", marks=rule("C24", profile="designer")),
    pytest.param(
        objects([1], [[1]]), 1, "mixes int and list", marks=rule("C24", profile="designer")
    ),
    pytest.param(
        objects([{"a": 1}, [1]]), 0, "mixes dict and list", marks=rule("C24", profile="designer")
    ),
    pytest.param(
        objects([[1], {"a": 1}]), 0, "mixes list and dict", marks=rule("C24", profile="designer")
    ),
    pytest.param(
        objects(D(1), D("-Infinity")),
        1,
        "the decimal -Infinity",
        marks=rule("C21", profile="designer"),
    ),
    pytest.param(
        objects(None, pd.DataFrame()), 1, "a DataFrame", marks=rule("C26", profile="designer")
    ),
    pytest.param(objects(print), 0, "a builtin_", marks=rule("C26", profile="designer")),
    pytest.param(objects(uuid.UUID(int=1)), 0, "a UUID", marks=rule("C26", profile="designer")),
    pytest.param(pd.Series([1j]), None, "complex", marks=rule("C27", profile="designer")),
    pytest.param(objects(1j), 0, "a complex", marks=rule("C27", profile="designer")),
    pytest.param(
        pd.Series(pd.arrays.SparseArray([0, 1])),
        None,
        "Sparse",
        marks=rule("C28", profile="designer"),
    ),
    pytest.param(
        pd.Series(pd.period_range("2020", periods=1, freq="D")),
        0,
        "periods",
        marks=rule("C29", profile="designer"),
    ),
]


def refused(column, row, words, profile, number):
    frame = pd.DataFrame({"fine": range(len(column)), "odd": column})
    with pytest.raises(ReturnRefused) as raised:
        prepare_output(frame, "output1", profile)
    message = raised.value.message
    assert message.startswith("output1: column 'odd' ")
    assert words in message
    assert row is None or message.endswith(f"first in row {row}")
    assert raised.value.number == number
    assert raised.value.hint
    assert "\n" not in message + raised.value.hint


@pytest.mark.rule("L9", profile="classic")
@pytest.mark.parametrize(("column", "row", "words"), CLASSIC_REFUSALS)
def test_classic_refuses_by_column_row_and_type(column, row, words):
    refused(column, row, words, CLASSIC, "0085")


@pytest.mark.rule("L9", profile="designer")
@pytest.mark.parametrize(("column", "row", "words"), DESIGNER_REFUSALS)
def test_designer_refuses_by_column_row_and_type(column, row, words):
    refused(column, row, words, DESIGNER, "0018")


@pytest.mark.rule("C32", profile="designer")
@pytest.mark.parametrize(
    "column",
    [
        objects(1, 2**64),
        objects(None, -(2**63) - 1),
        objects(2**63 - 1, 2**63),
        objects(-(2**63), 2**63),
    ],
)
def test_whole_numbers_beyond_64_bits_fail_before_writing(column):
    refused(column, 1, "64 bits", DESIGNER, "0085")


# (cell, words of the hint in classic, words of the hint in designer)
HINTS = [
    (STAMP, "turn dates into text or numbers", None),
    (DAY, "turn dates into text first", None),
    (NOON, "turn times into text first", None),
    (SPAN, "turn time spans into numbers", None),
    (D(1), "turn decimals into numbers", None),
    (1j, "imaginary part", "imaginary part"),
    (np.complex64(1j), "imaginary part", "imaginary part"),
    ([1, "x"], "a column for each item", "a column for each item"),
    ((1, "x"), "a column for each item", "a column for each item"),
    (np.array([1, "x"], dtype=object), "a column for each item", "a column for each item"),
    ({"a": print}, "a column for each key", "a column for each key"),
    (print, "pickle other objects", "pickle other objects"),
]


@pytest.mark.rule("C26", "C27", profile="both")
@pytest.mark.parametrize(("cell", "classic", "designer"), HINTS)
def test_the_hint_fits_the_cell(cell, classic, designer):
    for profile, words in ((CLASSIC, classic), (DESIGNER, designer)):
        frame = pd.DataFrame({"odd": objects(cell)})
        if words is None:
            prepare_output(frame, "output1", profile)
            continue
        with pytest.raises(ReturnRefused) as raised:
            prepare_output(frame, "output1", profile)
        assert words in raised.value.hint


@pytest.mark.rule("C9", profile="designer")
def test_designer_makes_text_of_whatever_stands_beside_text():
    others: list[tuple[object, str]] = [
        (True, "True"),
        (2, "2"),
        (2.5, "2.5"),
        (D("1.50"), "1.50"),
        (DAY, "2020-01-02"),
        (NOON, "12:00:00"),
        (datetime.time(12, 0, 0, 1), "12:00:00.000001"),
        (STAMP, "2015-03-13 00:00:00"),
        (SPAN, "1 days 00:00:00"),
        (np.datetime64("2015-03-13T01"), "2015-03-13 01:00:00"),
        (np.timedelta64(1, "h"), "0 days 01:00:00"),
    ]
    for cell, text in others:
        frame = pd.DataFrame({"odd": objects("x", cell, None)})
        prepared, (finding,) = prepare_output(frame, "output1", DESIGNER)
        assert cells(prepared["odd"]) == ["x", text, None]
        assert finding.code == "AZ310"


def test_lists_are_nested_up_to_32_deep():
    cell: object = 1
    for _ in range(32):
        cell = [cell]
    prepare_output(pd.DataFrame({"odd": objects(cell)}), "output1", DESIGNER)
    refused(objects([cell]), 0, "nested more than 32", DESIGNER, "0018")


def test_a_cell_that_holds_itself_is_refused():
    cell = []
    cell.append(cell)
    refused(objects(cell), 0, "nested", DESIGNER, "0018")


class Hostile(int):
    """A number whose own code fails."""

    def __int__(self):
        raise RuntimeError("no")

    __index__ = __float__ = __str__ = __repr__ = __int__


@pytest.mark.parametrize("profile", [CLASSIC, DESIGNER])
@pytest.mark.parametrize("cells_", [(Hostile(1),), (Hostile(1), "x"), (Hostile(1), None)])
def test_a_cell_with_failing_code_is_refused(cells_, profile):
    frame = pd.DataFrame({"odd": objects(*cells_)})
    with pytest.raises(ReturnRefused, match="'odd' cannot be read: RuntimeError"):
        prepare_output(frame, "output1", profile)
