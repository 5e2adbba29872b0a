"""Large frames, which go by a pipe where they can: whole, private, and nothing stays open."""

import os

import numpy as np
import pandas as pd
import pytest

import azml_magic
from azml_magic.errors import RunError
from azml_magic.wire import pipe

ROWS = 1_500_000
CHANGES = """
def azureml_main(a, b=None):
    total = float(a["x"].sum()) + (0 if b is None else float(b["x"].sum()))
    a.iloc[:, :] = -1.0
    a["total"] = total
    return a.tail(2),
"""


@pytest.fixture(params=["pipe", "socket"])
def frame(request, monkeypatch):
    if request.param == "socket":
        monkeypatch.setattr(pipe, "make", lambda: None)
    values = np.arange(2 * ROWS, dtype=float).reshape(2, ROWS)
    return pd.DataFrame(values.T, columns=["x", "y"], copy=False)


def test_a_frame_arrives_whole_and_the_notebooks_own_stays(frame):
    before = frame.to_numpy().sum()
    result = azml_magic.run(CHANGES, frame, frame)
    assert result.output1 is not None
    assert result.output1["total"].tolist() == [2.0 * frame["x"].sum()] * 2
    assert result.output1["x"].tolist() == [-1.0, -1.0]
    assert frame.to_numpy().sum() == before


def test_nothing_stays_open(frame):
    azml_magic.run(CHANGES, frame)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(3):
        frame.iloc[0, 0] = number
        azml_magic.run(CHANGES, frame)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_frame_that_the_worker_has_no_memory_for(frame):
    many = pd.concat([frame] * 6, ignore_index=True)
    with pytest.raises(RunError):
        azml_magic.run(CHANGES, many, memory="32MB")
    assert azml_magic.run(CHANGES, frame).output1.shape == (2, 3)
