"""Rules Z3, W2 and X1, which no function of room contract decides alone."""

import zipfile

import pytest

import azml_magic
from azml_magic.checks import check
from azml_magic.contract.profile import DESIGNER
from azml_magic.errors import ModuleFailed
from azml_magic.module.module import Module

PROFILES = ("classic", "designer")
SOCKET = "import socket\ndef azureml_main():\n    socket.socket().close()\n    print('open')\n"


@pytest.mark.rule("Z3", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
def test_a_folder_src_is_no_import_path(profile, tmp_path):
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("src/inside.py", "VALUE = 7\n")
    source = "def azureml_main():\n    from src import inside\n    print(inside.VALUE)\n"
    assert azml_magic.run(source, bundle=path, profile=profile).stdout == "7\n"
    with pytest.raises(ModuleFailed, match="No module named 'inside'"):
        azml_magic.run("import inside\ndef azureml_main(): pass\n", bundle=path, profile=profile)


@pytest.mark.rule("W2", "2.9", profile="both")
@pytest.mark.parametrize("profile", PROFILES)
def test_the_network_is_there_only_when_asked_for(profile):
    with pytest.raises(ModuleFailed, match="PermissionError"):
        azml_magic.run(SOCKET, profile=profile)
    assert azml_magic.run(SOCKET, profile=profile, allow_network=True).stdout == "open\n"


@pytest.mark.rule("X1", profile="designer")
@pytest.mark.parametrize(("size", "told"), [(16_000, False), (17_000, True)])
def test_a_script_over_16_kilobytes_is_told(size, told):
    source = f"def azureml_main(frame):\n    return frame,  # {'x' * size}\n"
    found = check(Module.from_source(source), DESIGNER)
    assert any(finding.rule == "X1" for finding in found) == told
