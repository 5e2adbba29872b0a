"""No control sequence of a module reaches a terminal, whichever way its text takes."""

import os
import pty
import subprocess
import sys

import pytest

from azml_magic import controls
from azml_magic.errors import AzmlError, ModuleFailed, WorkerDied

HOSTILE = (
    "\x1b]0;title\x07", "\x1b]52;c;Y2xpcA==\x07", "\x1b[2J", "\x1b[1;1H", "\x9b2J", "\x1bc",
    "\x1b]8;;https://example.invalid\x1b\\link\x1b]8;;\x1b\\", "\x1bP1;2|payload\x1b\\", "\x08\x08",
    "\u202eabc", "\x1b[6n", "\x1b]",
)  # fmt: skip
MODULE = """
import sys, warnings
import pandas as pd
def azureml_main():
    sys.stdout.write({text!r} + "\\n")
    sys.stderr.write({text!r} + "\\n")
    warnings.warn({text!r}, FutureWarning)
    import matplotlib.pyplot as plt
    plt.plot([1, 2]); plt.savefig("a\\x1b[2J.png")
    {last}
"""
FAILS = "raise ValueError({text!r})"
RETURNS = "return pd.DataFrame({{{text!r}: [{text!r}]}}),"
WAYS = {
    "run": ["-m", "azml_magic", "run", "{path}", "--figures", "{figures}"],
    "check": ["-m", "azml_magic", "check", "{path}"],
    "import": ["-m", "azml_magic", "import", "{path}"],
    "traceback": ["-c", "import azml_magic; azml_magic.run({path!r})"],
    "error": [
        "-c",
        "import azml_magic\ntry: print(repr(azml_magic.run({path!r})))\n"
        "except azml_magic.AzmlError as error:\n"
        "    print(error, repr(error), repr(error.result), error.result.failure)",
    ],
}


def on_a_terminal(arguments, folder):
    """Run Python with arguments and streams that are a terminal; return what the terminal got."""
    ours, theirs = pty.openpty()
    # not ours: to look at apart, as a terminal shows both streams as one
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        got = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the terminal's end
                break
            if not piece:
                break
            got += piece
        process.wait()
    os.close(ours)
    return got.decode("utf-8", "replace")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("last", [FAILS, RETURNS], ids=["fails", "returns"])
def test_a_terminal_gets_text_only(tmp_path, way, last):
    text = "before " + " ".join(HOSTILE) + " after"
    path = tmp_path / "module.py"
    source = MODULE.format(text=text, last=last.format(text=text))
    if way == "import":
        # A source may hold the very characters.
        source += "\n# " + text.replace("\u202e", "") + "\n"
    path.write_text(source, encoding="utf-8")
    places = {"path": str(path), "figures": str(tmp_path / "figures")}
    got = on_a_terminal([argument.format(**places) for argument in WAYS[way]], tmp_path)
    acting = [repr(one) for one in "\x1b\x9b\x07\x08\x90\u202e" if one in got]
    assert acting == [], got
    if last == FAILS or way in {"run", "import"}:
        # All but what acts is shown.
        assert "after" in got or way == "check"


@pytest.mark.parametrize("text", HOSTILE)
def test_every_gate_takes_what_acts(text):
    for gate in (controls.plain, controls.live, controls.visible):
        shown = gate(f"a{text}b")
        assert shown.startswith("a")
        assert shown.endswith("b")
        assert not set(shown) & set("\x1b\x9b\x07\x08\u202e")


def test_a_notebook_keeps_colours_and_nothing_else():
    text = "\x1b[31mred\x1b[0m \x1b[2J\x1b]0;t\x07 50 %\r60 %\r\n"
    assert controls.live(text, colors=True) == "\x1b[31mred\x1b[0m  50 %\r60 %\r\n"
    assert controls.live(text) == "red  50 %\r60 %\r\n"
    assert controls.plain(text) == "red  50 %\n60 %\n"


def test_errors_are_clean_as_they_are_made():
    error = ModuleFailed("ValueError: \x1b[2Jx", "hint \x1b]0;t\x07y")
    assert (error.message, error.hint) == ("ValueError: x", "hint y")
    assert str(error) == "ValueError: x\nHint: hint y"
    assert "\x1b" not in repr(WorkerDied("\x1bc", ""))
    assert AzmlError("plain").args == ("plain",)
