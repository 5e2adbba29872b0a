"""What stands beside a result: what a failed run left, findings, sizes and times in words."""

import re

import pandas as pd
import pytest

from azml_magic.display import wording
from azml_magic.display.html import failure_html, findings_html, remains_html
from azml_magic.display.mime import result_mimebundle
from azml_magic.display.text import error_text, findings_text, remains_text, result_text
from azml_magic.errors import ModuleFailed, OptionError
from azml_magic.result import Failure, Figure, Finding, Result, TracebackEntry

ENTRY = TracebackEntry("azureml_module.py", 3, "azureml_main", ((3, "    1 / 0"),))
FAILURE = Failure("ZeroDivisionError", "division by zero", (ENTRY,), "Error 0085: it failed")
FINDING = Finding("AZ101", "warning", "it differs", "write it so", line=2)
FAILED = Result(log="the log\n", stdout="the log\n", failure=FAILURE, findings=(FINDING,))


def words(html):
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.S).split())


def test_an_error_shows_what_the_run_found_and_left():
    error = ModuleFailed("division by zero", "divide by another", FAILED)
    for shown in (words(failure_html(error)), error_text(error)):
        for part in ("division by zero", "1 / 0", "Hint: divide by another", "it differs"):
            assert part in shown
    assert "Error 0085: it failed" in words(failure_html(error))
    assert "Error 0085: it failed" in remains_text(error)
    left = words(remains_html(error))
    assert "the log" in left
    assert "Error 0085: it failed" in left
    # The notebook shows these itself.
    assert "Hint" not in left
    assert "1 / 0" not in left


@pytest.mark.parametrize("error", [OptionError("no", "yes"), ModuleFailed("no", "yes")])
def test_an_error_without_a_run_is_its_message_and_hint(error):
    assert "Hint: yes" in words(failure_html(error))
    assert error_text(error).endswith("Hint: yes")
    assert remains_text(error) == remains_html(error) == ""


def test_a_run_that_said_nothing_left_nothing():
    silent = ModuleFailed("no", "", Result(failure=Failure("E", "no")))
    assert remains_text(silent) == remains_html(silent) == ""


def test_findings_are_counted_under_the_name_of_the_module():
    for shown in (words(findings_html([FINDING], "ranker")), findings_text([FINDING], "ranker")):
        assert "ranker" in shown
        assert "it differs" in shown
        assert "write it so" in shown
    assert "it differs" not in findings_text([], "ranker")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        *((0.561, "0.56 s"), (48.23, "48.2 s"), (125, "2 min 5 s"), (119.7, "2 min 0 s")),
        *((3_600_060, "60,001 min 0 s"), (float("inf"), "inf s")),
    ],
)
def test_a_duration_in_words(seconds, told):
    assert wording.duration(seconds) == told


def test_a_result_in_one_line():
    figures = tuple(Figure(f"{n}.png", b"", 1, 1) for n in range(2))
    result = Result(pd.DataFrame({"a": range(1000)}), figures=figures, seconds=1.5)
    assert repr(result) == "<Result 1,000 rows x 1 column, 2 figures, 1.50 s>"
    failed = FAILED.replace(seconds=0.25)
    assert repr(failed) == "<Result failed: ZeroDivisionError, no table, 1 finding, 0.25 s>"


def test_both_ports_and_the_figures_are_named():
    two = Result(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": []}), log="", stdout="")
    figures = tuple(Figure(f"{n}.png", b"", 1, 1) for n in range(1000))
    shown = result_text(two.replace(figures=figures))
    assert "output1: 1 row x 1 column" in shown
    assert "output2: 0 rows x 1 column" in shown
    assert "no rows" in shown
    assert re.search(r"figures: 0\.png, 1\.png.* and \d+ more", shown)


def test_a_figure_is_saved_and_shown_as_it_is(tmp_path):
    figure = Figure("a.png", b"bytes", 1, 1)
    figure.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == figure._repr_png_() == b"bytes"


def test_a_column_that_cannot_be_listed_is_shown_cell_by_cell(monkeypatch):
    def fails(self):
        raise RuntimeError("no")

    monkeypatch.setattr(pd.Series, "tolist", fails)
    bundle = result_mimebundle(Result(pd.DataFrame({"a": ["kept"]})), rows=5)
    assert "kept" in bundle["text/html"]
