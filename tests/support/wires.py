"""Frames as they travel through a socket, in one process."""

import json
import socket
import struct
import threading

import numpy as np
import pandas as pd

from azml_magic.wire import Channel, encode_frame, receive_frame, send_frame

LIMIT = 1 << 30


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


def base():
    return pd.DataFrame(
        {
            "number": [1.5, 2.5, 3.5],
            "flag": [True, False, True],
            "text": pd.array(["aé", None, "bc"], "string[pyarrow]"),
            "masked": pd.array([1, None, 3], "Int64"),
            "when": pd.to_datetime(["2020", "2021", "2022"], format="%Y").tz_localize("UTC"),
            "kind": pd.Categorical(["x", "y", "x"]),
            "cells": np.array([1, "a", None], object),
        }
    )


def put_together(manifest, rest):
    text = json.dumps(manifest).encode()
    return struct.pack("<Q", len(text)) + text + rest
