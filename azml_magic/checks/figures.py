"""Family ``figures``: figures that the cloud would not show."""

from __future__ import annotations

import re
from collections.abc import Iterator

from azml_magic.checks.literals import argument, is_absolute, text, text_start
from azml_magic.checks.parsed_script import Call, Script
from azml_magic.checks.surroundings import Surroundings
from azml_magic.findings import CODES
from azml_magic.result import Finding

UNSAVED = CODES["AZ401"]
NOT_SHOWN = CODES["AZ402"]
NOT_UPLOADED = CODES["AZ403"]

_PYPLOT = {"matplotlib.pyplot", "pylab", "matplotlib.pylab"}
_PYPLOT_DRAWING = re.compile(
    r"""(?:
    acorr | bar | barbs | barh | boxplot | contour | contourf | csd | ecdf | errorbar |
    eventplot | figure | fill | fill_between | fill_betweenx | hexbin | hist | hist2d | imshow |
    loglog | matshow | pcolor | pcolormesh | pie | plot | plot_date | polar | psd | quiver |
    scatter | semilogx | semilogy | specgram | spy | stackplot | stairs | stem | step |
    streamplot | subplot | subplots | subplot_mosaic | tricontour | tripcolor | triplot |
    violinplot | xcorr
    )$""",
    re.VERBOSE,
)
_PANDAS_DRAWING = frozenset({"plot", "hist", "boxplot", "scatter_matrix"})
_PANDAS_PLOTTING = ("pandas.plotting.", "pandas.tools.plotting.")
_SEABORN_DRAWING = re.compile(
    r"(?:\w*plot|heatmap|clustermap|\w*Grid|lmplot|displot|catplot|relplot)$"
)
_SAVING = re.compile(r"(?:\w*save\w*|print_png|print_figure|write_image|imwrite|to_image)$", re.I)
_UPLOADING = {"upload_file", "upload_folder", "log_image"}
_FIX = 'save it: plt.savefig("figure.png")'


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield figures that are drawn or saved but not shown (rules W1, W3, W4, W6)."""
    drawing = next((call for call in script.calls if _draws(call)), None)
    saving = [call for call in script.calls if _SAVING.match(call.last_name)]
    savefigs = [call for call in saving if call.last_name in {"savefig", "imsave"}]
    uploads = any(call.last_name in _UPLOADING for call in script.calls)
    if drawing is not None and not saving and not uploads:
        message = "a figure is drawn but never saved; the cloud shows saved figures only"
        yield UNSAVED.at(drawing.line, message, _FIX, "W6")
    elif savefigs and not around.profile.images_from_folder and not uploads:
        message = "a saved figure is shown only when the run object uploads it"
        fix = 'Run.get_context().upload_file("graphics/figure.png", "figure.png")'
        yield NOT_UPLOADED.at(savefigs[0].line, message, fix, "W3")
    for call in savefigs:
        yield from _saved(call, around)


def _draws(call: Call) -> bool:
    place, _, last = call.name.rpartition(".")
    if place in _PYPLOT:
        return _PYPLOT_DRAWING.match(last) is not None
    if place.partition(".")[0] == "seaborn":
        return _SEABORN_DRAWING.match(last) is not None
    if call.name.startswith(_PANDAS_PLOTTING):
        return not last.startswith(("register", "deregister"))
    # frame.plot(), series.hist(), frame.plot.bar(): methods of any object.
    if last in _PANDAS_DRAWING:
        return bool(place)
    return place.endswith(".plot") and last != "plot"


def _saved(call: Call, around: Surroundings) -> Iterator[Finding]:
    target = argument(call, 0, "fname")
    path = (text(target) or "").replace("\\", "/")
    if is_absolute(text_start(target)):
        message = f"{text_start(target)!r} leads out of the run's folder, so the figure is lost"
        yield NOT_SHOWN.at(call.line, message, 'use a plain file name: "figure.png"', "W1")
        return
    if not around.profile.images_from_folder:
        return
    chosen = text(argument(call, 99, "format")) or ""
    name = path.removeprefix("./")
    folder, _, last = name.rpartition("/")
    suffix = chosen or (last.rpartition(".")[2] if "." in last else "")
    if suffix and suffix.lower() != "png":
        message = f"the figure is saved as {suffix.upper()}; the cloud shows PNG only"
        yield NOT_SHOWN.at(call.line, message, 'save it as "figure.png"', "W4")
    elif folder:
        message = f"{path!r} is in a subfolder; the cloud shows figures of the run's folder only"
        yield NOT_SHOWN.at(call.line, message, f"save it as {last!r}", "W4")
