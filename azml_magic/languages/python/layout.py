"""The environment of a script: its folder, import path and ``azureml`` package."""

from __future__ import annotations

import os
import sys
from typing import Dict, Iterable, List, Optional, Tuple

from azml_magic.contract.profile import Profile
from azml_magic.languages.python import bundle_folder, run_object


def lay_out(
    folder: str, files: Optional[Iterable[Tuple[str, bytes]]], profile: Profile
) -> List[Dict[str, str]]:
    """Set up the script bundle, the import path and ``azureml`` (rules Z1 to Z9, W3).

    Parameters
    ----------
    folder : str
        The run folder.
    files : iterable of (str, bytes), optional
        The files of the script bundle; ``None`` without one.
    profile : Profile
        The rules.

    Returns
    -------
    list of dict
        The list to which uploads to the run object are added.
    """
    if files is not None or profile.bundle_folder_always:
        home = os.path.join(folder, "work")
        bundle_folder.add_to_path(bundle_folder.write(home, files or ()))
    sys.argv = [""]
    if profile.run_object:
        return run_object.install(os.path.join(folder, "uploads"))
    sys.modules["azureml"] = None  # type: ignore[assignment]
    return []
