"""Results and errors as HTML and text: everything escaped, bounded, readable without style."""

import html.parser
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azml_magic.display import style
from azml_magic.display.html import failure_html, figure_html, preview_html, result_html
from azml_magic.display.mime import page, result_mimebundle
from azml_magic.display.terminal import error_terminal, result_terminal, wants_color
from azml_magic.display.text import result_text
from azml_magic.errors import ModuleFailed
from azml_magic.result import Failure, Figure, Finding, Result, TracebackEntry

HOSTILE = "<img src=x onerror=alert(1)>&\"'</pre></section><script>x</script>"
ACTING = ["\x1b]0;title\x07", "\x1b[2J", "\u202eabc", "\r", "\x00", "\ud800", "\u2028"]
ALLOWED = {
    *("section", "style", "div", "span", "ul", "li", "b", "br", "small", "p", "details", "summary"),
    *("pre", "table", "thead", "tbody", "tr", "th", "td", "code", "figure", "figcaption", "img"),
}
PNG = b"\x89PNG\r\n\x1a\n"


class Reader(html.parser.HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in {"br", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


def everything(text):
    """Return a failed and a succeeded result that hold a text wherever one can stand."""
    finding = Finding(text, "warning", text, text, line=3, port=text)
    entry = TracebackEntry(text, 3, text, ((2, "x"), (3, text)))
    failure = Failure(text, text, (entry,), text)
    frame = pd.DataFrame({"a": [text], "b": [[text, {"k": text}]]}, dtype=object)
    frame.columns = pd.Index([text, "b"], dtype=object)
    figure = Figure(text, PNG, 10, 10)
    shared = {
        "findings": (finding,),
        "log": text,
        "profile": text,
        "confinement": text,
        "module": text,
        "figures": (figure,),
    }
    return Result(output1=frame, **shared), Result(failure=failure, **shared), figure


def forms(text):
    good, bad, figure = everything(text)
    error = ModuleFailed(text, text, bad)
    yield result_html(good)
    yield result_html(bad)
    yield failure_html(error)
    yield figure_html(figure, 1, 1)
    yield preview_html(figure)


def test_nothing_of_a_run_becomes_markup():
    for shown in forms(HOSTILE):
        read = Reader(shown)
        assert set(read.tags) <= ALLOWED
        assert not [name for name, _ in read.attributes if name.startswith("on")]
        assert "<script" not in shown


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>&\"'`=/ ax\n\t\x1b\u202e\x00$"), max_size=40))
def test_any_text_stays_text(text):
    for shown in forms(text):
        assert set(Reader(shown).tags) <= ALLOWED


@pytest.mark.parametrize("acting", ACTING, ids=ascii)
def test_what_acts_on_a_terminal_is_made_visible(acting):
    good, bad, _ = everything(f"one{acting}two")
    shown = result_text(good) + result_text(bad)
    assert acting not in shown.replace("\n", "")
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown) is None
    shown.encode()


def test_words_stand_in_the_same_order_without_style():
    good, _, _ = everything("word")
    read = "".join(Reader(re.sub(r"<style>.*?</style>", "", result_html(good), flags=re.S)).words)
    places = [read.index(part) for part in ("Module ran in", "Warning", "object", "Output log")]
    assert places == sorted(places)


def test_no_colour_is_our_own():
    for sheet in (style.SECTION, style.FIGURE):
        without = sheet.replace("rgba(128,128,128", "").replace("background:white", "")
        assert (
            re.search(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(|\b(red|green|blue|black)\b", without)
            is None
        )
        assert all(
            "currentColor" in part or "rgba" in part or "monospace" in part or "em" in part
            for part in re.findall(r"var\(([^()]*(?:\([^()]*\))?[^()]*)\)", sheet)
        )


def test_a_figure_has_an_alternative_text():
    (alt,) = [
        value
        for name, value in Reader(figure_html(Figure("a.png", PNG, 9, 9), 2, 3)).attributes
        if name == "alt"
    ]
    assert alt == "a.png, figure 2 of 3, from the module"


class Costly:
    """A value that tells when it is looked at."""

    looked = 0

    def __str__(self):
        Costly.looked += 1
        return "costly"


def test_only_shown_rows_are_looked_at():
    frame = pd.DataFrame({"a": [Costly() for _ in range(5_000)]})
    Costly.looked = 0
    result_mimebundle(Result(output1=frame), rows=10)
    assert Costly.looked == 10


def test_large_and_wide_frames_are_cut_and_that_is_told():
    frame = pd.DataFrame(np.zeros((100_000, 300)))
    data = result_mimebundle(Result(output1=frame), rows=5)
    for form in data.values():
        assert "100,000 rows" in form
        assert "more columns" in form
        assert len(form) < 40_000


def test_long_text_and_nested_values_are_cut():
    values = [
        "x" * 10**6,
        list(range(10**5)),
        {n: n for n in range(10**4)},
        np.zeros((50, 50)),
        b"y" * 10**6,
    ]
    shown = result_html(Result(output1=pd.DataFrame({"a": pd.Series(values, dtype=object)})))
    assert len(shown) < 10_000


class Broken:
    """A value that cannot be shown."""

    def __repr__(self):
        raise RuntimeError("no")


def test_a_value_that_cannot_be_shown_does_not_hide_the_others():
    frame = pd.DataFrame({"a": pd.Series([Broken(), 3], dtype=object), "b": [1.5, 2.0]})
    shown = result_text(Result(output1=frame))
    assert "cannot be shown" in shown
    assert "1.5" in shown


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([1.5, 20.0, None], ["1.5", "20.0", "NaN"]),
        ([1e-9, 1.0], ["1.000000e-09", "1.000000e+00"]),
        ([1e20, 1.0], ["1.000000e+20", "1.000000e+00"]),
        ([0.1234567, 2.0], ["0.123457", "2.000000"]),
        ([float("inf"), 1.0], ["inf", "1.0"]),
        (pd.to_datetime(["2020-01-02", "NaT"]), ["2020-01-02", "NaT"]),
        (pd.to_datetime(["2020-01-02 03:04"]), ["2020-01-02 03:04:00"]),
        (pd.array([1, None], dtype="Int64"), ["1", "<NA>"]),
        (pd.array([1.25, None], dtype="Float64"), ["1.25", "<NA>"]),
        ([True, False], ["True", "False"]),
        (["é\n", "日本"], ["é\\n", "日本"]),
    ],
)
def test_values_are_shown_as_a_person_writes_them(values, shown):
    text = result_text(Result(output1=pd.DataFrame({"v": values})))
    assert [line.split("  ")[-1].strip() for line in text.splitlines()[-len(shown) :]] == shown


def test_pandas_own_options_apply():
    frame = pd.DataFrame({"v": [1.23456]})
    with pd.option_context("display.precision", 2):
        assert "1.23\n" in result_text(Result(output1=frame)) + "\n"
    with pd.option_context("display.float_format", "{:.1f} kg".format):
        assert "1.2 kg" in result_text(Result(output1=frame))


def test_a_folded_result_leaves_its_table_out_of_the_text():
    data = result_mimebundle(Result(output1=pd.DataFrame({"a": [71]})), fold_table=True)
    assert "71" not in data["text/plain"]
    assert "1 row x 1 column" in data["text/plain"]
    assert "<details>" in data["text/html"]


def test_colours_are_for_those_who_want_them(monkeypatch):
    error = ModuleFailed("ValueError: no", "do this", everything("x")[1])
    assert "\x1b[" in error_terminal(error, colors=True)
    assert "\x1b" not in error_terminal(error, colors=False)
    assert "\x1b" not in result_terminal(everything("x")[0], colors=False)

    class Terminal:
        def isatty(self):
            return True

    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    assert wants_color(Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_color(Terminal())


def test_a_terminal_line_fits_its_width():
    frame = pd.DataFrame({f"column{n}": ["日本" * 30] for n in range(9)})
    shown = result_terminal(Result(output1=frame), colors=False, width=60)
    table = shown.split("\n\n")[1].splitlines()
    assert all(len(line) <= 60 for line in table[:3])
    assert "more columns" in shown


def test_a_page_lets_nothing_run_or_load():
    shown = page(everything(HOSTILE)[0], HOSTILE)
    assert "default-src 'none'" in shown
    assert "<script" not in shown
