"""The figures of a run, as its profile shows them, and findings about those not shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from azml_magic.contract.profile import Profile
from azml_magic.executors.png import FIGURES, TOTAL_BYTES, NotAnImage, read_figure, regular_files
from azml_magic.executors.worker_report import SuccessReport
from azml_magic.findings import CODES
from azml_magic.result import Figure, Finding
from azml_magic.sentences import shortened

OTHER_IMAGES = (".jpg", ".jpeg", ".svg", ".pdf", ".gif", ".bmp", ".tif", ".tiff", ".eps")


@dataclass(frozen=True)
class Images:
    """What was collected from a run folder."""

    figures: tuple[Figure, ...] = ()
    previews: tuple[Figure, ...] = ()
    findings: tuple[Finding, ...] = ()


NO_IMAGES = Images()


def collect(folder: Path, profile: Profile, report: SuccessReport | None) -> Images:
    """Read the images of a run whose processes have all ended.

    Parameters
    ----------
    folder : Path
        The run folder.
    profile : Profile
        Says where images come from: the working directory (rule W3, classic) or uploads.
    report : SuccessReport or None
        Open figures and uploads; ``None`` if the module did not finish.
    """
    findings: list[Finding] = []
    saved = regular_files(folder / "work")
    pngs = [(name, name) for name in saved if name.lower().endswith(".png")]
    if profile.images_from_folder:
        figures = _read_all(folder / "work", pngs, findings)
    else:
        uploads = [(item.file, item.name) for item in report.uploads] if report else []
        uploads = [(file, name) for file, name in uploads if name.lower().endswith(".png")]
        figures = _read_all(folder / "uploads", uploads, findings)
        findings += _saved_but_not_uploaded([name for name, _ in pngs], len(uploads))
    findings += _other_formats(saved)
    previews: list[Figure] = []
    if report is not None and report.unsaved:
        drawn = [(name, name) for name in regular_files(folder / "previews")]
        previews = _read_all(folder / "previews", drawn, [])
        findings.append(_unsaved([item.number for item in report.unsaved]))
    return Images(tuple(figures), tuple(previews), tuple(findings))


def _read_all(folder: Path, files: list[tuple[str, str]], findings: list[Finding]) -> list[Figure]:
    figures: list[Figure] = []
    total = 0
    for file, name in files:
        try:
            figure = read_figure(folder, file, name)
        except NotAnImage as error:
            findings.append(CODES["AZ411"].at(None, f"{shortened(name)} is not shown: {error}"))
            continue
        total += len(figure.png)
        if len(figures) == FIGURES or total > TOTAL_BYTES:
            findings.append(
                CODES["AZ414"].at(
                    None,
                    f"only the first {len(figures)} of {len(files)} figures are shown",
                    "save fewer or smaller images",
                )
            )
            break
        figures.append(figure)
    return figures


def _unsaved(numbers: list[int]) -> Finding:
    some = ", ".join(str(number) for number in numbers[:5])
    what = f"figure {some} was" if len(numbers) == 1 else f"{len(numbers)} figures were"
    return CODES["AZ410"].at(
        None,
        f"{what} left open and not saved; the cloud shows saved PNG files only",
        'add fig.savefig("figure.png"), or plt.savefig("figure.png") after drawing',
    )


def _named(names: list[str]) -> str:
    """Name some files, in quotes because a module chose their names."""
    return ", ".join(shortened(name) for name in names[:5])


def _saved_but_not_uploaded(names: list[str], uploads: int) -> list[Finding]:
    if not names or uploads:
        return []
    return [
        CODES["AZ413"].at(
            None,
            f"{_named(names)} saved, but the designer shows uploaded images only",
            'add Run.get_context().upload_file("graphics/name.png", "name.png")',
        )
    ]


def _other_formats(names: list[str]) -> list[Finding]:
    others = [name for name in names if name.lower().endswith(OTHER_IMAGES)]
    if not others:
        return []
    return [
        CODES["AZ412"].at(
            None,
            f"{_named(others)} not shown: the cloud shows PNG files only",
            "save the figure as .png",
        )
    ]
