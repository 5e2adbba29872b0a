"""Keys, and where a server may listen."""

import os
import sys
import types
from pathlib import Path

import pytest
from support import programs

from azml_magic import Keys, ServiceSettings, serve
from azml_magic.errors import OptionError
from azml_magic.serving.keys import read_keys
from serving.served import PRIMARY, SECONDARY, SOURCE, Client, fault, row, sample


@pytest.mark.rule("S-2", profile="classic")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("key", [PRIMARY, SECONDARY])
def test_either_key_opens_in_any_case_of_the_scheme(scheme, key):
    assert Keys(PRIMARY, SECONDARY).accept(f"{scheme} {key}")


WRONG = ["", PRIMARY, "Bearer", "Bearer ", f"Basic {PRIMARY}", f"Bearer {PRIMARY}x", "Bearer ü"]


@pytest.mark.parametrize("header", WRONG)
def test_nothing_else_opens(header):
    assert not Keys(PRIMARY, SECONDARY).accept(header)


@pytest.mark.parametrize(("primary", "secondary"), [("short", ""), ("", PRIMARY), ("ü" * 20, "")])
def test_weak_keys_are_refused(primary, secondary):
    with pytest.raises(OptionError):
        Keys(primary, secondary)


def test_keys_come_from_a_file_or_the_environment(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"{PRIMARY}\n{SECONDARY}\n")
    file.chmod(0o600)
    assert read_keys(str(file)) == Keys(PRIMARY, SECONDARY)
    assert read_keys(None, {"AZML_PRIMARY_KEY": PRIMARY}) == Keys(PRIMARY)
    assert not read_keys(None, {})
    with pytest.raises(OptionError):
        read_keys(str(tmp_path / "nothing"))
    assert PRIMARY not in repr(Keys(PRIMARY))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_elsewhere_only_with_a_key(host):
    with pytest.raises(OptionError, match="no key is set"):
        ServiceSettings(host=host)
    assert ServiceSettings(host=host, keys=Keys(PRIMARY)).host == host


def test_a_server_with_keys_asks_for_one():
    settings = ServiceSettings(port=0, workers=1, keys=Keys(PRIMARY, SECONDARY))
    with serve(SOURCE, sample(), name="obedient", force=True, settings=settings) as service:
        client = Client(service)
        unauthorized = (401, "Unauthorized", "ScoreRequestUnauthorized")
        assert fault(client.score(row())) == unauthorized
        assert fault(client.score(row(), headers={"Authorization": "Bearer x"})) == unauthorized
        assert fault(client.get("/metrics")) == unauthorized
        for key in (PRIMARY, SECONDARY):
            answer = client.score(row(), headers={"Authorization": f"bearer {key}"})
            assert answer.status_code == 200
        assert client.get("/health").status_code == 200
        lines = Path(f"/proc/{service._process.pid}/cmdline").read_bytes()
        assert PRIMARY.encode() not in lines


def test_a_key_is_never_logged(tmp_path):
    module = tmp_path / "obedient.py"
    module.write_text("def azureml_main(frame):\n    return frame,\n")
    keys = tmp_path / "keys"
    keys.write_text(PRIMARY)
    keys.chmod(0o400)
    command = [
        sys.executable,
        "-m",
        "azml_magic",
        "serve",
        module,
    ]
    command += ["--port", "0", "--workers", "1", "--key-file", keys]
    with programs.Started(command, stdout=programs.PIPE, errors=programs.log_lines) as server:
        url = server.stdout.readline().split()[-1]
        client = Client(types.SimpleNamespace(url=url, name="obedient"))
        for key in (PRIMARY, "wrong" * 10):
            client.score({"a": 1}, headers={"Authorization": f"Bearer {key}"})
        server.terminate()
        assert server.wait(60) == 0
        output, log = server.stdout.read(), server.all_said()
    assert '"status": 200' in log
    assert '"status": 401' in log
    assert PRIMARY not in output + log
    assert "wrong" not in output + log


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o620])
def test_a_key_file_that_others_can_read_or_change_is_refused(tmp_path, mode):
    file = tmp_path / "keys"
    file.write_text(PRIMARY)
    file.chmod(mode)
    with pytest.raises(OptionError, match=f"mode {mode:o}") as raised:
        read_keys(str(file))
    assert "chmod 600" in raised.value.hint
    file.chmod(0o440)  # as a group's secret is mounted
    assert read_keys(str(file)) == Keys(PRIMARY)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_another_user_is_refused(tmp_path):
    file = tmp_path / "keys"
    file.write_text(PRIMARY)
    file.chmod(0o600)
    os.chown(file, 12345, 12345)
    with pytest.raises(OptionError, match="belongs to another user"):
        read_keys(str(file))
