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
    "no rows told": change(["rows"], None),
    "rows below zero": change(["rows"], -1),
    "rows as text": change(["rows"], "3"),
    "rows as a flag": change(["rows"], True),
    "fewer rows than the text has": change(["rows"], 2),
    "more rows than there are": change(["rows"], 4),
    "rows beyond measure": change(["rows"], 2**60),
    "rows beyond memory": change(["rows"], 2**39),
    "names that are no list": change(["names"], "abcdefg"),
    "a name that is no text": change(["names", 0], 1),
    "a name twice": change(["names", 0], "flag"),
    "fewer columns than names": change(["columns"], [0]),
    "a column below zero": change(["columns", 0], -1),
    "a column past the last": change(["columns", 0], 99),
    "a column as a flag": change(["columns", 0], True),
    "specs that are no list": change(["specs"], {}),
    "a spec that is no object": change(["specs", 0], []),
    "a kind that is unknown": change(["specs", 0, "kind"], "pickle"),
    "a kind that is no text": change(["specs", 0, "kind"], ["plain"]),
    "objects as numbers": change(["specs", 0, "dtype"], "O"),
    "a dtype that is no text": change(["specs", 0, "dtype"], 8),
    "another size of numbers": change(["specs", 0, "dtype"], "f2"),
    "text of another size": change(["specs", 2, "bytes"], 3),
    "text below zero": change(["specs", 2, "bytes"], -1),
    "text beyond memory": change(["specs", 2, "bytes"], 2**47),
    "more missing than rows": change(["specs", 2, "missing"], 4),
    "text of another length": change(["specs", 2, "rows"], 2),
    "an unknown text type": change(["specs", 2, "dtype"], "pickle"),
    "an unknown unit": change(["specs", 4, "unit"], "D"),
    "a zone that is a path": change(["specs", 4, "zone"], "../../etc/passwd"),
    "a zone that opens files": change(["specs", 4, "zone"], "dateutil//etc/passwd"),
    "a zone that is not there": change(["specs", 4, "zone"], "Mars/Olympus"),
    "a zone out of range": change(["specs", 4, "zone"], 10**9),
    "a zone for a time span": change(["specs", 4, "what"], "m"),
    "categories of categories": lambda m: m["specs"][5].update(of=copy.deepcopy(m["specs"][5])),
    "categories without values": change(["specs", 5, "of"], None),
    "categories of another count": change(["specs", 5, "count"], 1),
    "categories beyond memory": change(["specs", 5, "count"], 2**31),
    "an order that is neither": change(["specs", 5, "ordered"], 1),
    "cells of another size": change(["specs", 6, "bytes"], 2),
    "cells of another length": change(["specs", 6, "rows"], 2),
    "cells without a length": lambda m: m["specs"][6].pop("rows"),
    "dates without a unit": lambda m: m["specs"][4].pop("unit"),
    "an index of an unknown kind": change(["index"], 7),
    "an index without levels": change(["index"], {}),
    "a range of another length": change(["index"], {"range": [0, 9, 1]}),
    "a range without a step": change(["index"], {"range": [0, 3, 0]}),
    "a range beyond measure": change(["index"], {"range": [0, 2**70, 1]}),
    "an index name that is a list": change(["index"], {"range": [0, 3, 1], "name": []}),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_that_lies(name, sent):
    manifest, rest = taken_apart(base())
    MANIFESTS[name](manifest)
    with pytest.raises(WireError):
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
VALUES = {
    "a flag that is 2": single([True, False], 0, b"\x02"),
    "a mask that is 2": single(pd.array([1, 2], "Int64"), 16, b"\x02"),
    "a nullable flag that is 2": single(pd.array([True, False], "boolean"), 0, b"\x02"),
    "a code past the categories": single(pd.Categorical(["x", "y"]), 0, b"\x02"),
    "a code below -1": single(pd.Categorical(["x", "y"]), 0, b"\xfe"),
    "categories that are equal": single(pd.Categorical(["x", "y"]), 2 + 3 * 8, b"xx"),
    "a first offset that is not 0": single(TEXT, 0, struct.pack("<q", 1)),
    "an offset past the end": single(TEXT, 8, struct.pack("<q", 2**40)),
    "an offset below zero": single(TEXT, 8, struct.pack("<q", -1)),
    "offsets that go backwards": single(TEXT, 8, struct.pack("<qq", 5, 3)),
    "a last offset past the end": single(TEXT, 24, struct.pack("<q", 7)),
    "bytes that are not UTF-8": single(TEXT, 32, b"\xff"),
    "a character cut off": single(TEXT, 32 + 5, b"\xc3"),
    "a surrogate": single(TEXT, 32, b"\xed\xa0\x80"),
    "an offset inside a character": single(TEXT, 8, struct.pack("<q", 2)),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_that_no_reader_expects(name, sent):
    with pytest.raises(WireError):
        receive(sent(VALUES[name]))


CELLS = [
    "[1, 2",
    '{"a": 1}',
    "[NaN]",
    "[" * 100_000,
    '[{"is": "pickle", "of": "gASVAAAA"}]',
    '[{"is": "bytes", "of": "not base64!"}]',
    '[{"is": "bytes", "of": 1}]',
    '[{"is": "float", "of": "7"}]',
    '[{"is": "float", "of": []}]',
    '[{"is": "date", "of": "2020-99-99"}]',
    '[{"is": "date", "of": 5}]',
    '[{"is": "time", "of": null}]',
    '[{"is": "timestamp", "of": [1, "D", null]}]',
    '[{"is": "timestamp", "of": [1e300, "s", null]}]',
    '[{"is": "timestamp", "of": [99999999999999999999999, "s", null]}]',
    '[{"is": "timestamp", "of": [1, "s", "1e99"]}]',
    '[{"is": "timedelta", "of": [1]}]',
    '[{"is": "decimal", "of": "x"}]',
    '[{"is": "decimal", "of": [1, 2, 3]}]',
    '[{"is": "array", "of": ["O8", [1]]}]',
    '[{"is": "array", "of": ["<M8", [1]]}]',
    '[{"is": "array", "of": ["<i8", ["a"]]}]',
    '[{"is": "array", "of": ["|i1", [1000]]}]',
    '[{"is": "dict", "of": [[[], 1]]}]',
    '[{"is": "dict", "of": [[1]]}]',
    '[{"is": ["dict"], "of": []}]',
    '[{"of": 1}]',
    "[{}]",
    "[1, 2]",
    "9" * 5000,
    f"[{'9' * 5000}]",
    "[" * 501 + "]" * 501,
    '[{"is": "array", "of": [",i8", [1]]}]',
]


@pytest.mark.parametrize("text", CELLS, ids=lambda text: text[:40])
def test_cells_that_cannot_be_read(text, sent):
    spec = {"kind": "cells", "bytes": len(text), "rows": 1}
    manifest = {"rows": 1, "names": ["a"], "specs": [spec], "columns": [0], "index": None}
    with pytest.raises(WireError):
        receive(sent(put_together(manifest, text.encode())))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        struct.pack("<Q", 2**63),
        struct.pack("<Q", 100) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 1) + b"\xff",
        struct.pack("<Q", 4) + b"null",
    ],
)
def test_a_start_that_is_no_manifest(data, sent):
    with pytest.raises(WireError):
        receive(sent(data))


@pytest.mark.parametrize("lost", [1, 10, 100])
def test_a_frame_that_ends_too_early(lost, sent):
    with pytest.raises(WireError):
        receive(sent(wire_bytes(base())[:-lost]))


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
        np.array(["a\ud800", "b"], object),
        np.array([["a\ud800"], "b"], object),
        np.array([np.zeros((2, 2)), 1], object),
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
