"""Valid frames with random bytes changed: refused, or a frame that can be used."""

import json
import random
import socket
import struct
import threading

import numpy as np
import pandas as pd
import pytest
from wire.conftest import wire_bytes
from wire.test_refusals import base, put_together

from azml_magic.wire import Channel, WireError, receive_frame

MUTANTS = 1500
INTERESTING = [0, 1, -1, 255, 2**31, 2**63, 2**64, 1.5, True, None, "", "x", [], {}, "i8", "O"]


def corpus():
    index = pd.MultiIndex.from_tuples([("a", 1), ("b", 2), ("c", 3)])
    return [
        base(),
        base().set_index("text"),
        pd.DataFrame({"a": [1, 2, 3], "b": ["x", "ü", None]}, index=index),
        pd.DataFrame({f"c{n}": np.arange(5) for n in range(20)}),
        pd.DataFrame({"a": [[1, {"b": b"x"}], None]}),
    ]


def changed_bytes(data, rng):
    data = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        action, place = rng.randrange(4), rng.randrange(len(data))
        if action == 0:
            data[place] = rng.randrange(256)
        elif action == 1:
            data[place] ^= 1 << rng.randrange(8)
        elif action == 2:
            del data[place : place + rng.randint(1, 9)]
        else:
            data[place:place] = rng.randbytes(rng.randint(1, 9))
        if not data:
            break
    return bytes(data)


def changed_manifest(data, rng):
    (length,) = struct.unpack("<Q", data[:8])
    manifest = json.loads(data[8 : 8 + length])
    target, key = manifest, rng.choice(list(manifest))
    while isinstance(target[key], (dict, list)) and target[key] and rng.random() < 0.8:
        target = target[key]
        key = rng.choice(list(target) if isinstance(target, dict) else range(len(target)))
    target[key] = rng.choice(INTERESTING)
    return put_together(manifest, data[8 + length :])


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


def use(frame):
    assert len(frame.index) == len(frame)
    for name in frame:
        frame[name].isna().sum()
        frame[name].astype(object).tolist()
    frame.memory_usage(deep=True)
