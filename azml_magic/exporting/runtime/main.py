"""``python MODULE.zip --dataset1 in.csv --output out.parquet``: the module as a program."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from typing import Any, Dict, List, Optional, Sequence

from azml_magic.dataset_files import ENDINGS, read_table, write_table
from azml_magic.errors import AzmlError, OptionError
from azml_magic.exporting.runtime.loaded import Failed, Loaded
from azml_magic.exporting.runtime.zip_files import root


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the module of this zip once; return the exit status.

    The status is 0 for success, 1 if the module failed, 2 for wrong arguments.
    """
    options = _parser().parse_args(arguments)
    options.output, options.output2 = _absolute(options.output), _absolute(options.output2)
    options.figures = _absolute(options.figures)
    try:
        datasets = {}
        for port in ("dataset1", "dataset2"):
            frame = read_table(_file(getattr(options, port)))
            if frame is not None:
                datasets[port] = frame
        loaded = Loaded(root())
        try:
            outputs = loaded.call(datasets)
            _write(options, outputs, loaded)
        finally:
            loaded.close()
    except Failed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except AzmlError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=os.path.basename(root()))
    add = parser.add_argument
    add("--dataset1", metavar="PATH", help=f"first dataset: {', '.join(ENDINGS)}, or a folder")
    add("--dataset2", metavar="PATH", help="second dataset")
    add("--output", metavar="PATH", help="file or folder for the first output frame")
    add("--output2", metavar="PATH", help="file or folder for the second output frame")
    add("--figures", metavar="FOLDER", help="folder for the figures")
    return parser


def _absolute(path: Optional[str]) -> Optional[str]:
    # The module runs in another working directory.
    return os.path.abspath(path) if path else None


def _file(path: Optional[str]) -> Optional[str]:
    """Return the only dataset of a folder, or the file itself."""
    if not path:
        return None
    path = os.path.abspath(path)
    if not os.path.isdir(path):
        return path
    names = sorted(name for name in os.listdir(path) if name.lower().endswith(ENDINGS))
    if len(names) != 1:
        raise OptionError(f"{path} has {len(names)} datasets, not one", "give the path of the file")
    return os.path.join(path, names[0])


def _write(options: Any, outputs: List[Any], loaded: Loaded) -> None:
    targets: Dict[str, Any] = {options.output: outputs[0], options.output2: outputs[1]}
    for target, frame in targets.items():
        if target is None or frame is None:
            continue
        if not target.lower().endswith(ENDINGS):
            os.makedirs(target, exist_ok=True)
            target = os.path.join(target, "data.parquet")
        write_table(frame, target)
    if options.figures:
        os.makedirs(options.figures, exist_ok=True)
        for path in loaded.images():
            shutil.copy(path, options.figures)
