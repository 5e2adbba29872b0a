"""The notebook's readers against mutated answers, in a process of its own."""

import json
import os
import sys
from pathlib import Path

import pytest
from support import programs

FUZZ = Path(__file__).with_name("fuzz.py")
# Some of the cases at each check; more with AZML_FUZZ_CASES, from another start with
# AZML_FUZZ_SEED.
CASES = int(os.environ.get("AZML_FUZZ_CASES", "8000"))
SEED = os.environ.get("AZML_FUZZ_SEED", "2026")
SLICES = 2


@pytest.mark.parametrize("part", range(SLICES))
def test_no_answer_crashes_hangs_or_grows_a_reader(part, tmp_path):
    command = [sys.executable, str(FUZZ), f"{SEED}-{part}", str(CASES // SLICES), str(tmp_path)]
    done = programs.run(command, timeout=3600)
    found = json.loads(done.stdout)
    assert found["read"] == CASES // SLICES
    assert 0 < found["accepted"] < found["read"]
