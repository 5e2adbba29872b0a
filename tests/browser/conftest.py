"""JupyterLab on a free port, and Debian's Chromium to look at it."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"

# A synchronous predicate: one that returns a promise would count as true at once.
KERNEL_READY = """() => {
  const widget = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const kernel = widget && widget.sessionContext && widget.sessionContext.session
    && widget.sessionContext.session.kernel;
  return Boolean(kernel && kernel.connectionStatus === 'connected' && kernel.status === 'idle'
    && widget.context.isReady && widget.sessionContext.isReady);
}"""


class Lab:
    """A running JupyterLab with a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.token = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        home = folder / "home"
        self._settings(home)
        environment = {
            **os.environ,
            "HOME": str(home),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        }
        self.log = open(folder / "lab.log", "w")
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
                "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.port}",
                "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}",
                "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}",
            ],
            env=environment, stdout=self.log, stderr=self.log, start_new_session=True,
        )
        self._wait()

    def theme(self, name):
        """Choose the theme that the next page shows."""
        folder = self.folder / "home" / "settings" / "@jupyterlab" / "apputils-extension"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "themes.jupyterlab-settings").write_text(json.dumps({"theme": name}))

    def close(self):
        """End the server and its kernels."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(20)
        self.log.close()

    def _settings(self, home):
        folder = home / "settings" / "@jupyterlab" / "apputils-extension"
        folder.mkdir(parents=True)
        news = {"fetchNews": "false", "checkForUpdates": False}
        (folder / "notification.jupyterlab-settings").write_text(json.dumps(news))

    def _wait(self):
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/api?token={self.token}", timeout=1).read()
                return
            time.sleep(0.1)
        raise AssertionError(f"JupyterLab did not start:\n{Path(self.log.name).read_text()}")


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(notebook, folder)
    running = Lab(folder)
    yield running
    running.close()


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    executable = next((path for path in BROWSERS if Path(path).exists()), None)
    if executable is None:
        pytest.fail("no Chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")),
            executable_path=executable,
            args=FLAGS,
            viewport={"width": 1200, "height": 1600},
        )
        yield context
        context.close()


@pytest.fixture
def open_notebook(lab, browser):
    """Return a function that opens a notebook of the lab in a theme, kernel ready."""
    pages = []

    def open_page(name, theme="JupyterLab Light"):
        lab.theme(theme)
        page = browser.new_page()
        pages.append(page)
        page.goto(f"{lab.url}/lab/tree/{name}?token={lab.token}&reset")
        page.wait_for_function(KERNEL_READY, timeout=60_000)
        return page

    yield open_page
    for page in pages:
        page.close()
