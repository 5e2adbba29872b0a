"""What a worker sends, and random changes to it."""

import json
import struct

import numpy as np
import pandas as pd

from azml_magic import sentences
from azml_magic.contract import changes
from support.wires import base, put_together

INTERESTING = [0, 1, -1, 255, 2**31, 2**63, 2**64, 1.5, True, None, "", "x", [], {}, "i8", "O"]
KIND = changes.REPEATED.of(incoming=False)
FINDING = {
    **dict(zip(("code", "level", "rule"), KIND.key, strict=True)), "line": None, "port": "output1",
    "message": [[KIND.message.text, {}], [sentences.BECAME.text, {"label": 1, "label_2": "a"}]],
}  # fmt: skip
HINT = [[sentences.ONE_TYPE.text, {}]]
HOLDS = [["holds {type} after {type_2}", {"type": "str", "type_2": "int"}]]
ENTRY = {"file": "azureml_module.py", "line": 1, "function": "f", "text": "t", "mine": True}
REPORTS = (
    {
        "event": "result",
        "outputs": [True, False],
        "findings": [FINDING],
        "unsaved": [{"number": 1, "preview": True}],
        "uploads": [{"file": "0001", "name": "a.png"}],
    },
    {
        "event": "failure", "stage": "call", "kind": "E", "message": "m", "errno": None,
        "entries": [ENTRY],
    },
    {"event": "refusal", "stage": "write", "number": "0018", "message": HOLDS, "hint": HINT},
)  # fmt: skip


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


def use(frame):
    assert len(frame.index) == len(frame)
    for name in frame:
        frame[name].isna().sum()
        frame[name].astype(object).tolist()
    frame.memory_usage(deep=True)
