"""The machines that the battery runs on, simulated on this one."""

import json
from dataclasses import dataclass
from pathlib import Path

from support import ordinary_user

BATTERY = Path(__file__).parents[1] / "hostile"
NO_NAMESPACES = ("sandbox/probe.py", "Capabilities.namespaces = property(lambda self: False)")
# In a copy of the package alone: nothing in it can be switched off.
UNCONFINED = (
    "sandbox/confine.py",
    "def confine(policy, listener_socket, keep_fds):\n"
    "    os.close(listener_socket)\n"
    "    os.setsid()\n"
    "    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)\n",
)


def landlock(version):
    edit = f"_found = abi\n\n\ndef abi():\n    return min(_found(), {version})"
    return "sandbox/landlock.py", edit


@dataclass(frozen=True)
class Variant:
    """A machine, and the level that it gives."""

    level: int
    edits: tuple[tuple[str, str], ...] = ()
    outer: str = "none"


VARIANTS = {
    "level 2": Variant(2),
    "level 1": Variant(1, (NO_NAMESPACES,)),
    "level 3": Variant(3, (), "no-landlock"),
    "Landlock ABI 1": Variant(1, (NO_NAMESPACES, landlock(1))),
    "Landlock ABI 4": Variant(1, (NO_NAMESPACES, landlock(4))),
    "ABI 1 and namespaces": Variant(2, (landlock(1),)),
    "ABI 4 and namespaces": Variant(2, (landlock(4),)),
    "Docker": Variant(1, (), "docker"),
    "nothing": Variant(1, (NO_NAMESPACES, UNCONFINED)),
}


def run_battery(name, user, *arguments, timeout=3000):
    """Run the battery on a variant's machine; return what it printed."""
    variant = VARIANTS[name]
    with ordinary_user.prepared(
        user=user, edits=variant.edits, outer=variant.outer, files=BATTERY.glob("*.py")
    ) as run:
        done = run((BATTERY / "battery.py").read_text(), *arguments, timeout=timeout)
    return json.loads(done.stdout.splitlines()[-1])
