"""Both ends of a data socket in one process."""

import socket
import threading

import pytest

from azml_magic.wire import Channel, encode_frame, receive_frame, send_frame

LIMIT = 1 << 30


@pytest.fixture
def sent():
    """Return a function that hands bytes to a channel whose other end is then closed."""
    threads, sockets = [], []

    def send(data):
        ours, theirs = socket.socketpair()

        def push():
            with ours:
                try:
                    ours.sendall(data)
                except OSError:
                    return

        threads.append(threading.Thread(target=push))
        threads[-1].start()
        sockets.append(theirs)
        return Channel(theirs)

    yield send
    for end in sockets:
        end.close()
    for thread in threads:
        thread.join()


def travel(frame, *, text="str", trusted=False, keep_index=True, max_bytes=LIMIT):
    """Send a frame through a socket, and return what arrives."""
    ours, theirs = socket.socketpair()
    encoded = encode_frame(frame, keep_index=keep_index)

    def send():
        with ours:
            send_frame(Channel(ours), encoded)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        return receive_frame(Channel(theirs), text=text, max_bytes=max_bytes, trusted=trusted)
    finally:
        theirs.close()
        thread.join()


def wire_bytes(frame, *, keep_index=True):
    """Return a frame as it travels: the manifest's event and the buffers, as bytes."""
    ours, theirs = socket.socketpair()
    encoded = encode_frame(frame, keep_index=keep_index)
    pieces = []

    def collect():
        while piece := theirs.recv(1 << 16):
            pieces.append(piece)

    thread = threading.Thread(target=collect)
    thread.start()
    send_frame(Channel(ours), encoded)
    ours.close()
    thread.join()
    theirs.close()
    return b"".join(pieces)
