"""What a person sees in JupyterLab."""

import nbformat
import pytest

RUN_ALL = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }"
IDLE = """() => {
  const widget = window.jupyterapp.shell.currentWidget;
  const cells = widget.content.widgets.filter(cell => cell.model.type === 'code');
  return cells.length > 0 && cells.every(cell => cell.model.executionCount > 0)
    && widget.sessionContext.session.kernel.status === 'idle';
}"""
THEMES = ("JupyterLab Light", "JupyterLab Dark")


def write(lab, name, *cells):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
        metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    )
    nbformat.write(notebook, lab.folder / name)
    return name


def run_all(page):
    page.evaluate(RUN_ALL)
    page.wait_for_function(IDLE, timeout=120_000)


@pytest.fixture
def small(lab):
    return write(
        lab,
        "small.ipynb",
        "%load_ext azml_magic\nimport pandas as pd\nframe = pd.DataFrame({'a': [1.5], 'b': ['<b>x</b>']})",
        "%%azureml_module -i frame\nimport matplotlib.pyplot as plt\n\n\n"
        "def azureml_main(frame):\n    plt.plot([1, 2]); plt.savefig('line.png')\n"
        "    print('from the module')\n    return frame,",
    )


@pytest.mark.parametrize("theme", THEMES)
def test_a_result_is_shown_in_the_theme(open_notebook, small, theme):
    page = open_notebook(small, theme)
    run_all(page)
    output = page.locator(".jp-OutputArea section.azml").first
    output.wait_for()
    assert "1 row" in output.inner_text()
    assert "<b>x</b>" in output.inner_text()
    figure = page.locator(".jp-OutputArea figure img").first
    assert "line.png" in figure.get_attribute("alt")
    text = page.evaluate(
        "() => getComputedStyle(document.querySelector('.jp-OutputArea section.azml')).color"
    )
    expected = page.evaluate(
        "() => { const d = document.createElement('div'); document.body.append(d);"
        " d.style.color = 'var(--jp-ui-font-color1)'; const c = getComputedStyle(d).color;"
        " d.remove(); return c }"
    )
    content = page.evaluate(
        "() => getComputedStyle(document.querySelector('.jp-OutputArea-output')).color"
    )
    assert text in {expected, content}


def test_a_failure_is_an_error_with_cell_and_line(open_notebook, lab):
    name = write(
        lab,
        "failing.ipynb",
        "%load_ext azml_magic",
        "%%azureml_module\ndef azureml_main():\n    return nope,",
    )
    page = open_notebook(name)
    run_all(page)
    error = page.locator(".jp-OutputArea [data-mime-type='application/vnd.jupyter.stderr']").last
    error.wait_for()
    assert "Cell In[2], line 3" in error.inner_text()
    assert "site-packages" not in error.inner_text()
    assert page.locator(".jp-OutputArea details").count() >= 1
