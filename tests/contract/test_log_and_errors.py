"""Rules L1 to L10: the log, the error box, and what stands inside it."""

from dataclasses import dataclass

import pytest

from azml_magic.contract.log_text import NO_OUTPUT, RAISED, error_text, failure_details, log_text
from azml_magic.contract.profile import CLASSIC, DESIGNER

rule = pytest.mark.rule
BOTH = [CLASSIC, DESIGNER]


@dataclass(frozen=True)
class Entry:
    """What a run reports of one frame of a traceback."""

    file: str
    line: int
    function: str
    text: str
    mine: bool = True


ENTRIES = (
    Entry("module", 7, "azureml_main", "    rows = clean(frame)"),
    Entry("Script Bundle/Hello.py", 3, "clean", "return frame['no']"),
    Entry("pandas/core/frame.py", 4102, "__getitem__", "", mine=False),
)


def details(profile, stage="call", line=7, entries=ENTRIES, kind="KeyError", message="'no'"):
    return failure_details(kind, message, entries, stage, line, profile)


@pytest.mark.rule("L4", "L6", profile="both")
@pytest.mark.parametrize("profile", BOTH)
def test_error_0085_stands_in_the_published_frame(profile):
    assert RAISED == "0085"
    assert error_text("0085", "inside", profile).splitlines() == [
        "Error 0085: The following error occurred during script evaluation, "
        "please view the output log for more information:",
        "---------- Start of error message from Python interpreter ----------",
        "inside",
        "---------- End of error message from Python  interpreter ----------",
    ]


@pytest.mark.parametrize(
    ("number", "word"),
    [
        pytest.param("0018", "dataset", marks=rule("L9", profile="designer")),
        pytest.param("0102", "bundle", marks=rule("L10", "Z7", profile="both")),
    ],
)
@pytest.mark.parametrize("profile", BOTH)
def test_other_errors_have_their_number_and_details(number, word, profile):
    text = error_text(number, "the {details} of it", profile)
    assert text.startswith(f"Error {number}: ")
    assert word in text
    assert text.endswith("the {details} of it")


@pytest.mark.rule("L9", profile="both")
def test_a_result_that_cannot_be_written_has_the_number_of_its_profile():
    assert (CLASSIC.write_error, DESIGNER.write_error) == ("0085", "0018")


@pytest.mark.rule("L4", "L5", "2.10", profile="classic")
def test_classic_shows_the_whole_traceback():
    lines = details(CLASSIC).splitlines()
    assert lines[0].endswith("Traceback (most recent call last):")
    assert lines[1:] == [
        '  File "azuremod.py", line 7, in azureml_main',
        "    rows = clean(frame)",
        '  File "Script Bundle/Hello.py", line 3, in clean',
        "    return frame['no']",
        '  File "pandas/core/frame.py", line 4102, in __getitem__',
        "KeyError: 'no'",
    ]


@pytest.mark.rule("L4", "L5", "2.15", profile="designer")
def test_designer_shows_one_line_with_the_line_in_azureml_main():
    text = details(DESIGNER)
    assert "\n" not in text
    assert "line 7 of azureml_main" in text
    assert "'KeyError: 'no''" in text
    assert "Hello.py" not in text


@pytest.mark.rule("L4", "L5", "L8", profile="designer")
@pytest.mark.parametrize("stage", ["compile", "import", "find"])
def test_designer_names_no_line_outside_azureml_main(stage):
    text = details(DESIGNER, stage=stage, line=None, kind="ImportError", message="no module")
    assert "line" not in text
    assert text.endswith("'ImportError: no module'")


@pytest.mark.rule("L7", "L8", profile="both")
@pytest.mark.parametrize("profile", BOTH)
@pytest.mark.parametrize(
    ("kind", "message", "stage"),
    [
        ("SystemExit", "0", "call"),
        ("KeyboardInterrupt", "", "call"),
        ("MemoryError", "", "call"),
        ("SyntaxError", "invalid syntax", "compile"),
        ("ModuleNotFoundError", "No module named 'x'", "import"),
        ("AttributeError", "no attribute 'azureml_main'", "find"),
    ],
)
def test_class_and_message_are_always_there(kind, message, stage, profile):
    text = details(profile, stage=stage, line=None, entries=(), kind=kind, message=message)
    assert f"{kind}: {message}" in text if message else kind in text
    assert f"{kind}: \n" not in text


@pytest.mark.rule("L9", profile="both")
@pytest.mark.parametrize("profile", BOTH)
@pytest.mark.parametrize("stage", ["return", "write"])
def test_a_refusal_has_its_message_and_no_traceback(stage, profile):
    text = details(profile, stage=stage, kind="ReturnRefused", message="output1: it is so")
    assert text.endswith("output1: it is so")
    assert "Traceback" not in text
    assert "ReturnRefused" not in text


@pytest.mark.rule("L1", "L13", profile="classic")
def test_the_device_has_a_section_for_each_stream():
    log = log_text("printed\n", "warned", CLASSIC)
    assert log == "Standard Output\nprinted\n\nStandard Error\nwarned\n"


@pytest.mark.rule("L1", profile="classic")
def test_an_empty_stream_is_told_in_classic():
    assert NO_OUTPUT == "Interpreter produced no output."
    assert f"Standard Error\n{NO_OUTPUT}\n" in log_text("printed\n", "", CLASSIC)


@pytest.mark.rule("L1", "L13", profile="designer")
def test_the_designer_log_holds_both_streams():
    assert log_text("printed", "warned\n", DESIGNER) == "printed\nwarned\n"
    assert log_text("", "", DESIGNER) == ""


@pytest.mark.rule("L4", profile="both")
@pytest.mark.parametrize("profile", BOTH)
def test_the_error_ends_the_log(profile):
    error = error_text("0085", details(profile), profile)
    log = log_text("printed\n", "", profile, error=error)
    assert log.endswith(f"{error}\n")
    assert log.index("printed") < log.index("Error 0085")


@pytest.mark.rule("L14", profile="both")
@pytest.mark.parametrize("profile", BOTH)
def test_text_beyond_ascii_survives(profile):
    assert "größe ✓ 数" in log_text("größe ✓ 数", "", profile)
    assert "ü" in details(profile, message="ü")
