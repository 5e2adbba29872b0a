"""Print what the whole battery comes to, on every machine that can be simulated here.

``python tests/hostile/table.py``; as root it also runs as an ordinary user. Takes a while.
"""

import os
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import variants
from support.ordinary_user import NOBODY

COLUMNS = ("snippets", "contained", "documented", "escaped", "harmed")


def main():
    """Run everything and print a line for each machine and user."""
    print(f"{'machine':<22}{'user':<10}{'level':<7}" + "".join(f"{one:>12}" for one in COLUMNS))
    for name in variants.VARIANTS:
        users = {"this": None, "ordinary": NOBODY} if os.getuid() == 0 else {"this": None}
        for label, user in users.items():
            if name == "nothing" and os.getuid() == 0 and user is None:
                continue
            arguments = ["harmless"] if name == "nothing" else []
            found = variants.run_battery(name, user, *arguments, timeout=3600)
            counts = Counter(one["verdict"] for one in found["verdicts"])
            figures = [len(found["verdicts"]), *(counts[one] for one in COLUMNS[1:])]
            line = "".join(f"{one:>12}" for one in figures)
            print(f"{name:<22}{label:<10}{found['level']:<7}{line}", flush=True)
            for one in found["verdicts"]:
                if one["verdict"] in {"escaped", "harmed"} and name != "nothing":
                    print(f"    {one['group']}: {one['name']}: {one['detail']}")


if __name__ == "__main__":
    main()
