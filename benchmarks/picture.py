"""The tables of the README as a picture."""

from __future__ import annotations

from pathlib import Path

from benchmarks.tables import Table

PATH = Path(__file__).parent.parent / "docs" / "images" / "performance.png"


def draw(tables: list[Table], heading: str, path: Path = PATH) -> None:
    """Draw the tables that have bars, on logarithmic scales."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    drawn = [table for table in tables if table.bars]
    columns = 2
    rows = (len(drawn) + 1) // columns
    figure, places = plt.subplots(rows, columns, figsize=(12, 2.9 * rows), squeeze=False)
    for place in places.flat[len(drawn) :]:
        place.set_axis_off()
    for place, table in zip(places.flat, drawn, strict=False):
        bars = sorted(table.bars, key=lambda bar: bar[1])[::-1]
        names, values = [bar[0] for bar in bars], [bar[1] for bar in bars]
        colors = ["#c15c00" if name.startswith("azml_magic") else "#8a9ba8" for name in names]
        drawn_bars = place.barh(names, values, color=colors)
        labels = [f"{value:,.0f}" if value >= 100 else f"{value:.2g}" for value in values]
        place.bar_label(drawn_bars, labels, padding=3, fontsize=8)
        place.set_xscale("log")
        # Bars on a logarithmic scale mean something only from a common start.
        place.set_xlim(min(1.0, min(values) / 2), max(values) * 6)
        place.set_title(table.title.split(":")[0], fontsize=10, loc="left")
        place.set_xlabel(table.bars_unit, fontsize=8)
        place.tick_params(labelsize=8)
        for side in ("top", "right"):
            place.spines[side].set_visible(False)
    figure.suptitle(heading, fontsize=8)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)
