"""The person's frames only, at the right cell and line, wherever the module comes from."""

import re

import pytest

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def shown(kernel, cell):
    reply, _ = kernel.execute(cell)
    assert reply["status"] == "error", reply
    text = ANSI.sub("", "\n".join(reply["traceback"]))
    assert "azml_magic/" not in text
    assert "site-packages" not in text
    return text


@pytest.fixture(scope="module", autouse=True)
def bundle(kernel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    (folder / "parts").mkdir()
    (folder / "parts" / "helpers.py").write_text("\n\ndef half(number):\n    return number / 0\n")
    kernel.execute(f"import os; os.chdir({str(folder)!r})")


def test_a_library_that_raises_is_named_by_the_persons_line(kernel):
    text = shown(
        kernel, "%%azureml_module -i frame\ndef azureml_main(data):\n    return data['z'],\n"
    )
    assert "line 3, in azureml_main" in text
    assert "KeyError: 'z'" in text
    assert text.count("line 3, in") == 1
    assert ", line 4" not in text


def test_a_line_of_the_bundle_is_shown(kernel):
    text = shown(
        kernel,
        "%%azureml_module -z parts\nimport helpers\n\ndef azureml_main():\n    helpers.half(1)\n",
    )
    assert "line 5, in azureml_main" in text
    assert "helpers.py, line 4, in half" in text
    assert "return number / 0" in text


def test_the_line_form_names_the_cell_that_defines_the_function(kernel):
    kernel.execute("\n\ndef wrong(data):\n    seen = 1\n    return data / seen / nope,")
    defined = int(kernel.value("get_ipython().execution_count")) - 1
    text = shown(kernel, "%azureml_module -f wrong -i frame")
    assert f"Cell In[{defined}], line 5, in wrong" in text


def test_blank_lines_above_the_magic_count(kernel):
    text = shown(kernel, "\n\n%%azureml_module\ndef azureml_main():\n    1 / 0\n")
    assert ", line 5, in azureml_main" in text


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("def azureml_main(:\n    pass\n", 2, "SyntaxError"),
        ("import no_such_package\ndef azureml_main(): pass\n", 2, "no_such_package"),
        ("def azureml_main():\n    raise ValueError('two\\nlines')\n", 3, "two\n  | lines"),
        ("def azureml_main():\n    exit(3)\n", 3, "SystemExit"),
    ],
)
def test_other_failures_name_their_line(kernel, body, line, message):
    text = shown(kernel, f"%%azureml_module\n{body}")
    assert f", line {line}" in text
    assert message in text


@pytest.mark.parametrize(
    ("before", "use", "hint"),
    [
        ("scale = 3", "scale", "`scale` is defined in Cell In["),
        ("def helper(): pass", "helper()", "`helper` is defined in Cell In["),
        ("class Model: pass", "Model()", "`Model` is defined in Cell In["),
        ("import numpy as np", "np.pi", "import numpy as np"),
        ("other = pd.DataFrame()", "other", "-i other"),
    ],
)
def test_a_name_that_only_the_notebook_has_is_found(kernel, before, use, hint):
    kernel.execute(before)
    text = shown(kernel, f"%%azureml_module\ndef azureml_main():\n    return {use},\n")
    assert hint in text
    assert text.count("NameError") == 1
    assert "AZ110" not in text


def test_colours_follow_the_shell(kernel):
    def traceback():
        reply, _ = kernel.execute("%%azureml_module\ndef azureml_main():\n    1 / 0\n")
        return "\n".join(reply["traceback"])

    assert "\x1b[" in traceback()
    kernel.execute("colours = get_ipython().colors; get_ipython().colors = 'nocolor'")
    plain = traceback()
    kernel.execute("get_ipython().colors = colours; os.environ['NO_COLOR'] = '1'")
    silenced = traceback()
    kernel.execute("del os.environ['NO_COLOR']")
    assert "ZeroDivisionError" in plain
    assert "\x1b" not in plain + silenced
