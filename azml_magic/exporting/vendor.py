"""The zip's own runtime: the package's pure rules, copied under another package name."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
RUNTIME = "_azml_runtime"

# All of it is written for Python 3.8 and needs only NumPy and pandas.
_ROOMS = ("contract", "protocol", "scoring", "exporting/runtime")
_FILES = (
    "controls.py",
    "dataset_files.py",
    "errors.py",
    "findings.py",
    "result.py",
    "sentences.py",
    "temporary.py",
    "languages/call.py",
    "languages/python/bundle_folder.py",
    "languages/python/report.py",
    "languages/python/run_object.py",
    "languages/python/script.py",
    "module/manifest.py",
)


def runtime_files() -> dict[str, bytes]:
    """Return the files of the runtime, by their path in the zip."""
    sources = [PACKAGE / name for name in _FILES]
    for room in _ROOMS:
        sources += sorted((PACKAGE / room).glob("*.py"))
    files: dict[str, bytes] = {}
    for source in sources:
        relative = source.relative_to(PACKAGE)
        text = source.read_text(encoding="utf-8").replace("azml_magic.", f"{RUNTIME}.")
        files[f"{RUNTIME}/{relative.as_posix()}"] = text.encode()
        for parent in relative.parents:
            files.setdefault(f"{RUNTIME}/{(parent / '__init__.py').as_posix()}", b"")
    return files
