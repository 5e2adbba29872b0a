"""Servers, and Debian's Chromium to look at them."""

import itertools
import os
from pathlib import Path

import pytest

from browser.pages import BROWSERS, FLAGS, Notebook, write
from browser.servers import Server

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Return a function that starts a frontend at its first use."""
    running = {}

    def start(app):
        if app not in running:
            running[app] = Server(app, tmp_path_factory.mktemp(app))
        return running[app]

    yield start
    for server in running.values():
        server.close()


# Of one file and no longer: its event loop must not run while other tests fork.
@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    executable = next((path for path in BROWSERS if Path(path).exists()), None)
    if executable is None:
        # A machine that checks changes must not pass for want of a browser.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "no Chromium here: apt-get install chromium"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")),
            executable_path=executable,
            args=FLAGS,
            # Tall: a windowed notebook draws only the cells in view.
            viewport={"width": 1200, "height": 1700},
        )
        yield context
        context.close()


@pytest.fixture
def open_notebook(servers, browser):
    """Return a function that writes cells into a notebook and opens it, kernel ready."""
    pages = []

    def open_page(*cells, app="lab", theme="JupyterLab Light"):
        server = servers(app)
        server.theme(theme)
        # A name of its own, so that no frontend restores what an earlier notebook had.
        name = f"notebook{next(NUMBERS)}.ipynb"
        write(server.folder / name, cells)
        page = browser.new_page()
        pages.append((page, server))
        page.goto(server.address(name))
        return Notebook(page, server.folder / name)

    yield open_page
    for page, server in pages:
        page.close()
        server.end_sessions()
