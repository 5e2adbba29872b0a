"""What a run's result tells: what reading foresaw, what pandas warned of, each matter once."""

import warnings

import pandas as pd
import pytest

from azml_magic import api
from azml_magic.errors import FindingsError, ModuleFailed
from azml_magic.languages.python.observe import MOST, Observer
from azml_magic.module.module import Module

FRAME = pd.DataFrame({"a": [1.0, None, 3.0], "b": ["x", "y", "z"]})
NEW_PANDAS = int(pd.__version__.split(".")[0]) >= 3


def run(*lines, first_line=1, **options):
    body = "".join(f"    {line}\n" for line in lines)
    source = f"import warnings\ndef azureml_main(frame):\n{body}    return frame,\n"
    module = Module.from_source(source, label="Cell In[5]", first_line=first_line)
    return api.run(module, FRAME, **options)


def told(result):
    return [(one.code, one.line) for one in result.findings]


@pytest.mark.skipif(not NEW_PANDAS, reason="pandas 3 warns of it")
def test_a_chained_assignment_is_told_once_on_its_line():
    result = run("frame['a'].fillna(0, inplace=True)", first_line=2)
    assert told(result) == [("AZ510", 4)]
    assert "ChainedAssignmentError" in result.findings[0].message
    assert "ChainedAssignmentError" in result.stderr


def test_a_future_warning_is_a_note():
    result = run("warnings.warn('goes soon. Really.', FutureWarning)")
    assert told(result) == [("AZ512", 3)]
    assert result.findings[0].message == "FutureWarning says 'goes soon'"
    assert result.findings[0].level == "note"


def test_warnings_of_the_module_itself_are_none():
    assert told(run("warnings.warn('rows were dropped')")) == []


def test_warnings_that_the_module_silences_are_none():
    lines = ["warnings.simplefilter('ignore')", "warnings.warn('soon', FutureWarning)"]
    assert told(run(*lines)) == []


def test_many_warnings_are_bounded():
    lines = [f"warnings.warn('soon', FutureWarning) # {number}" for number in range(MOST + 5)]
    assert len(run(*lines).findings) == MOST


def test_a_comment_hides_what_the_run_saw():
    assert told(run("warnings.warn('soon', FutureWarning)  # azml: ignore[AZ512]")) == []


def test_a_figure_left_open_is_told_once():
    result = run("import matplotlib.pyplot as plt", "plt.plot([1, 2])")
    assert told(result) == [("AZ410", 4)]


def test_what_reading_foresaw_is_in_the_result():
    result = run("if frame is None: print(rate)", known_names={"rate": "Cell In[3]"})
    assert told(result) == [("AZ110", 3)]
    assert "Cell In[3]" in result.findings[0].message


def test_what_reading_foresaw_of_a_failure_is_its_hint():
    with pytest.raises(ModuleFailed) as failed:
        run("frame['c'] = rate", known_names={"rate": "Cell In[3]"})
    assert "defined in Cell In[3]" in failed.value.hint
    assert "move it" in failed.value.hint
    assert told(failed.value.result) == []


def test_a_name_that_is_defined_nowhere_is_told_once():
    with pytest.raises(ModuleFailed) as failed:
        run("frame['c'] = seaborn.color_palette()")
    words = "`seaborn` is not defined anywhere; add `import seaborn` to the module"
    assert failed.value.hint == words
    assert told(failed.value.result) == []


def test_notes_of_reading_stay_with_check():
    source = "def azureml_main(frame):\n    return frame\n"
    assert told(api.run(source, FRAME)) == []
    assert [one.code for one in api.check(source)] == ["AZ109"]


def test_strict_refuses_before_and_after_the_run():
    with pytest.raises(FindingsError) as before:
        run("if frame is None: print(rate)", strict=True)
    assert before.value.result.seconds == 0
    source = "import matplotlib.pyplot as p\ndef azureml_main(f):\n    draw(p)\n    return f,\n"
    source += "def draw(library):\n    getattr(library, 'plot')([1])\n"
    with pytest.raises(FindingsError) as after:
        api.run(source, FRAME, strict=True)
    assert after.value.result.seconds > 0


def test_a_file_of_the_bundle_is_named(tmp_path, monkeypatch):
    printed = []
    monkeypatch.setattr(warnings, "showwarning", lambda *told: printed.append(told[2]))
    observer = Observer("module.py", str(tmp_path))
    observer.listen()
    path = str(tmp_path / "Script Bundle" / "tools.py")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn_explicit("soon", FutureWarning, path, 7)
        warnings.warn_explicit("soon", FutureWarning, "/usr/lib/library.py", 8)
    (finding,) = observer.findings
    assert finding.line is None
    assert finding.message == "FutureWarning says 'soon', in line 7 of 'Script Bundle/tools.py'"
    assert printed == [path, "/usr/lib/library.py"]
