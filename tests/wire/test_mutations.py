"""Valid frames with random bytes changed: refused, or a frame that can be used."""

import random
import socket
import threading

import pytest
from support.mutants import changed_bytes, changed_manifest, corpus, use
from support.wires import wire_bytes

from azml_magic.wire import Channel, WireError, receive_frame

MUTANTS = 1500


def receive(data):
    ours, theirs = socket.socketpair()

    def push():
        with ours:
            try:
                ours.sendall(data)
            except OSError:
                return

    thread = threading.Thread(target=push)
    thread.start()
    try:
        return receive_frame(Channel(theirs), text="str", max_bytes=1 << 24)
    finally:
        theirs.close()
        thread.join()


@pytest.mark.parametrize("mutate", [changed_bytes, changed_manifest])
def test_a_changed_frame_is_refused_or_can_be_used(mutate):
    rng = random.Random(20261125)
    originals = [wire_bytes(frame) for frame in corpus()]
    accepted = 0
    for _ in range(MUTANTS):
        try:
            frame = receive(mutate(rng.choice(originals), rng))
        except WireError:
            continue
        accepted += 1
        use(frame)
    assert 0 < accepted < MUTANTS
