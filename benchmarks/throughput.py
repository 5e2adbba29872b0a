"""Frames there and back, in copies of the same bytes and beside other ways to send them."""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Callable, Iterator

import pandas as pd

import azml_magic
from benchmarks import frames
from benchmarks.echo import METHODS, Peer
from benchmarks.measure import Sample, copy_seconds, prime, rounds
from benchmarks.tables import Table

MODULE = f"""\
{frames.READ_SOURCE}
import time

def azureml_main(frame):
    read(frame)
    print(time.monotonic())
    print(time.monotonic())
    return frame,
"""
# As long as the other, since a run also reads its source.
WITHOUT_FRAME = f"""\
{frames.READ_SOURCE}
import time
import pandas as pd

def azureml_main():
    print(time.monotonic())
    made = pd.DataFrame({{"a": [1]}})
    read(made)
    print(time.monotonic())
    return made,
"""
# Longer than this, and a run does not count as one of a row.
PAUSE_SECONDS = 0.1
ONE_ROW = "azml_magic, one row of it"
# CSV takes minutes for what others take a second; its ratio is that of a part.
CSV_ROWS = 200_000
# So much slower than the others that two rounds tell enough.
SLOW = ("pickle over a pipe", "Feather", "Parquet")
TARGETS = {"A": (3.6, 3.6), "B": (3.9, 4.1), "C": (3.8, 3.8), "E": (3.8, 4.4)}


def run_once(frame: pd.DataFrame, text: str) -> tuple[float, float]:
    """Return the seconds there and back through a module, each until every byte was read."""
    started = time.monotonic()
    result = azml_magic.run(
        MODULE, frame, profile="designer", dates="datetime", text=text, memory="12GB"
    )
    frames.read(result.output1)
    ended = time.monotonic()
    arrived, left = map(float, result.stdout.split())
    return arrived - started, ended - left


def table(quick: bool) -> Iterator[Table]:
    """Measure the large frames."""
    scale, seconds, most = (0.1, 5.0, 3) if quick else (1.0, 180.0, 30)
    for name in "ABCE":
        yield _of_frame(name, scale, seconds, most)
    yield from _r(quick)


def _of_frame(name: str, scale: float, seconds: float, most: int) -> Table:
    frame = frames.make(name, scale)
    size = frames.payload(frame)
    peers = {method: Peer(method) for method in METHODS if method != "CSV"}
    there: dict[str, list[float]] = {}
    back: dict[str, list[float]] = {}

    def ratio(label: str, once: Callable[[], tuple[float, float]]) -> Callable[[], float]:
        def measure() -> float:
            prime(3 * size)
            copy = copy_seconds(size)
            inward, outward = once()
            there.setdefault(label, []).append(inward / copy)
            back.setdefault(label, []).append(outward / copy)
            return inward + outward

        return measure

    things = {
        "azml_magic": ratio("azml_magic", lambda: run_once(frame, "str")),
        ONE_ROW: ratio(ONE_ROW, lambda: run_once(frame.head(1), "str")),
    }
    if name in "BE":
        label = "azml_magic, object text"
        things[label] = ratio(label, lambda: run_once(frame, "object"))
        plain = frame.assign(text=frame["text"].astype(object))
        oob = peers["pickle 5 out-of-band"]
        label = "pickle 5 out-of-band, object text"
        things[label] = ratio(label, lambda: oob.echo(plain))
    for method, peer in peers.items():
        things[method] = ratio(method, functools.partial(peer.echo, frame))
    slow = {method: things.pop(method) for method in SLOW}
    try:
        for first in things.values():
            first()
        there.clear()
        back.clear()
        rounds(things, most, seconds)
        rounds(slow, 3, seconds / 3)
        _csv(frame, there, back)
    finally:
        for peer in peers.values():
            peer.close()
    return _table(name, size, there, back)


def _csv(frame: pd.DataFrame, there: dict[str, list[float]], back: dict[str, list[float]]) -> None:
    part = frame.head(max(100, CSV_ROWS // len(frame.columns)))
    size = frames.payload(part)
    peer = Peer("CSV")
    try:
        # A copy of the part itself would be one within the processor's cache.
        copy = copy_seconds(64 << 20) * size / (64 << 20)
        inward, outward = peer.echo(part)
    finally:
        peer.close()
    there["CSV (a part)"] = [inward / copy]
    back["CSV (a part)"] = [outward / copy]


def _table(
    name: str, size: int, there: dict[str, list[float]], back: dict[str, list[float]]
) -> Table:
    title = f"Frame {name}, {frames.NAMES[name]} ({size / 1e6:.0f} MB): copies of its bytes"
    made = Table(title, ("way", "in", "out", "in / ours", "out / ours"))
    ours = Sample(tuple(there["azml_magic"])).median, Sample(tuple(back["azml_magic"])).median
    for label in sorted(there, key=lambda label: Sample(tuple(there[label])).median):
        inward, outward = Sample(tuple(there[label])), Sample(tuple(back[label]))
        made.rows.append(
            (
                label,
                inward.text(),
                outward.text(),
                f"{inward.median / ours[0]:.2f}",
                f"{outward.median / ours[1]:.2f}",
            )
        )
        if label != ONE_ROW:
            made.bars.append((label, inward.median + outward.median))
    made.bars_unit = "copies of its bytes, there and back"
    if name in TARGETS:
        made.notes.append("Wanted of azml_magic: at most {} in, {} out.".format(*TARGETS[name]))
    made.notes.append("Until the receiver has read every byte; results are validated.")
    return made


def small(quick: bool) -> list[Table]:
    """Measure frame D, whose cost is latency: what a run takes more with it than without."""
    frame = frames.make("D")
    sides: dict[str, list[tuple[float, float]]] = {"with D": [], "without": []}

    def timed(label: str, source: str, port: pd.DataFrame | None = None) -> float:
        time.sleep(PAUSE_SECONDS)
        started = time.monotonic()
        result = azml_magic.run(source, port, profile="designer", text="str")
        if result.output1 is not None:
            frames.read(result.output1)
        ended = time.monotonic()
        arrived, left = map(float, result.stdout.split())
        sides[label].append((1e3 * (arrived - started), 1e3 * (ended - left)))
        return 1e3 * (ended - started)

    whole = rounds(
        {
            "with D": lambda: timed("with D", MODULE, frame),
            "without": lambda: timed("without", WITHOUT_FRAME),
        },
        10 if quick else 60,
        60,
    )
    made = Table("Frame D, 100 x 5: milliseconds", ("way", "in", "out"))
    ways = {
        label: [Sample(tuple(values)) for values in zip(*pairs, strict=True)]
        for label, pairs in sides.items()
    }
    for label, (inward, outward) in ways.items():
        made.rows.append((f"azml_magic, whole run {label}", inward.text(2), outward.text(2)))
    for way, mine, plain in zip(("In", "out"), *ways.values(), strict=True):
        middle = mine.median - plain.median
        late = mine.quantile(0.95) - plain.quantile(0.95)
        made.notes.append(
            f"{way}, D takes {middle:.1f} ms more; at the 95th percentile {late:.1f}."
        )
    for name in ("pickle 5 out-of-band", "Arrow stream, validated"):
        peer = Peer(name)
        peer.echo(frame)
        times = [peer.echo(frame) for _ in range(len(sides["with D"]))]
        texts = [
            Sample(tuple(1e3 * value for value in side)).text(2)
            for side in zip(*times, strict=True)
        ]
        made.rows.append((f"{name}, bare", *texts))
        peer.close()
    more = whole["with D"].median - whole["without"].median
    made.notes.append(f"Both ways together: {more:.1f} ms more than a run without.")
    made.notes.append("The rows of azml_magic include starting and ending the run.")
    return [made]


def _r(quick: bool) -> list[Table]:
    """Compare with the R magic where R is there."""
    if quick or shutil.which("R") is None:
        return []
    try:
        import rpy2.robjects as robjects
        from rpy2.robjects import pandas2ri
    except ImportError:
        return []
    frame = frames.make("A", 0.01)
    size = frames.payload(frame)
    copy = copy_seconds(64 << 20) * size / (64 << 20)
    started = time.monotonic()
    with (robjects.default_converter + pandas2ri.converter).context():
        robjects.globalenv["frame"] = frame
        arrived = time.monotonic()
        frames.read(robjects.globalenv["frame"])
    made = Table("A hundredth of frame A, copies of its bytes", ("way", "in", "out"))
    back = time.monotonic() - arrived
    made.rows.append(("%%R of rpy2", f"{(arrived - started) / copy:.0f}", f"{back / copy:.0f}"))
    return [made]
