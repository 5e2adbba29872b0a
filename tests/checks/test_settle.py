"""What reading foresaw and what a run saw are told once."""

from azml_magic.checks import settled
from azml_magic.module.module import Module
from azml_magic.result import Finding

MODULE = Module("def azureml_main(frame):\n    return frame,\n", first_line=2)
FORESEEN = Finding("AZ401", "warning", "never saved", "save it", "W6", line=3)
SEEN = Finding("AZ410", "warning", "figure 1 was left open", "save it", "W6")


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
