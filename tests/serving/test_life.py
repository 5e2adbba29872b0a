"""A server from its start to its end, as a program."""

import concurrent.futures
import zipfile

import pytest
from support import programs
from support.waiting import Held, until

from azml_magic import export, serve
from azml_magic.errors import BundleError, SandboxError
from serving.served import COMMAND, row, server


def test_a_stop_answers_what_was_begun_and_logs_json(module_zip):
    with server(module_zip, "--port", "0") as (process, client):
        client.assert_serves()
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            held = Held()
            last = thread.submit(client.score, row(held.name))
            held.wait_for()
            process.terminate()
            until(client.is_refused)
            held.let_go()
            assert last.result().status_code == 200
        assert process.wait(60) == 0
        lines = programs.log_lines(process.all_said())
    assert [line["event"] for line in lines] == ["start", "request", "request", "stop"]
    assert lines[1]["route"] == "score"
    assert lines[1]["rows"] == 1
    assert {"id", "ms", "status", "time"} <= set(lines[1])


def test_two_servers_on_one_port(module_zip):
    with server(module_zip, "--port", "0") as (_, client):
        port = client.service.url.rpartition(":")[2]
        command = [*COMMAND, "serve", module_zip, "--port", port]
        programs.run(command, status=2, errors="is used by another server")
        client.assert_serves()


def test_no_server_elsewhere_without_a_key(module_zip):
    command = [*COMMAND, "serve", module_zip, "--host", "0.0.0.0"]
    programs.run(command, status=2, errors="no key is set")


def test_a_zip_that_was_changed_is_not_served(module_zip, tmp_path):
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(module_zip) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content + b"# more\n" if name == "obedient.py" else content)
    with pytest.raises(BundleError, match=r"obedient\.py in changed\.zip was changed"):
        serve(changed)


def test_a_module_that_cannot_be_loaded_is_not_served(tmp_path):
    source = "import no_such_package\n\ndef azureml_main(frame):\n    return frame,\n"
    path = tmp_path / "broken.zip"
    export(source, path, force=True)
    with pytest.raises(SandboxError, match="no_such_package"):
        serve(path)


def test_the_help_page_lets_nothing_in(module_zip):
    with server(module_zip, "--port", "0") as (_, client):
        page = client.get("/")
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "obedient" in page.text
        assert "<script src=" in page.text
        assert client.get("/help/help.js").headers["Content-Type"].startswith("text/javascript")
        assert client.get("/help/nothing").status_code == 404
