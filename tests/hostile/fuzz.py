"""Feed the notebook's readers with mutated answers; meant to run in a process of its own.

``python fuzz.py SEED COUNT FOLDER``: a case that crashes, hangs, grows or raises what a reader
must not raise ends the process, and its bytes stay in FOLDER as ``last-case``.
"""

import json
import mmap
import random
import resource
import signal
import socket
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.mutants import REPORTS, changed_bytes, changed_manifest, corpus, use
from support.wires import wire_bytes

from azml_magic.executors.png import NotAnImage, png_size
from azml_magic.executors.worker_report import BadReport, read_report
from azml_magic.wire import Channel, WireError, receive_frame

SECONDS = 60
GROWTH_KILOBYTES = 600 << 10
BUFFER = 8 << 20
NOTED_BYTES = 1 << 20
CORPUS = Path(__file__).parent / "corpus"


def message(content):
    data = json.dumps(content).encode()
    return struct.pack("<Q", len(data)) + data


def channel_with(data):
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    ours.setblocking(False)
    with ours:
        ours.send(data)
    return theirs


def read_frame(data):
    with channel_with(data) as endpoint:
        use(receive_frame(Channel(endpoint), text="str", max_bytes=1 << 24))


def read_event(data):
    with channel_with(data) as endpoint:
        read_report(Channel(endpoint).receive_event(4 << 20))


def read_image(data):
    png_size(data)


READERS = {"frame": read_frame, "event": read_event, "image": read_image}


def originals():
    """Yield (kind, bytes, mutator)."""
    picture = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
        "0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
    )
    for data in map(wire_bytes, corpus()):
        yield "frame", data, changed_bytes
        yield "frame", data, changed_manifest
        yield "frame", data, changed_manifest
    for report in REPORTS:
        yield "event", message(report), changed_bytes
        yield "event", message(report), changed_manifest
    yield "image", picture, changed_bytes


def read_one(kind, data):
    """Read one case; return whether it was accepted."""
    signal.alarm(SECONDS)
    try:
        READERS[kind](data)
    except (WireError, BadReport, NotAnImage):
        return False
    finally:
        signal.alarm(0)
    return True


def main():
    """Read mutants until COUNT is reached, and print what became of them."""
    rng, count, folder = random.Random(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    choices, accepted = list(originals()), 0
    # Mapped, so that it is there whatever ends this process, and costs nothing.
    (folder / "last-case").write_bytes(bytes(NOTED_BYTES))
    with (folder / "last-case").open("r+b") as file:
        last_case = mmap.mmap(file.fileno(), NOTED_BYTES)
    for case in sorted(CORPUS.glob("*-*")):
        accepted += read_one(case.name.partition("-")[0], case.read_bytes())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(count):
        kind, data, mutate = rng.choice(choices)
        data = mutate(data, rng)
        noted = f"{kind} {len(data)}\n".encode() + data
        last_case[: len(noted)] = noted
        accepted += read_one(kind, data)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < GROWTH_KILOBYTES, f"it grew by {grown >> 10} MB"
    print(json.dumps({"read": count, "accepted": accepted, "grown_megabytes": grown >> 10}))


if __name__ == "__main__":
    main()
