"""The processes below one."""

from pathlib import Path


def children(pid):
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def below(pid):
    found = children(pid)
    for child in found:
        found += children(child)
    return found
