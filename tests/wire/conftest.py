"""Both ends of a data socket in one process."""

import socket
import threading

import pytest

from azml_magic.wire import Channel


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
