"""Designer's own packages: a worker of Python 3.8 with pandas 1.1.5, and a notebook of today."""

import dataclasses
import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import azml_magic
from azml_magic.contract.profile import get_profile
from azml_magic.errors import MemoryLimitError, ModuleFailed, TimeLimitError
from azml_magic.module.module import Module
from azml_magic.protocol.options import Options
from azml_magic.runner.session import Session

IDENTITY = "def azureml_main(first=None, second=None):\n    return first,\n"


def objects(*cells):
    return pd.Series(cells, dtype=object)


FRAMES = {
    "numbers": pd.DataFrame(
        {
            "i8": np.array([1, -2], "i1"),
            "u64": np.array([1, 2**63], "u8"),
            "f4": np.array([1.5, np.nan], "f4"),
            "f8": [1.5, np.inf],
            "flag": [True, False],
        }
    ),
    "text": pd.DataFrame({"a": ["é", None, ""], "b": pd.array(["x", None, "y"], "string")}),
    "dates": pd.DataFrame({"a": pd.to_datetime(["2020-01-01 12:00:00.000001", "NaT"])}),
    "dates in seconds": pd.DataFrame({"a": np.array(["2000-01-01", "NaT"], "M8[s]")}),
    "far dates": pd.DataFrame({"a": np.array(["1000-01-01", "2020-01-01"], "M8[s]")}),
    "time zone": pd.DataFrame(
        {"a": pd.to_datetime(["2020-01-01", "2020-07-01"]).tz_localize("Europe/Berlin")}
    ),
    "offset": pd.DataFrame({"a": pd.to_datetime(["2020-01-01T00:00+02:00"])}),
    "spans": pd.DataFrame({"a": pd.to_timedelta(["1 days 00:00:01", None])}),
    "categories": pd.DataFrame(
        {
            "a": pd.Categorical(["u", None, "v"]),
            "b": pd.Categorical([2, 1, 2]),
            "c": pd.Categorical(["low", "high", "low"], ["low", "high"], ordered=True),
        }
    ),
    "with missing values": pd.DataFrame(
        {"a": pd.array([1, None], "Int64"), "b": pd.array([True, None], "boolean")}
    ),
    "objects": pd.DataFrame(
        {
            "dates": objects(datetime.datetime(2020, 1, 1), None),
            "days": objects(datetime.date(2020, 1, 1), None),
            "spans": objects(datetime.timedelta(1), None),
            "decimals": objects(Decimal("1.50"), None),
            "mixed": objects(1, 2.5),
            "flags": objects(True, None),
        }
    ),
    "lists": pd.DataFrame({"a": objects([1, 2], None), "b": objects({"k": 1}, None)}),
    "bytes": pd.DataFrame({"a": objects(b"x", None)}),
    "sparse": pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1])}),
    "periods": pd.DataFrame({"a": pd.period_range("2020-01", periods=2, freq="M")}),
    "complex": pd.DataFrame({"a": [1j]}),
    "index": pd.DataFrame({"a": [1, 2]}, index=["x", "y"]),
    "levels": pd.DataFrame({"a": [1, 2]}, pd.MultiIndex.from_tuples([("x", 1), ("y", 2)])),
    "dates as index": pd.DataFrame({"a": [1, 2]}, pd.date_range("2020", periods=2)),
    "equal names": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "names in levels": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_product([["a"], [1, 2]])),
    "one row of many": pd.DataFrame(np.arange(30.0).reshape(3, 10)).mean().to_frame().T,
    "large": pd.DataFrame({"a": np.arange(3e5), "b": [f"é{n}" for n in range(300_000)]}),
}


@pytest.fixture
def elsewhere(environment, monkeypatch):
    """Have runs take the old interpreter; return its path."""
    python = environment(
        "3.8", "pandas==1.1.5", "numpy==1.23.5", "pyarrow==14.0.1", "matplotlib==3.7.5"
    )
    access = Options.access
    monkeypatch.setattr(
        Options, "access", lambda options: dataclasses.replace(access(options), python=python)
    )
    return python


def outcome(frame, profile, source=IDENTITY):
    try:
        return azml_magic.run(source, frame, profile=profile).output1
    except azml_magic.AzmlError as error:
        return str(error)


def test_it_is_the_old_interpreter(elsewhere):
    versions = "print(sys.version_info[:2], pandas.__version__)"
    source = f"import sys, pandas\ndef azureml_main():\n    {versions}\n"
    assert azml_magic.run(source).stdout == "(3, 8) 1.1.5\n"


@pytest.mark.parametrize("profile", ["classic", "designer"])
@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_back_as_from_a_worker_of_today(name, profile, elsewhere, monkeypatch):
    there = outcome(FRAMES[name], profile)
    monkeypatch.undo()
    here = outcome(FRAMES[name], profile)
    if isinstance(here, str):
        assert there == here
    else:
        pd.testing.assert_frame_equal(there, here)


def test_numbers_with_missing_values_are_plain_where_pandas_has_no_others(elsewhere):
    came = outcome(pd.DataFrame({"a": pd.array([1.5, None], "Float64")}), "designer")
    pd.testing.assert_frame_equal(came, pd.DataFrame({"a": [1.5, np.nan]}))


def test_the_frame_of_the_notebook_is_left_as_it_was(elsewhere):
    frame = pd.DataFrame({"a": objects("x", "y"), "n": [1, 2]})
    before = frame.copy(deep=True)
    changed = "def azureml_main(d):\n    d['a'] = 'z'\n    d['n'] += 1\n    return d,\n"
    assert outcome(frame, "classic", changed)["n"].tolist() == [2, 3]
    pd.testing.assert_frame_equal(frame, before)


def test_a_mistake_is_shown_where_it_is(elsewhere):
    with pytest.raises(ModuleFailed) as raised:
        azml_magic.run("def azureml_main(d):\n    return d.nope,\n", pd.DataFrame({"a": [1]}))
    assert "nope" in str(raised.value)
    assert raised.value.result.failure.traceback[-1].line == 2


def test_figures_are_taken(elsewhere):
    source = (
        "import matplotlib; matplotlib.use('agg')\nimport matplotlib.pyplot as plt\n"
        "def azureml_main():\n    plt.plot([1, 2]); plt.savefig('a.png')\n"
    )
    (figure,) = azml_magic.run(source).figures
    assert figure.png.startswith(b"\x89PNG")


def test_it_is_confined(elsewhere):
    source = (
        "import os, socket\ndef azureml_main():\n"
        "    for attempt in (lambda: open('/etc/passwd'), lambda: open('/azml', 'w'),\n"
        "                    lambda: os.listdir(os.path.expanduser('~root')), socket.socket):\n"
        "        try: attempt(); print('reached')\n"
        "        except OSError as error: print(type(error).__name__)\n"
    )
    assert "reached" not in azml_magic.run(source).stdout


def test_limits_hold(elsewhere):
    with pytest.raises(TimeLimitError):
        azml_magic.run("def azureml_main():\n    while True: pass\n", timeout=1)
    with pytest.raises(MemoryLimitError):
        azml_magic.run("def azureml_main():\n    b'x' * (1 << 30)\n", memory="300MB")


def test_it_stays_for_many_calls(elsewhere):
    module = Module.from_source(
        "n = 0\ndef azureml_main(d):\n    global n; n += 1\n    return d + n,"
    )
    frame = pd.DataFrame({"a": [1]})
    session = Session(module, None, get_profile("classic"), Options())
    for expected in (2, 3, 4):
        output = session.call({"dataset1": frame}).output1
        assert output is not None
        assert output["a"].tolist() == [expected]
    session.close()
