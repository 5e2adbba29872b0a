"""Memory that is lent to a pipe: the same frames arrive, and nothing but a copy is shared."""

import fcntl
import os
import signal
import socket
import threading

import numpy as np
import pandas as pd
import pytest
from support.wires import LIMIT, wire_bytes

from azml_magic.wire import Channel, encode_frame, frames, pipe, receive_frame, send_frame
from azml_magic.wire.channel import ChannelClosed


@pytest.fixture
def ends():
    made = pipe.make()
    assert made is not None
    yield made
    for end in made.reading + made.writing:
        try:
            os.close(end)
        except OSError:
            continue


def travel(frame, ends, *, between=int):
    """Send a frame by pipes that have carried none before."""
    ours, theirs = socket.socketpair()
    encoded = encode_frame(frame, keep_index=False)
    reader = pipe.PipeReader(ends.reading)
    writer = pipe.PipeWriter(ends.writing, between)
    thread = threading.Thread(target=send_frame, args=(Channel(ours), encoded, writer))
    thread.start()
    try:
        return receive_frame(
            Channel(theirs), text="str", max_bytes=LIMIT, trusted=True, pipe=reader
        )
    finally:
        theirs.close()
        thread.join()
        ours.close()


def large():
    rows = 700_000
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "a": draw.random(rows),
            "b": draw.integers(0, 9, rows),
            "c": draw.random(rows),
            "flag": draw.random(rows) < 0.5,
            "kind": pd.Categorical.from_codes(draw.integers(0, 3, rows), pd.Index(["u", "v", "w"])),
        }
    )


def test_a_large_frame_is_lent_and_arrives_whole(ends):
    frame = large()
    assert encode_frame(frame, keep_index=False).can_be_lent
    calls = []
    pd.testing.assert_frame_equal(travel(frame, ends, between=lambda: calls.append(1)), frame)
    assert calls


@pytest.mark.parametrize("rows", [0, 1, 2, 511, 4097])
def test_buffers_of_any_length(ends, rows, monkeypatch):
    monkeypatch.setattr(frames, "LEAST_BYTES", 0)
    frame = large().head(rows)
    pd.testing.assert_frame_equal(travel(frame, ends), frame.reset_index(drop=True))


def test_several_frames_one_after_the_other(ends):
    frame = large()
    writer, reader = pipe.PipeWriter(ends.writing, int), pipe.PipeReader(ends.reading)
    for number in range(3):
        frame["b"] += number
        sent = [frame[name].to_numpy() for name in "abc"]
        thread = threading.Thread(target=writer.lend, args=(sent,))
        thread.start()
        received = [np.empty_like(values) for values in sent]
        reader.receive_into(received)
        thread.join()
        assert all(map(np.array_equal, sent, received))


@pytest.mark.parametrize("length", [1, 63, 4096, 100_000])
def test_pieces_are_cut_where_the_writer_did_not_cut_them(ends, length):
    values = np.arange(3 << 18, dtype=np.uint32)
    writer = pipe.PipeWriter(ends.writing, int)
    pieces = [values[:7], values[7:500_000], values[500_000:]]
    thread = threading.Thread(target=writer.lend, args=(pieces,))
    thread.start()
    received = np.zeros_like(values)
    first = received[: 100 * length]
    cut = [first[start : start + length] for start in range(0, len(first), length)]
    pipe.PipeReader(ends.reading).receive_into([*cut, received[100 * length :]])
    thread.join()
    assert np.array_equal(values, received)


def test_what_arrives_is_a_copy(ends):
    values = np.zeros(4 << 20)
    arrived = travel(pd.DataFrame({"a": values}, copy=False), ends)
    values[:] = 7
    assert float(arrived["a"].max()) == 0
    received = arrived["a"].to_numpy(copy=True)
    received[:] = 3
    assert float(values.min()) == 7


def test_small_frames_text_and_frames_with_gaps_are_not_lent():
    assert not encode_frame(pd.DataFrame({"a": [1]}), keep_index=False).can_be_lent
    text = large().assign(text="x")
    assert not encode_frame(text, keep_index=False).can_be_lent
    matrix = np.zeros((3 << 20, 2))
    gaps = pd.DataFrame(matrix, columns=["a", "b"], copy=False).iloc[::2]
    assert not encode_frame(gaps, keep_index=False).can_be_lent


def test_a_run_cannot_make_the_notebook_read_elsewhere():
    frame = pd.DataFrame({"a": [1, 2]})
    data = wire_bytes(frame).replace(b'"lent": false', b'"lent": true ')
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        arrived = receive_frame(Channel(theirs), text="str", max_bytes=LIMIT)
    pd.testing.assert_frame_equal(arrived, frame)


def test_a_reader_that_is_gone(ends):
    for end in ends.reading:
        os.close(end)
    with pytest.raises(BrokenPipeError):
        pipe.PipeWriter(ends.writing, int).lend([np.zeros(1 << 20)])


def test_a_writer_that_is_gone(ends):
    pipe.PipeWriter(ends.writing, int).lend([np.zeros(100)])
    for end in ends.writing:
        os.close(end)
    with pytest.raises(ChannelClosed):
        pipe.PipeReader(ends.reading).receive_into([np.empty(101)])


def test_an_interrupt_is_felt_while_nobody_reads(ends):
    def interrupt(*_):
        raise KeyboardInterrupt

    def lend():
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        pipe.PipeWriter(ends.writing, int).lend([np.zeros(4 << 20)])

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            lend()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_no_pipe_where_the_kernel_grants_too_little(monkeypatch):
    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(pipe, "PIPE_BYTES", 1 << 30)
    monkeypatch.setattr(fcntl, "fcntl", lambda *_: 1 << 16)
    assert pipe.make() is None
    assert len(os.listdir("/proc/self/fd")) == before


def test_trying_a_pipe_leaves_none_open():
    before = len(os.listdir("/proc/self/fd"))
    pipe.available.cache_clear()
    assert pipe.available()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("error", [OSError(38, "Function not implemented"), AttributeError])
def test_no_pipe_where_memory_cannot_be_lent(monkeypatch, error):
    def refuse(*_):
        raise error

    monkeypatch.setattr(pipe, "_vmsplice", refuse)
    pipe.available.cache_clear()
    try:
        assert pipe.make() is None
    finally:
        pipe.available.cache_clear()
