"""Buffers with and without gaps, neighbours and strangers: the same bytes in the same order."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.wires import travel

from azml_magic.wire.gather import pieces

MATRIX = np.arange(7 * 300, dtype=np.int32).reshape(300, 7)


def check(buffers, most=None):
    found = list(pieces(buffers))
    assert b"".join(map(bytes, found)) == b"".join(buffer.tobytes() for buffer in buffers)
    if most is not None:
        assert len(found) <= most


def test_neighbours_are_one_piece_and_not_copied():
    block = np.ones((1000, 50))
    buffers = [block[row] for row in range(1000)]
    check(buffers, most=1)
    assert np.shares_memory(next(pieces(buffers)), block)


def test_neighbours_by_chance_stay_apart():
    one, other = np.arange(10), np.arange(10)
    check([one, other])


@pytest.mark.parametrize("order", [range(7), range(6, -1, -1), [0, 2, 4, 6], [3, 3, 3], [0, 5, 6]])
@pytest.mark.parametrize("rows", [slice(None), slice(5, 200), slice(None, None, 3)])
def test_columns_of_a_matrix_by_rows(order, rows):
    check([MATRIX[rows][:, column] for column in order])


def test_many_interleaved_columns():
    matrix = np.random.default_rng(0).random((3000, 150))
    check([matrix[:, column] for column in range(150)], most=4)


def test_interleaved_columns_longer_than_a_piece():
    matrix = np.zeros(2 << 20, np.int64).reshape(-1, 2)
    matrix[::7] = 3
    check([matrix[:, 0], matrix[:, 1]])


def test_backwards_and_empty():
    check([MATRIX[::-1, 0], MATRIX[::-1, 1]])
    check([MATRIX[:0, 0], MATRIX[:0, 1]])
    check([])


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 40), st.integers(1, 5), st.booleans()),
        max_size=12,
    )
)
def test_any_columns(chosen):
    buffers = []
    for column, start, step, whole in chosen:
        values = MATRIX[start::step, column]
        buffers.append(values.copy() if whole else values)
    check(buffers)


def test_the_stride_of_one_row_means_nothing():
    # NumPy calls these contiguous, whatever their strides are.
    row = np.arange(12.0).reshape(2, 6)[:1]
    assert row[:, 0].strides != (8,)
    check([row[:, column] for column in range(6)])
    odd = np.lib.stride_tricks.as_strided(np.arange(3), (3, 1), (8, 12345))
    check([odd[row] for row in range(3)], most=1)


def views(array, changes):
    """Return the views of an array that slices, a transposition or a broadcast make."""
    for change, step in changes:
        if change == "transpose":
            array = array.T
        elif change == "broadcast":
            array = np.broadcast_to(array[:1], (abs(step) if len(array) else 0, *array.shape[1:]))
        else:
            array = array[::step] if change == "rows" else array[:, ::step]
    return array


@given(
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    st.sampled_from(["f8", "i4", "u1", "?", "M8[ns]", "c16", "f2"]),
    st.lists(
        st.tuples(
            st.sampled_from(["rows", "columns", "transpose", "broadcast"]),
            st.integers(-3, 3).filter(bool),
        ),
        max_size=4,
    ),
)
def test_columns_of_any_view(shape, dtype, changes):
    made = views(np.arange(shape[0] * shape[1]).reshape(shape).astype(dtype), changes)
    check([made[:, column] for column in range(made.shape[1])])
    check(list(made))


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0]}).mean().to_frame().T,
        pd.DataFrame({"q": [1, 2]}).T.rename(columns=str),
        pd.DataFrame(np.ones((2, 3)), columns=list("abc")).iloc[:1],
        pd.DataFrame(np.ones((3, 2), order="F"), columns=["a", "b"]).iloc[1:2],
        pd.DataFrame({"a": [1], "b": [2]}),
        pd.DataFrame(np.broadcast_to(np.float64(3), (1, 4)), columns=list("abcd"), copy=False),
        pd.DataFrame({"a": [True, False]}).T.rename(columns=str),
    ],
    ids=["mean", "transposed", "row", "fortran", "plain", "broadcast", "booleans"],
)
def test_one_row_arrives_however_it_lies_in_memory(frame):
    pd.testing.assert_frame_equal(travel(frame), frame)


@pytest.mark.parametrize("make", [np.ascontiguousarray, np.asfortranarray])
def test_frames_over_either_layout_arrive_alike(make):
    frame = pd.DataFrame(make(np.random.default_rng(1).random((2500, 130))), copy=False)
    frame.columns = frame.columns.map(str)
    pd.testing.assert_frame_equal(travel(frame), frame)
    part = frame.iloc[10:2000:3, ::2]
    pd.testing.assert_frame_equal(
        travel(part, keep_index=False), part.reset_index(drop=True), check_index_type=False
    )


def test_columns_of_one_type_between_others_share_a_block():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None], "c": [3.0, 4.0], "d": [True, False]})
    frame["e"] = [5.0, 6.0]
    arrived = travel(frame)
    assert list(arrived.columns) == list("abcde")
    assert arrived[["a", "c", "e"]].to_numpy().tolist() == [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]
    arrived.iloc[0, 2] = 9.0
    assert arrived["a"].tolist() == [1.0, 2.0]
