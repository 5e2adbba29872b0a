"""What reading foresaw and what a run saw are told once."""

import pytest

from azml_magic.checks import settle, settle_error
from azml_magic.errors import ContractError, ModuleFailed
from azml_magic.module.module import Module
from azml_magic.result import Failure, Finding, Result, TracebackEntry

MODULE = Module("def azureml_main(frame):\n    return frame,\n", "Cell In[1]", first_line=2)
FORESEEN = Finding("AZ401", "warning", "never saved", "save it", "W6", line=3)
SEEN = Finding("AZ410", "warning", "figure 1 was left open", "save it", "W6")


def settled(findings, module):
    return settle(Result(findings=tuple(findings)), module).findings


def test_what_the_run_saw_takes_the_line_of_what_was_foreseen():
    (one,) = settled([FORESEEN, SEEN], MODULE)
    assert (one.code, one.line) == ("AZ410", 3)


def test_what_only_one_side_tells_stays():
    assert settled([FORESEEN], MODULE) == (FORESEEN,)
    assert settled([SEEN], MODULE) == (SEEN,)


def test_the_graver_level_stays():
    read = Finding("AZ402", "warning", "saved as SVG", rule="W4", line=4)
    seen = Finding("AZ412", "note", "a.svg not shown", rule="W4")
    (one,) = settled([read, seen], MODULE)
    assert (one.code, one.level, one.line) == ("AZ412", "warning", 4)


def test_other_lines_are_other_matters():
    read = [Finding("AZ622", "warning", "chained", rule="3.5", line=line) for line in (3, 4)]
    seen = Finding("AZ510", "warning", "ChainedAssignmentError", rule="3.5", line=4)
    assert [(one.code, one.line) for one in settled([*read, seen], MODULE)] == [
        ("AZ622", 3),
        ("AZ510", 4),
    ]


def test_without_a_rule_nothing_is_the_same():
    read = Finding("AZ110", "error", "scale", line=2)
    seen = Finding("AZ284", "note", "hidden files were left out")
    assert settled([read, seen], MODULE) == (read, seen)


def test_ignore_comments_hide_what_the_run_saw_too():
    source = "x = 1  # azml: ignore[AZ510]\ny = 2\n# azml: ignore[AZ410]\n"
    module = Module(source, first_line=2)
    seen = [Finding("AZ510", "warning", "chained", line=line) for line in (2, 3)]
    assert settled([*seen, SEEN], module) == (seen[1],)


def failed(kind, message, line, *findings, error=ModuleFailed):
    entry = TracebackEntry("Cell In[1]", line, "azureml_main")
    failure = Failure(kind, message, (entry,))
    raised = error("it failed", "a hint", Result(findings=findings, failure=failure))
    settle_error(raised, MODULE)
    return raised


@pytest.mark.parametrize(
    ("kind", "message", "code"),
    [
        ("SyntaxError", "invalid syntax", "AZ101"),
        ("AttributeError", "module 'azuremod' has no attribute 'azureml_main'", "AZ102"),
        ("TypeError", "azureml_main() missing 1 required positional argument: 'b'", "AZ103"),
        ("NameError", "name 'rate' is not defined", "AZ110"),
        ("NameError", "name 'pd' is not defined", "AZ111"),
    ],
)
def test_what_foresaw_the_failure_becomes_its_hint(kind, message, code):
    other = Finding("AZ501", "warning", "the network", "by a port", line=9)
    error = failed(kind, message, 3, Finding(code, "error", "so", "do that", line=3), other)
    assert error.hint == ("so; do that" if kind == "NameError" else "do that")
    assert error.result.findings == (other,)


def test_a_name_of_another_line_foresaw_nothing():
    read = Finding("AZ110", "error", "rate", "move it", line=2)
    error = failed("NameError", "name 'scale' is not defined", 3, read)
    assert (error.hint, error.result.findings) == ("a hint", (read,))


def test_a_line_of_a_file_of_the_bundle_is_another_one():
    read = Finding("AZ110", "error", "rate", "move it", line=3)
    entry = TracebackEntry("Script Bundle/helper.py", 3, "f")
    failure = Failure("NameError", "name 'rate' is not defined", (entry,))
    error = ModuleFailed("it failed", "a hint", Result(findings=(read,), failure=failure))
    settle_error(error, MODULE)
    assert (error.hint, error.result.findings) == ("a hint", (read,))


def test_two_that_could_have_foreseen_it_stay():
    read = [Finding("AZ101", "error", "so", "do that", line=line) for line in (1, 2)]
    error = failed("SyntaxError", "invalid syntax", 2, *read)
    assert (error.hint, error.result.findings) == ("a hint", tuple(read))


def test_of_a_return_the_run_knows_what_and_reading_knows_where():
    read = Finding("AZ112", "error", "a number", "return a frame", line=3)
    error = failed("ContractError", "azureml_main returned a float", 3, read, error=ContractError)
    assert (error.hint, error.result.findings) == ("line 3: a hint", ())
