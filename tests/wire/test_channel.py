"""Messages over a socket: in pieces, at once, and without blocking."""

import os
import select
import socket

import pytest

from azml_magic.wire import Channel, ChannelClosed, WireError

LARGE = os.urandom(4 << 20)


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_events_and_bytes_arrive_in_their_order(ends):
    sender, receiver = map(Channel, ends)
    sender.send_event({"a": "ü"})
    sender.send_bytes(b"")
    sender.send_bytes(b"xyz")
    assert receiver.receive_event(100) == {"a": "ü"}
    assert receiver.receive_bytes(0) == b""
    assert receiver.receive_bytes(3) == b"xyz"


def test_a_message_is_as_long_as_it_may_be(ends):
    sender, receiver = map(Channel, ends)
    sender.send_bytes(b"xyz")
    with pytest.raises(WireError, match="a message of 3 bytes, where 2 are allowed"):
        receiver.receive_bytes(2)


def test_what_is_sent_together_is_sent_at_the_end(ends):
    sender, receiver = map(Channel, ends)
    with sender.together():
        sender.send_event({"a": 1})
        sender.send_bytes(b"xyz")
        assert not select.select([ends[1]], [], [], 0)[0]
    assert receiver.receive_event(100) == {"a": 1}
    assert receiver.receive_bytes(3) == b"xyz"
    sender.send_bytes(b"alone")
    assert receiver.receive_bytes(9) == b"alone"


def test_what_fails_together_is_not_sent(ends):
    sender, receiver = map(Channel, ends)

    def fail():
        with sender.together():
            sender.send_event({"a": 1})
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    sender.send_event({"b": 2})
    assert receiver.receive_event(100) == {"b": 2}


def test_a_socket_that_does_not_block_is_waited_for(ends):
    """Each end waits until the other has gone on; here both are served in turns."""
    received = bytearray()
    waited = []

    def empty(descriptor, writing):
        waited.append((descriptor == ends[0].fileno(), writing))
        received.extend(ends[1].recv(1 << 20))

    ends[0].setblocking(False)
    Channel(ends[0], empty).send_bytes(LARGE)
    ends[0].shutdown(socket.SHUT_WR)
    while piece := ends[1].recv(1 << 20):
        received += piece
    assert received == len(LARGE).to_bytes(8, "little") + LARGE
    assert set(waited) == {(True, True)}


def test_a_socket_that_does_not_block_is_read_when_there_is_something(ends):
    pieces = [len(LARGE).to_bytes(8, "little"), LARGE[:1000], LARGE[1000:5000], LARGE[5000:9000]]

    def fill(descriptor, writing):
        assert (descriptor, writing) == (ends[1].fileno(), False)
        if pieces:
            ends[0].sendall(pieces.pop(0))
        else:
            ends[0].close()

    ends[1].setblocking(False)
    with pytest.raises(ChannelClosed, match="ended too early"):
        Channel(ends[1], fill).receive_bytes(len(LARGE))
    assert pieces == []


def test_many_small_buffers_arrive_whole(ends):
    sender, receiver = map(Channel, ends)
    buffers = [bytes([number % 256]) * (number % 3) for number in range(2000)]
    sender.send_buffers(buffers)
    arrived = [bytearray(len(buffer)) for buffer in buffers]
    receiver.receive_into(arrived)
    assert arrived == buffers
