"""What a worker may send that is no frame: each is refused, and none is believed."""

import copy
import json
import struct
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from support.wires import LIMIT, base, put_together, wire_bytes

from azml_magic.wire import (
    ColumnRefused,
    FrameTooLarge,
    WireError,
    encode_frame,
    receive_frame,
)
from azml_magic.wire.channel import parse_json


def taken_apart(frame):
    """Return the manifest and the bytes that follow it."""
    data = wire_bytes(frame)
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def receive(channel, **options):
    return receive_frame(channel, text="str", **{"max_bytes": LIMIT, **options})


def change(path, value):
    def apply(manifest):
        target = manifest
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value

    return apply


MANIFESTS = {
    "no rows told": (change(["rows"], None), "rows is not a whole number"),
    "rows below zero": (change(["rows"], -1), "rows is not a whole number"),
    "rows as text": (change(["rows"], "3"), "rows is not a whole number"),
    "rows as a flag": (change(["rows"], True), "rows is not a whole number"),
    "fewer rows than the text has": (
        change(["rows"], 2),
        "a column whose length differs",
    ),
    "more rows than there are": (change(["rows"], 4), "a column whose length differs"),
    "rows beyond measure": (change(["rows"], 2**60), "rows is not a whole number"),
    "names that are no list": (change(["names"], "abcdefg"), "names are not a list"),
    "a name that is no text": (change(["names", 0], 1), "names are not a list"),
    "a name twice": (change(["names", 0], "flag"), "names are repeated"),
    "fewer columns than names": (
        change(["columns"], [0]),
        "numbers of names and columns differ",
    ),
    "a column below zero": (change(["columns", 0], -1), "a column without a description"),
    "a column past the last": (change(["columns", 0], 99), "a column without a description"),
    "a column as a flag": (change(["columns", 0], True), "a column without a description"),
    "specs that are no list": (
        change(["specs"], {}),
        "columns are missing, or too many",
    ),
    "a spec that is no object": (change(["specs", 0], []), "descriptions of columns are missing"),
    "a kind that is unknown": (
        change(["specs", 0, "kind"], "pickle"),
        "a column of an unknown kind",
    ),
    "a kind that is no text": (
        change(["specs", 0, "kind"], ["plain"]),
        "a column of an unknown kind",
    ),
    "objects as numbers": (
        change(["specs", 0, "dtype"], "O"),
        "dtype has an unknown value",
    ),
    "a dtype that is no text": (
        change(["specs", 0, "dtype"], 8),
        "dtype has an unknown value",
    ),
    "another size of numbers": (
        change(["specs", 0, "dtype"], "f2"),
        "a boolean is neither 0 nor 1",
    ),
    "text of another size": (change(["specs", 2, "bytes"], 3), "offsets do not span the text"),
    "text below zero": (change(["specs", 2, "bytes"], -1), "bytes is not a whole number"),
    "text beyond memory": (change(["specs", 2, "bytes"], 2**47), "are allowed"),
    "more missing than rows": (change(["specs", 2, "missing"], 4), "missing is not a whole number"),
    "text of another length": (
        change(["specs", 2, "rows"], 2),
        "a column whose length differs",
    ),
    "a length that is not whole": (
        change(["specs", 2, "rows"], 3.0),
        "a column whose length differs",
    ),
    "an unknown text type": (
        change(["specs", 2, "dtype"], "pickle"),
        "dtype has an unknown value",
    ),
    "an unknown unit": (change(["specs", 4, "unit"], "D"), "unit has an unknown value"),
    "a zone that is a path": (
        change(["specs", 4, "zone"], "../../etc/passwd"),
        "an unknown time zone",
    ),
    "a zone that opens files": (
        change(["specs", 4, "zone"], "dateutil//etc/passwd"),
        "an unknown time zone",
    ),
    "a zone that is not there": (
        change(["specs", 4, "zone"], "Mars/Olympus"),
        "an unknown time zone",
    ),
    "a zone out of range": (
        change(["specs", 4, "zone"], 10**9),
        "an unknown time zone",
    ),
    "a zone of a day": (change(["specs", 4, "zone"], 86_400), "an unknown time zone"),
    "a zone for a time span": (
        change(["specs", 4, "what"], "m"),
        "what has an unknown value",
    ),
    "categories of categories": (
        lambda m: m["specs"][5].update(of=copy.deepcopy(m["specs"][5])),
        "categories of an unknown kind",
    ),
    "categories without values": (
        change(["specs", 5, "of"], None),
        "categories of an unknown kind",
    ),
    "categories of another count": (
        change(["specs", 5, "count"], 1),
        "a column whose length differs",
    ),
    "an order that is neither": (
        change(["specs", 5, "ordered"], 1),
        "ordered has an unknown value",
    ),
    "cells of another size": (change(["specs", 6, "bytes"], 2), "not JSON"),
    "cells of another length": (
        change(["specs", 6, "rows"], 2),
        "a column whose length differs",
    ),
    "cells without a length": (lambda m: m["specs"][6].pop("rows"), "rows is not a whole number"),
    "dates without a unit": (
        lambda m: m["specs"][4].pop("unit"),
        "unit has an unknown value",
    ),
    "an index of an unknown kind": (change(["index"], 7), "an index of an unknown kind"),
    "an index without levels": (change(["index"], {}), "an index without levels, or without names"),
    "a range of another length": (
        change(["index"], {"range": [0, 9, 1]}),
        "an index whose length differs",
    ),
    "a range without a step": (
        change(["index"], {"range": [0, 3, 0]}),
        "an invalid range",
    ),
    "a range beyond measure": (
        change(["index"], {"range": [0, 2**70, 1]}),
        "an invalid range",
    ),
    "an index name that is a list": (
        change(["index"], {"range": [0, 3, 1], "name": []}),
        "the name of an index is not text",
    ),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_that_lies(name, sent):
    lie, words = MANIFESTS[name]
    manifest, rest = taken_apart(base())
    lie(manifest)
    with pytest.raises(WireError, match=words):
        receive(sent(put_together(manifest, rest)))


NUMBERS = pd.DataFrame({"a": [1.5, 2.5], "kind": pd.Categorical([7, 7])})
SIZES = {
    "more rows than there are": (change(["rows"], 3), "ended too early"),
    "rows beyond memory": (change(["rows"], 2**40), "are allowed"),
    "rows beyond measure": (change(["rows"], 2**40 + 1), "rows is not a whole number"),
    "categories beyond memory": (change(["specs", 1, "count"], 2**31), "are allowed"),
    "categories beyond measure": (change(["specs", 1, "count"], 2**31 + 1), "count is not"),
    "more categories than there are": (change(["specs", 1, "count"], 2), "ended too early"),
    "one column": (change(["columns"], [0]), "numbers of names and columns differ"),
    "more columns": (change(["columns"], [0, 1, 1]), "numbers of names and columns differ"),
    "fewer names": (change(["names"], ["a"]), "columns are missing, or too many"),
    "half a character": (change(["names", 0], "\ud800"), "lone surrogate"),
    "names that are numbers": (change(["names"], [1, 2]), "names are not a list"),
    "no names": (change(["names"], None), "names are not a list"),
    "no columns": (change(["columns"], None), "numbers of names and columns differ"),
    "levels that are no list": (change(["index"], {"levels": {}}), "index of an unknown kind"),
    "a level that is no object": (change(["index"], {"levels": [1]}), "index of an unknown kind"),
    "a level without a spec": (change(["index"], {"levels": [{}]}), "index of an unknown kind"),
    "a range of two": (change(["index"], {"range": [0, 2]}), "an invalid range"),
    "a range of text": (change(["index"], {"range": [0, "2", 1]}), "an invalid range"),
    "a range of flags": (change(["index"], {"range": [False, 2, 1]}), "an invalid range"),
    "a range that is no list": (change(["index"], {"range": "021"}), "an invalid range"),
    "a far range": (change(["index"], {"range": [1 << 62, 2, 1]}), "an invalid range"),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_manifest_of_other_sizes(name, sent):
    lie, words = SIZES[name]
    manifest, rest = taken_apart(NUMBERS)
    lie(manifest)
    with pytest.raises(WireError, match=words):
        receive(sent(put_together(manifest, rest)))


def test_the_frame_that_is_changed_in_these_tests_is_valid(sent):
    manifest, rest = taken_apart(base())
    arrived = receive(sent(put_together(manifest, rest)))
    pd.testing.assert_frame_equal(arrived, base())


def single(values, place, data):
    """Return a one-column frame as it travels, with some bytes after the manifest changed."""
    manifest, rest = taken_apart(pd.DataFrame({"a": values}))
    return put_together(manifest, rest[:place] + data + rest[place + len(data) :])


TEXT = pd.array(["aé", "bc", "d"], "string[pyarrow]")
BYTES = np.array([b"ab", b"cd", b"\xff"], object)
VALUES = {
    "a flag that is 2": (single([True, False], 0, b"\x02"), "a boolean is neither 0 nor 1"),
    "a mask that is 2": (
        single(pd.array([1, 2], "Int64"), 16, b"\x02"),
        "a boolean is neither 0 nor 1",
    ),
    "a nullable flag that is 2": (
        single(pd.array([True, False], "boolean"), 0, b"\x02"),
        "a boolean is neither 0 nor 1",
    ),
    "a code past the categories": (
        single(pd.Categorical(["x", "y"]), 0, b"\x02"),
        "a code without a category",
    ),
    "a code below -1": (
        single(pd.Categorical(["x", "y"]), 0, b"\xfe"),
        "a code without a category",
    ),
    "categories that are equal": (
        single(pd.Categorical(["x", "y"]), 2 + 3 * 8, b"xx"),
        "categories are not unique",
    ),
    "a first offset that is not 0": (
        single(TEXT, 0, struct.pack("<q", 1)),
        "offsets do not span the text",
    ),
    "an offset past the end": (single(TEXT, 8, struct.pack("<q", 2**40)), "offsets go backwards"),
    "an offset below zero": (single(TEXT, 8, struct.pack("<q", -1)), "offsets go backwards"),
    "offsets that go backwards": (
        single(TEXT, 8, struct.pack("<qq", 5, 3)),
        "offsets go backwards",
    ),
    "a last offset past the end": (
        single(TEXT, 24, struct.pack("<q", 7)),
        "offsets do not span the text",
    ),
    "bytes with a first offset that is not 0": (
        single(BYTES, 0, struct.pack("<q", 1)),
        "offsets do not span the text",
    ),
    "bytes with an offset past the end": (
        single(BYTES, 8, struct.pack("<q", 2**40)),
        "offsets go backwards",
    ),
    "bytes with a last offset past the end": (
        single(BYTES, 24, struct.pack("<q", 7)),
        "offsets do not span the text",
    ),
    "bytes that are not UTF-8": (single(TEXT, 32, b"\xff"), "text is not UTF-8"),
    "a character cut off": (single(TEXT, 32 + 5, b"\xc3"), "text is not UTF-8"),
    "a surrogate": (single(TEXT, 32, b"\xed\xa0\x80"), "text is not UTF-8"),
    "an offset inside a character": (
        single(TEXT, 8, struct.pack("<q", 2)),
        "a text begins inside a character",
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_that_no_reader_expects(name, sent):
    data, words = VALUES[name]
    with pytest.raises(WireError, match=words):
        receive(sent(data))


CELLS = [
    ("[1, 2", "not JSON"),
    ('{"a": 1}', "cells are not a list"),
    ("[NaN]", "JSON has no number NaN"),
    ("[" * 100_000, "not JSON"),
    ('[{"is": "pickle", "of": "gASVAAAA"}]', "a cell of an unknown kind"),
    ('[{"is": "bytes", "of": "not base64!"}]', "read: Error"),
    ('[{"is": "bytes", "of": 1}]', "read: TypeError"),
    ('[{"is": "float", "of": "7"}]', "read: KeyError"),
    ('[{"is": "float", "of": []}]', "read: TypeError"),
    ('[{"is": "date", "of": "2020-99-99"}]', "read: ValueError"),
    ('[{"is": "date", "of": 5}]', "read: TypeError"),
    ('[{"is": "time", "of": null}]', "read: TypeError"),
    ('[{"is": "timestamp", "of": [1, "D", null]}]', "a date in an unknown unit"),
    ('[{"is": "timestamp", "of": [1e300, "s", null]}]', "a date in an unknown unit"),
    ('[{"is": "timestamp", "of": [99999999999999999999999, "s", null]}]', "read: OverflowError"),
    ('[{"is": "timestamp", "of": [1, "s", "1e99"]}]', "read: OverflowError"),
    ('[{"is": "timedelta", "of": [1]}]', "read: ValueError"),
    ('[{"is": "decimal", "of": "x"}]', "read: InvalidOperation"),
    ('[{"is": "decimal", "of": [1, 2, 3]}]', "a decimal is not text"),
    ('[{"is": "array", "of": ["O8", [1]]}]', "an array of an unknown type"),
    ('[{"is": "array", "of": ["<M8", [1]]}]', "an array of an unknown type"),
    ('[{"is": "array", "of": ["<i8", ["a"]]}]', "an array of anything other than numbers"),
    ('[{"is": "array", "of": ["|i1", [1000]]}]', "numbers too large for its type"),
    ('[{"is": "dict", "of": [[[], 1]]}]', "read: TypeError"),
    ('[{"is": "dict", "of": [[1]]}]', "read: ValueError"),
    ('[{"is": ["dict"], "of": []}]', "a cell of an unknown kind"),
    ('[{"of": 1}]', "a cell is an object without a tag"),
    ("[{}]", "a cell is an object without a tag"),
    ("[1, 2]", "cells are not a list"),
    ("9" * 5000, "not JSON"),
    (f"[{'9' * 5000}]", "not JSON"),
    ("[" * 501 + "]" * 501, "built: RecursionError"),
    ('[{"is": "array", "of": [",i8", [1]]}]', "built: SyntaxError"),
]


@pytest.mark.parametrize(("text", "words"), CELLS, ids=lambda text: text[:40])
def test_cells_that_cannot_be_read(text, words, sent):
    spec = {"kind": "cells", "bytes": len(text), "rows": 1}
    manifest = {"rows": 1, "names": ["a"], "specs": [spec], "columns": [0], "index": None}
    with pytest.raises(WireError, match=words):
        receive(sent(put_together(manifest, text.encode())))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "ended too early"),
        (b"\x00", "ended too early"),
        (struct.pack("<Q", 2**63), "are allowed"),
        (struct.pack("<Q", (64 << 20) + 1), "are allowed"),
        (struct.pack("<Q", 64 << 20), "ended too early"),
        (struct.pack("<Q", 100) + b"{}", "ended too early"),
        (struct.pack("<Q", 2) + b"[]", "not a JSON object"),
        (struct.pack("<Q", 1) + b"\xff", "not JSON"),
        (struct.pack("<Q", 4) + b"null", "not a JSON object"),
    ],
)
def test_a_start_that_is_no_manifest(data, words, sent):
    with pytest.raises(WireError, match=words):
        receive(sent(data))


@pytest.mark.parametrize("lost", [1, 10, 100])
def test_a_frame_that_ends_too_early(lost, sent):
    with pytest.raises(WireError, match="ended too early"):
        receive(sent(wire_bytes(base())[:-lost]))


@pytest.mark.parametrize(("part", "most"), [(b"[", 1 << 21), (b"{", 1 << 21), (b",", 1 << 23)])
def test_a_message_of_too_many_parts_is_not_read(part, most):
    # Counted in text too: what is not read need not be JSON.
    with pytest.raises(WireError, match="too many elements"):
        parse_json(part * (most + 1))
    with pytest.raises(WireError, match="not JSON"):
        parse_json(b"}" + part * most)


def test_a_frame_larger_than_allowed_is_refused_before_memory_is_taken(sent):
    data = wire_bytes(pd.DataFrame({"a": np.zeros(1 << 20)}))
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="are allowed"):
            receive(sent(data), max_bytes=1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "values",
    [
        np.array([object(), 1], object),
        np.array([1 + 2j, 3j]),
        pd.period_range("2020", periods=2, freq="M"),
        pd.interval_range(0, 2),
        pd.array([0, 1], pd.SparseDtype("i8")),
        pd.array([0, 1], "timestamp[us][pyarrow]"),
        np.array(["a\ud800", "b"], object),
        np.array([["a\ud800"], "b"], object),
        np.array([np.zeros((2, 2)), 1], object),
        np.array([np.array(["2020"], "M8[s]"), 1], object),
        np.array([np.complex64(1j), 1], object),
    ],
    ids=lambda values: str(values.dtype),
)
def test_what_cannot_travel_names_its_column(values):
    if isinstance(values, pd.Index):
        values = values.array
    column = pd.Series(values, dtype=values.dtype)
    frame = pd.DataFrame({"good": pd.Series([1, 2]), "bad one": column})
    with pytest.raises(ColumnRefused, match="'bad one'"):
        encode_frame(frame, keep_index=False)


def test_a_cell_that_holds_itself():
    cell = []
    cell.append(cell)
    with pytest.raises(ColumnRefused, match="nested too deep"):
        encode_frame(pd.DataFrame({"a": [cell, 1]}), keep_index=False)


def cells(*texts):
    return [{"kind": "cells", "bytes": len(text), "rows": 2} for text in texts], "".join(texts)


def categories(of, count):
    return {"kind": "category", "dtype": "i1", "ordered": False, "count": count, "of": of}


SIGNALING = '[{"is": "decimal", "of": "sNaN"}, {"is": "decimal", "of": "sNaN"}]'
HALF = {"kind": "plain", "dtype": "f2"}
PANDAS_REFUSES = {
    "an index of small floats": ({"levels": [{"name": None, "spec": HALF}]}, [], b"\0" * 4),
    "an index of lists": (
        {"levels": [{"name": None, "spec": spec} for spec in cells("[[1],[1]]", "[[1],[1]]")[0]]},
        [],
        b"[[1],[1]][[1],[1]]",
    ),
    "an index of numbers that signal": (
        {"levels": [{"name": None, "spec": spec} for spec in cells(SIGNALING, SIGNALING)[0]]},
        [],
        (SIGNALING * 2).encode(),
    ),
    "categories of small floats": (None, [categories(HALF, 1)], b"\0\0" + b"\0\0"),
    "categories that signal": (
        None,
        [categories(cells(SIGNALING)[0][0], 2)],
        b"\0\1" + SIGNALING.encode(),
    ),
}


@pytest.mark.parametrize("name", PANDAS_REFUSES)
def test_what_pandas_itself_refuses_is_a_wrong_frame(name, sent):
    index, specs, buffers = PANDAS_REFUSES[name]
    names = [f"c{number}" for number in range(len(specs))]
    manifest = {"rows": 2, "names": names, "specs": specs, "columns": list(range(len(specs)))}
    with pytest.raises(WireError):
        receive(sent(put_together({**manifest, "index": index}, buffers)))


def test_what_a_cell_takes_is_counted_whatever_the_column_says(sent):
    text = "[" + ",".join(["[[],[]]"] * 1000) + "]"
    spec = {"kind": "cells", "bytes": len(text), "rows": 1000, "of": {"kind": "plain"}}
    manifest = {"rows": 1000, "names": ["a"], "specs": [spec], "columns": [0], "index": None}
    with pytest.raises(FrameTooLarge):
        receive(sent(put_together(manifest, text.encode())), max_bytes=10 * len(text))


def test_columns_without_rows_are_counted(sent):
    of = {"kind": "plain", "dtype": "i8"}
    names = [str(number) for number in range(20_000)]
    manifest = {
        "rows": 0,
        "names": names,
        "specs": [categories(of, 0)] * len(names),
        "columns": list(range(len(names))),
        "index": None,
    }
    with pytest.raises(FrameTooLarge):
        receive(sent(put_together(manifest, b"")), max_bytes=64 << 20)


@pytest.mark.parametrize("name", [1, [], "\ud800"])
def test_the_name_of_a_range_is_text(name, sent):
    index = {"range": [0, 1, 1], "name": name}
    manifest = {"rows": 1, "names": [], "specs": [], "columns": [], "index": index}
    with pytest.raises(WireError):
        receive(sent(put_together(manifest, b"")))
