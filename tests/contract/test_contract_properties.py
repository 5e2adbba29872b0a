"""What holds for every frame and every value, by Hypothesis."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cells import cells, typed

from azml_magic.contract.changes import KINDS
from azml_magic.contract.column_names import unique_names
from azml_magic.contract.datasets import prepare_input, prepare_output
from azml_magic.contract.profile import CLASSIC, DESIGNER, rules_of
from azml_magic.contract.returned_values import ReturnRefused, collect_outputs
from azml_magic.errors import InputError
from azml_magic.protocol.options import Options
from azml_magic.wire import encode_frame

PROFILES = st.sampled_from([CLASSIC, DESIGNER, rules_of(Options(dates="datetime"))])
NUMBERS = ["i1", "i8", ">i4", "u8", "f2", "f4", "f8", ">f8", "bool", "c16"]
QUICK = settings(max_examples=150, deadline=None)

scalars = st.one_of(
    st.none(),
    st.just(np.nan),
    st.just(pd.NA),
    st.just(pd.NaT),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.binary(max_size=4),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
    st.decimals(),
    st.complex_numbers(),
    st.builds(np.float16, st.floats(-10, 10)),
    st.builds(np.int8, st.integers(-100, 100)),
    st.builds(np.bool_, st.booleans()),
    st.builds(np.str_, st.text(max_size=3)),
    st.builds(np.datetime64, st.dates()),
    st.just(np.datetime64("NaT")),
    st.builds(pd.Period, st.just("2020-01"), freq=st.just("M")),
    st.builds(pd.Interval, st.just(0), st.just(1)),
    st.builds(object),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner),
        st.dictionaries(st.one_of(st.text(max_size=2), st.integers()), inner, max_size=2),
        st.builds(np.array, st.lists(st.integers(0, 9), max_size=3)),
        st.frozensets(st.integers(), max_size=2),
    ),
    max_leaves=6,
)
labels = st.one_of(
    st.sampled_from(["a", "a (2)", "a_0", "", "1", "__index_level_0__"]),
    st.text(max_size=3),
    st.integers(-1, 2),
    st.none(),
    st.floats(),
    st.dates(),
    st.tuples(st.integers(0, 1)),
)


def objects(items):
    array = np.empty(len(items), dtype=object)
    for row, item in enumerate(items):
        array[row] = item
    return array


@st.composite
def columns(draw, rows):
    """Draw one column of any type that pandas has."""
    kind = draw(st.sampled_from(["object", "alike", "number", "date", "nullable", "other"]))
    whole = draw(st.lists(st.integers(-100, 100), min_size=rows, max_size=rows))
    if kind == "object":
        return objects(draw(st.lists(values, min_size=rows, max_size=rows)))
    if kind == "alike":
        cell = draw(values)
        return objects([cell if number % 2 else None for number in whole])
    if kind == "number":
        dtype = draw(st.sampled_from(NUMBERS))
        return np.array(whole).astype(dtype)
    if kind == "date":
        dtype = draw(st.sampled_from(["M8[s]", "M8[ns]", "m8[ms]", "m8[ns]"]))
        array = np.array(whole, dtype="i8").astype(dtype)
        array[np.array(whole, dtype="i8") > 50] = "NaT"
        return array
    missing = [None if number > 50 else number for number in whole]
    if kind == "nullable":
        dtype = draw(st.sampled_from(["Int8", "UInt64", "Float32", "Float64"]))
        return pd.array([abs(n) if n is not None else None for n in missing], dtype=dtype)
    return draw(
        st.sampled_from(
            [
                pd.Categorical(missing),
                pd.array([None if n is None else str(n) for n in missing], dtype="string"),
                pd.array([None if n is None else n > 0 for n in missing], dtype="boolean"),
                pd.arrays.SparseArray(np.array(whole)),
                pd.period_range("2020", periods=rows, freq="D").array,
                pd.Categorical(pd.interval_range(0, rows)),
                pd.date_range("2020", periods=rows, tz="UTC").array,
            ]
        )
    )


@st.composite
def frames(draw):
    """Draw a frame with any columns, labels and index."""
    rows, width = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    parts = {number: draw(columns(rows)) for number in range(width)}
    index = draw(
        st.one_of(
            st.just(pd.RangeIndex(rows)),
            st.just(pd.RangeIndex(2, 2 + 3 * rows, 3, name="n")),
            st.builds(
                lambda cells_: pd.Index(objects(cells_)),
                st.lists(
                    st.one_of(st.text(max_size=2), st.integers(), st.dates(), st.none()),
                    min_size=rows,
                    max_size=rows,
                ),
            ),
            st.just(pd.date_range("2020", periods=rows, name=("a", 1))),
            st.just(pd.MultiIndex.from_product([["x"], range(rows)], names=[None, 0])),
        )
    )
    frame = pd.DataFrame(index=index)
    if parts:
        frame = pd.concat(
            [
                pd.Series(part, index=index, name=number, dtype=part.dtype)
                for number, part in parts.items()
            ],
            axis=1,
        )
    frame.columns = pd.Index(draw(st.lists(labels, min_size=width, max_size=width)), dtype=object)
    return frame


def snapshot(frame):
    """Return all that a person could see of a frame, and its buffers."""
    return (
        list(map(repr, frame.columns.tolist())),
        list(map(repr, frame.index.tolist())),
        [str(dtype) for dtype in frame.dtypes],
        [
            [(type(cell), repr(cell)) for cell in frame.iloc[:, number].astype(object)]
            for number in range(frame.shape[1])
        ],
    )


def outcome_of(call, *arguments):
    """Return what a call gives and ``None``, or ``None`` and how it refused."""
    try:
        return call(*arguments), None
    except (InputError, ReturnRefused) as error:
        return None, error


def prepared_or_none(prepare, frame, port, profile):
    outcome, error = outcome_of(prepare, frame, port, profile)
    if error is not None:
        assert error.message.startswith(port)
        assert error.hint
        assert "\n" not in error.message + error.hint
    return outcome


WAYS = st.sampled_from([(prepare_input, "dataset1"), (prepare_output, "output1")])


@QUICK
@given(frames(), WAYS, PROFILES)
def test_a_frame_is_prepared_or_refused_and_never_changed(frame, way, profile):
    before = snapshot(frame)
    outcome = prepared_or_none(way[0], frame, way[1], profile)
    assert snapshot(frame) == before
    if outcome is None:
        return
    prepared, findings = outcome
    assert type(prepared) is pd.DataFrame
    assert prepared is not frame
    assert all(type(name) is str for name in prepared.columns)
    assert prepared.columns.is_unique
    assert len({finding.code for finding in findings}) == len(findings)
    if prepared.shape[1]:
        assert len(prepared) == len(frame)
    if not profile.keeps_index:
        assert prepared.index.equals(pd.RangeIndex(len(prepared)))


@QUICK
@given(frames(), PROFILES)
def test_writing_into_what_was_prepared_does_not_reach_the_original(frame, profile):
    before = snapshot(frame)
    outcome = prepared_or_none(prepare_output, frame, "output1", profile)
    if outcome is not None:
        prepared, _ = outcome
        prepared["new"] = 1
        prepared.columns = [f"x{number}" for number in range(prepared.shape[1])]
        prepared.index = pd.RangeIndex(5, 5 + len(prepared))
    assert snapshot(frame) == before


@QUICK
@given(frames(), WAYS, PROFILES)
def test_what_was_prepared_stays_as_it_is(frame, way, profile):
    prepare, port = way
    outcome = prepared_or_none(prepare, frame, port, profile)
    if outcome is None:
        return
    once, _ = outcome
    twice, findings = prepare(once, port, profile)
    assert snapshot(twice) == snapshot(once)
    # These tell what a column holds, and not that it was changed.
    assert {finding.code[3:] for finding in findings} <= {"19", "20"}


@QUICK
@given(frames(), WAYS, PROFILES)
def test_what_the_rules_let_pass_can_travel(frame, way, profile):
    outcome = prepared_or_none(way[0], frame, way[1], profile)
    if outcome is not None:
        encoded = encode_frame(outcome[0], keep_index=profile.keeps_index)
        assert encoded.manifest["names"] == list(outcome[0].columns)


@QUICK
@given(frames(), PROFILES)
def test_columns_keep_their_order(frame, profile):
    frame = frame.copy()
    frame.columns = [f"c{number}" for number in range(frame.shape[1])]
    outcome = prepared_or_none(prepare_output, frame, "output1", profile)
    if outcome is not None:
        assert list(outcome[0].columns) == list(frame.columns)


@QUICK
@given(frames())
def test_designer_hands_on_what_it_wrote(frame):
    outcome = prepared_or_none(prepare_output, frame, "output1", DESIGNER)
    if outcome is None or any(finding.code == "AZ320" for finding in outcome[1]):
        return
    handed, _ = prepare_input(outcome[0], "dataset1", DESIGNER)
    assert list(handed.columns) == list(outcome[0].columns)
    for name in handed.columns:
        assert typed(map(str, cells(handed[name]))) == typed(map(str, cells(outcome[0][name])))


@pytest.mark.rule("N1", "N2", "N3", "N4", profile="both")
@QUICK
@given(st.lists(labels, max_size=12), PROFILES)
def test_names_are_unique_stable_text(names, profile):
    made = unique_names(names, profile)
    assert len(made) == len(names)
    assert all(type(name) is str for name in made)
    assert len(set(made)) == len(made)
    assert unique_names(made, profile) == made
    for name in made:
        name.encode()
    texts = [str(label) for label in names]
    first = {text: position for position, text in reversed(list(enumerate(texts)))}
    if profile is CLASSIC:  # designer may have taken a later name before it is reached
        assert all(made[position] == text for text, position in first.items() if text.isascii())


class Loud:
    """An object whose every method fails."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __len__(self):
        raise RuntimeError("len")

    def __eq__(self, other):
        raise RuntimeError("eq")

    __hash__ = object.__hash__
    __str__ = __repr__ = __iter__ = __bool__ = __float__ = __len__


returned_values = st.one_of(
    values,
    st.just(pd.DataFrame({"a": [1]})),
    st.builds(pd.Series, st.lists(st.integers(), max_size=2)),
    st.builds(Loud),
    st.builds(lambda size: np.zeros([1] * size), st.integers(0, 3)),
    st.builds(lambda: (number for number in [1])),
)
returns = st.one_of(
    returned_values,
    st.lists(returned_values, max_size=3),
    st.builds(tuple, st.lists(returned_values, max_size=3)),
    st.builds(objects, st.lists(returned_values, max_size=2)),
    st.dictionaries(st.text(max_size=2), returned_values, max_size=2),
)


@QUICK
@given(returns, PROFILES)
def test_whatever_is_returned_gives_two_ports_or_a_refusal(returned, profile):
    outcome, error = outcome_of(collect_outputs, returned, profile)
    if error is not None:
        assert error.number == "0085"
        assert error.hint
        assert "\n" not in error.message
        return
    ports, findings = outcome
    assert len(ports) == 2
    assert all(frame is None or isinstance(frame, pd.DataFrame) for frame in ports)
    assert all(finding.code.startswith("AZ33") for finding in findings)
    for frame in ports:
        if frame is not None:
            prepared_or_none(prepare_output, frame, "output1", profile)


def test_kinds_of_change_have_their_own_numbers():
    assert len({kind.number for kind in KINDS}) == len(KINDS)


def test_a_view_of_a_larger_array_is_not_written_to():
    base = np.arange(12.0).reshape(4, 3)
    frame = pd.DataFrame(base[::2], columns=["a", "a", "b"])
    frame["when"] = pd.to_datetime(["2020-01-01", "2020-01-02"])
    before = base.copy()
    prepared, _ = prepare_input(frame, "dataset1", CLASSIC)
    assert list(prepared.columns) == ["a", "a (2)", "b", "when"]
    assert (base == before).all()
    assert frame["when"].dtype.kind == "M"


def test_standard_types_are_what_the_tables_say():
    cell = datetime.datetime(2020, 1, 1)
    frame = pd.DataFrame({"a": pd.Series([cell, decimal.Decimal(1)], dtype=object)})
    with pytest.raises(ReturnRefused, match="a Decimal after a datetime"):
        prepare_output(frame, "output1", DESIGNER)
