"""JupyterLab or Notebook 7 on a free port, with a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from support.waiting import until

APPS = {
    "lab": ("jupyterlab", "LabApp", "lab/tree/{name}?reset"),
    "notebook": ("notebook", "JupyterNotebookApp", "notebooks/{name}"),
}


class Server:
    """A running server.

    Parameters
    ----------
    app : {"lab", "notebook"}
        Which frontend.
    folder : Path
        Where its notebooks are.
    """

    def __init__(self, app: str, folder: Path) -> None:
        self.folder = folder
        module, name, self._path = APPS[app]
        self.token = secrets.token_hex(16)
        # Its own home lies beside the notebooks: no setting and no kernel of the person's.
        self._home = folder.parent / f"{folder.name}-home"
        self._write_setting("notification", {"fetchNews": "false", "checkForUpdates": False})
        self._log = open(folder.parent / f"{folder.name}.log", "w")  # noqa: SIM115
        # not ours: Jupyter, which logs
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                module,
                "--no-browser",
                "--allow-root",
                "--ServerApp.ip=127.0.0.1",
                "--ServerApp.port=0",
                f"--IdentityProvider.token={self.token}",
                f"--{name}.expose_app_in_browser=True",
                f"--ServerApp.root_dir={folder}",
                # It ends by itself when the tests were killed and nobody closes it.
                "--MappingKernelManager.cull_idle_timeout=300",
                "--ServerApp.shutdown_no_activity_timeout=300",
            ],
            env=self._environment(),
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self.url = ""
        until(self._has_started, within=300, pause=0.1, told=self._said)

    def address(self, name: str) -> str:
        """Return the address of a notebook."""
        path = self._path.format(name=name)
        return f"{self.url}/{path}{'&' if '?' in path else '?'}token={self.token}"

    def theme(self, name: str) -> None:
        """Choose the theme that the next page shows."""
        self._write_setting("themes", {"theme": name})

    def end_sessions(self) -> None:
        """End every notebook's kernel."""
        for session in json.loads(self._ask("sessions")):
            with contextlib.suppress(OSError):
                self._ask(f"sessions/{session['id']}", "DELETE")

    def close(self) -> None:
        """End the server and its kernels."""
        with contextlib.suppress(OSError):
            self.end_sessions()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(120)
        self._log.close()

    def _ask(self, path: str, method: str = "GET") -> bytes:
        request = urllib.request.Request(
            f"{self.url}/api/{path}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return bytes(answer.read())

    def _environment(self) -> dict[str, str]:
        home = self._home
        return {
            **os.environ,
            "HOME": str(home),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        }

    def _write_setting(self, plugin: str, setting: dict[str, object]) -> None:
        folder = self._home / "settings" / "@jupyterlab" / "apputils-extension"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{plugin}.jupyterlab-settings").write_text(json.dumps(setting))

    def _has_started(self) -> bool:
        # It has taken a port that was free, and tells which in a file.
        file = self._home / "runtime" / f"jpserver-{self._process.pid}.json"
        with contextlib.suppress(OSError, ValueError):
            self.url = f"http://127.0.0.1:{json.loads(file.read_text())['port']}"
            self._ask("status")
            return True
        return False

    def _said(self) -> str:
        return Path(self._log.name).read_text()
