"""What a person sees and does in JupyterLab and Notebook 7."""

import json
import re

import pytest

LOAD = (
    "%load_ext azml_magic\nimport pandas as pd\n"
    "patients = pd.DataFrame({'age': [50, 31, 32], 'glucose': [148.0, 85.0, 183.0],"
    " 'note': ['<b>x</b>', 'a', 'b']})"
)
RUN = (
    "%%azureml_module -i patients\nimport matplotlib.pyplot as plt\n\n"
    "def azureml_main(frame):\n    frame.plot.scatter('age', 'glucose')\n"
    "    plt.savefig('scatter.png')\n    print('rows', len(frame))\n    return frame,"
)
FAIL = "%%azureml_module -i patients\ndef azureml_main(frame):\n    return nope,"
ENTRY = "def azureml_main(frame):\n    return frame.head(2),"
SLOW = "def azureml_main(frame):\n    import time\n    print('begun')\n    time.sleep(600)"
THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")
APPS = ("lab", "notebook")
PICKER = ".jp-OutputArea .widget-vbox"


def select(notebook, label):
    return notebook.page.get_by_label(label, exact=True)


def button(notebook, name):
    return notebook.page.locator(PICKER).get_by_role("button", name=name)


@pytest.mark.parametrize("theme", THEMES)
def test_a_run_and_a_failing_run_in_each_theme(open_notebook, theme):
    notebook = open_notebook(LOAD, RUN, FAIL, theme=theme)
    notebook.run_all()
    section = notebook.output(1).locator("section.azml")
    section.wait_for()
    assert "3 rows × 3 columns" in section.inner_text()
    assert "<b>x</b>" in section.inner_text()
    assert "scatter.png" in notebook.output(1).locator("figure img").get_attribute("alt")
    error = notebook.output(2).locator("[data-mime-type='application/vnd.jupyter.stderr']").last
    error.wait_for()
    assert "Cell In[3], line 3, in azureml_main" in error.inner_text()
    assert "azml_magic/" not in error.inner_text()
    notebook.output(2).locator("summary", has_text="As Studio would log it").click()
    assert "Error 0085" in notebook.output(2).inner_text()
    assert notebook.violations("section.azml", "figure.azml-figure") == []
    assert text_follows_the_theme(notebook)


def text_follows_the_theme(notebook):
    """Whether our text has the theme's colour, as computed by the browser."""
    return notebook.page.evaluate(
        """() => {
          const probe = document.createElement('div');
          probe.style.color = 'var(--jp-ui-font-color1)';
          document.querySelector('.jp-OutputArea-output').append(probe);
          const wanted = getComputedStyle(probe).color;
          probe.remove();
          return getComputedStyle(document.querySelector('section.azml')).color === wanted;
        }"""
    )


@pytest.mark.parametrize("app", APPS)
def test_a_port_a_frame_and_an_option_are_completed(open_notebook, app):
    notebook = open_notebook(LOAD, "", app=app)
    notebook.run(0)
    notebook.wait_for_run(0)
    keyboard = notebook.page.keyboard
    notebook.editor(1).click()
    keyboard.type("%%azureml_module -i da")
    assert "port" in accept(notebook, "dataset1=")
    keyboard.type("pat")
    assert "3 × 3" in accept(notebook, "patients").replace("\xa0", " ")
    keyboard.type(" --prof")
    accept(notebook, "--profile")
    keyboard.type(" des")
    accept(notebook, "designer")
    text(notebook, 1, "%%azureml_module -i dataset1=patients --profile designer")


def accept(notebook, wanted):
    """Ask for completion by Tab and take the first offer by Enter; return all that is offered."""
    notebook.page.keyboard.press("Tab")
    offered = notebook.page.locator(".jp-Completer")
    offered.locator(".jp-Completer-item.jp-mod-active", has_text=wanted).wait_for()
    shown = offered.inner_text()
    notebook.page.keyboard.press("Enter")
    text(notebook, 1, wanted)
    return shown


def text(notebook, cell, expected):
    """Wait until an editor holds a text."""
    notebook.page.wait_for_function(
        """([cell, expected]) => window.jupyterapp.shell.currentWidget.content
          .widgets[cell].model.sharedModel.getSource().includes(expected)""",
        arg=[cell, expected],
        timeout=120_000,
    )


@pytest.mark.parametrize("app", APPS)
def test_the_picker_by_mouse(open_notebook, app):
    notebook = open_notebook(LOAD, ENTRY, "%azureml_ports", app=app)
    notebook.run_all()
    select(notebook, "dataset1").select_option(label="patients (3 × 3)")
    select(notebook, "Output variable").fill("top")
    button(notebook, "Run module").click()
    result = notebook.output(2).locator("section.azml")
    result.wait_for()
    assert "2 rows" in result.inner_text()
    line = "%azureml_module -f azureml_main -i dataset1=patients -o top"
    assert notebook.page.locator("pre.azml-line").inner_text().strip() == line
    assert notebook.violations(PICKER, "section.azml") == []


def test_the_picker_by_keyboard_alone(open_notebook):
    notebook = open_notebook(LOAD, ENTRY, "%azureml_ports")
    notebook.run_all()
    keyboard = notebook.page.keyboard
    select(notebook, "Module").focus()
    keyboard.press("Tab")
    keyboard.press("p")  # the first letter of its name chooses a frame
    for _ in range(6):
        keyboard.press("Tab")
    focused = notebook.page.evaluate("() => document.activeElement.innerText.trim()")
    assert focused == "Run module"
    keyboard.press("Enter")
    notebook.output(2).locator("section.azml").wait_for()


def test_the_picker_follows_the_notebook_and_writes_its_line(open_notebook):
    notebook = open_notebook(LOAD, ENTRY, "%azureml_ports", "later = patients.head(1)")
    notebook.run_all()
    select(notebook, "dataset1").select_option(label="later (1 × 3)")
    notebook.editor(2).click()
    notebook.page.keyboard.press("End")
    notebook.page.keyboard.type(" --write")
    notebook.run(2)
    text(notebook, 2, "%azureml_module -f azureml_main -i dataset1=later")


def test_cancel_ends_a_picked_run(open_notebook):
    notebook = open_notebook(LOAD, SLOW, "%azureml_ports")
    notebook.run_all()
    select(notebook, "dataset1").select_option(label="patients (3 × 3)")
    button(notebook, "Run module").click()
    notebook.page.locator(PICKER).get_by_text("begun").wait_for()
    assert notebook.page.locator(f"{PICKER} progress").count() == 1
    assert notebook.violations(PICKER) == []
    button(notebook, "Cancel").click()
    notebook.output(2).get_by_text("Interrupted").first.wait_for(timeout=120_000)
    button(notebook, "Run module").click(trial=True)  # once it is enabled


@pytest.mark.parametrize("app", APPS)
def test_a_picked_result_outlives_restart_and_reload(open_notebook, app):
    notebook = open_notebook(LOAD, ENTRY, "%azureml_ports", app=app)
    notebook.run_all()
    select(notebook, "dataset1").select_option(label="patients (3 × 3)")
    button(notebook, "Run module").click()
    notebook.output(2).locator("section.azml").wait_for()
    notebook.save()
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    notebook.page.reload()
    again = type(notebook)(notebook.page, notebook.path)
    result = again.output(2).locator("section.azml")
    result.wait_for()
    assert "2 rows" in result.inner_text()
    assert "run this cell again" in again.output(2).inner_text()


def test_the_stop_button_ends_the_run_and_run_all(open_notebook):
    stuck = "%%azureml_module -i patients\n" + SLOW
    notebook = open_notebook(LOAD, stuck, "print('reached')")
    notebook.command("notebook:run-all-cells")
    notebook.output(1).get_by_text("begun").wait_for(timeout=120_000)
    notebook.command("notebook:interrupt-kernel")
    notebook.output(1).get_by_text("Interrupted").first.wait_for(timeout=120_000)
    notebook.wait_for_run(1)
    notebook.save()
    saved = json.loads(notebook.path.read_text())
    assert saved["cells"][2]["outputs"] == []
    assert [o["output_type"] for o in saved["cells"][1]["outputs"]][-1] == "error"


def test_saved_output_reads_well_without_style_and_script(open_notebook, browser, tmp_path):
    notebook = open_notebook(LOAD, RUN)
    notebook.run_all()
    html = notebook.output(1).locator("section.azml").evaluate("node => node.outerHTML")
    bare = re.sub(r"<style>.*?</style>| class=\"[^\"]*\"", "", html, flags=re.DOTALL)
    page = browser.new_page()
    page.set_content(f"<main><h1>Mail</h1>{bare}</main>")
    shown = page.locator("section").inner_text()
    page.close()
    assert re.search(r"Module ran in .* 3 rows × 3 columns", shown)
    assert re.search(r"glucose\s+float64", shown)
    assert "<b>x</b>" in shown
