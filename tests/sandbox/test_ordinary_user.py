"""The whole of it as a user who never was anybody else."""

SOURCE = """
from azml_magic.sandbox.probe import probe
found = probe()
print(found.level, found.refusal, found.failure)
"""


def test_an_ordinary_user_can_confine_a_process(as_ordinary_user):
    done = as_ordinary_user(SOURCE)
    assert done.stdout.split() in (["1"], ["2"], ["3"])
