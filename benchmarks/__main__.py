"""Print one table a topic: ``python -m benchmarks [--quick] [--picture] [TOPIC ...]``."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable, Iterable

from benchmarks import latency, others, picture, throughput
from benchmarks.measure import machine
from benchmarks.tables import Table

TOPICS: dict[str, Callable[[bool], Iterable[Table]]] = {
    "latency": latency.table,
    "throughput": throughput.table,
    "small": throughput.small,
    "growth": others.growth,
    "loading": others.loading,
    "memory": others.memory,
    "endurance": others.endurance,
    "display": others.display,
    "inside": others.inside,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help=", ".join(TOPICS))
    parser.add_argument("--quick", action="store_true", help="small frames and few rounds")
    parser.add_argument("--picture", action="store_true", help=f"write {picture.PATH.name} too")
    chosen = parser.parse_args()
    unknown = set(chosen.topics) - set(TOPICS)
    if unknown:
        parser.error(f"no topic {', '.join(sorted(unknown))}; there are {', '.join(TOPICS)}")
    heading = f"{datetime.date.today():%d %B %Y}, {machine()}"
    print(heading, end="\n\n")
    tables: list[Table] = []
    for name in chosen.topics or TOPICS:
        for table in TOPICS[name](chosen.quick):
            print(table.text(), flush=True)
            tables.append(table)
    if chosen.picture:
        picture.draw(tables, heading)
    others.shut_down()


if __name__ == "__main__":
    main()
