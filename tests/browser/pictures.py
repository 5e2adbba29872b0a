"""Takes the pictures of README.md and the documentation: ``python tests/browser/pictures.py``.

Each picture shows real notebook cells, run in JupyterLab.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.pages import BROWSERS, FLAGS, SELECT, Notebook, write
from browser.servers import Server

LOAD = "%load_ext azml_magic\nfrom azml_magic.demo import patients as load\n\npatients = load()"
RANK = """\
%%azureml_module -i patients -n ranker
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier


def azureml_main(patients):
    features = patients.drop("test", axis=1)
    model = ExtraTreesClassifier(random_state=0).fit(features, patients["test"])
    ranking = pd.DataFrame({"feature": features.columns})
    ranking["importance"] = model.feature_importances_
    ranking = ranking.sort_values("importance")
    print(len(patients), "patients")
    ranking.plot.barh("feature", "importance", figsize=(6, 2.4), legend=False)
    plt.tight_layout()
    plt.savefig("importance.png")
    return ranking.tail(4),"""
MEANS = """\
%%azureml_module -i patients -n means
def azureml_main(patients):
    return patients.groupby("test", as_index=False).mean(),"""
SCALE = "scale = 100"
FAIL = """\
%%azureml_module -i patients
def azureml_main(patients):
    share = patients["test"].mean()
    print("positive:", share)
    return patients.assign(share=share * scale),"""
THEMES = {
    "light": "JupyterLab Light",
    "dark": "JupyterLab Dark",
    "contrast": "JupyterLab Dark High Contrast",
}


def run(notebook: Notebook) -> list[int]:
    """A run with its frame, log and figure."""
    notebook.run_all()
    notebook.output(1).locator("summary").first.click()
    return [1]


def failure(notebook: Notebook) -> list[int]:
    """A failing run: the person's line, and what to do."""
    notebook.run_all()
    notebook.output(2).locator("summary").first.wait_for()
    return [2]


def picker(notebook: Notebook) -> list[int]:
    """The port picker after a run."""
    notebook.run_all()
    page = notebook.page
    page.get_by_label("Module", exact=True).select_option(label="means")
    page.get_by_label("dataset1", exact=True).select_option(label="patients (768 × 9)")
    page.get_by_label("Output variable", exact=True).fill("by_test")
    page.get_by_role("button", name="Run module").click()
    notebook.output(2).locator("section.azml").wait_for()
    return [2]


def completion(notebook: Notebook) -> list[int]:
    """Frames and ports, offered by Tab."""
    notebook.run(0)
    notebook.wait_for_run(0)
    notebook.editor(1).click()
    notebook.page.keyboard.type("%%azureml_module -i ")
    notebook.page.keyboard.press("Tab")
    notebook.page.locator(".jp-Completer").wait_for()
    notebook.page.wait_for_timeout(500)
    return [1]


PICTURES: dict[str, tuple[Callable[[Notebook], list[int]], list[str]]] = {
    "run": (run, [LOAD, RANK]),
    "failure": (failure, [LOAD, SCALE, FAIL]),
    "picker": (picker, [LOAD, MEANS, "%azureml_ports"]),
    "completion": (completion, [LOAD, ""]),
}


def take(server: Server, context: Any, name: str, theme: str, target: Path) -> None:
    """Take one picture of the cells that it is about."""
    action, cells = PICTURES[name]
    server.theme(THEMES[theme])
    file = f"{name}-{theme}.ipynb"
    write(server.folder / file, cells)
    page = context.new_page()
    page.goto(server.address(file))
    notebook = Notebook(page, server.folder / file)
    notebook.command("application:toggle-left-area")
    shown = action(notebook)
    if name != "completion":  # what is offered goes when another cell is chosen
        page.evaluate(SELECT, 0)
    page.wait_for_timeout(400)
    parts = [page.locator(".jp-CodeCell").nth(cell) for cell in shown]
    parts += page.locator(".jp-Completer").all()
    boxes = [part.bounding_box() for part in parts if part.is_visible()]
    top = min(box["y"] for box in boxes) - 4
    bottom = max(box["y"] + box["height"] for box in boxes) + 8
    clip = {"x": boxes[0]["x"], "y": top, "width": boxes[0]["width"], "height": bottom - top}
    page.screenshot(path=target, clip=clip)
    page.close()
    server.end_sessions()
    # A palette makes a third of it, and nothing of it is a photograph.
    Image.open(target).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(
        target, optimize=True
    )


def main() -> None:
    """Take the pictures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, default=Path("docs/images"))
    parser.add_argument("--themes", nargs="+", default=["light", "dark"], choices=THEMES)
    parser.add_argument("names", nargs="*", default=list(PICTURES), metavar="NAME")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    executable = next(path for path in BROWSERS if Path(path).exists())
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary) / "lab"
        folder.mkdir()
        server = Server("lab", folder)
        context = playwright.chromium.launch_persistent_context(
            f"{temporary}/profile",
            executable_path=executable,
            args=FLAGS,
            device_scale_factor=2,
            viewport={"width": 860, "height": 2400},
        )
        try:
            for theme in chosen.themes:
                for name in chosen.names:
                    target = chosen.folder / f"{name}-{theme}.png"
                    take(server, context, name, theme, target)
                    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")
        finally:
            context.close()
            server.close()


if __name__ == "__main__":
    main()
