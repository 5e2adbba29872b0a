"""The two rule sets, as data.

Each difference between the profiles is a field, so that code tests a rule rather than a profile
name. Rule ids are those of ``docs/contract.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from azml_magic.errors import OptionError, did_you_mean
from azml_magic.protocol.options import Options

PORTS = ("dataset1", "dataset2")


@dataclass(frozen=True)
class Profile:
    """The rules of one cloud runtime of Execute Python Script.

    Attributes
    ----------
    name : str
        ``"classic"`` or ``"designer"``.
    module_name : str
        ``__name__`` of the script, never ``"__main__"``.
    connected_only : bool
        Whether only connected ports become arguments (A1); otherwise others are ``None``.
    lists_allowed : bool
        Whether a list (or an object array) may hold the output frame (R4, R5).
    values_allowed : bool
        Whether values that are not frames are converted to frames (R11).
    second_output : bool
        Whether a second frame has a port (R6).
    numbers_from_two : bool
        Whether repeated names become ``name (2)`` (N2 of classic); otherwise ``name_0``.
    keeps_index : bool
        Whether datasets keep the index (I1, I2).
    dates_as_epoch : bool
        Whether dates are delivered as seconds since 1970 and refused in results (V8, C17).
    plain_types_only : bool
        Whether a dataset holds only numbers, text, booleans and dates (V9 to V11, C16 to C29).
    write_error : str
        Number of the error when a value cannot be written (L9): ``"0085"`` or ``"0018"``.
    traceback_in_error : bool
        Whether the error box has the traceback (L4, L5); otherwise class, message and line.
    device_sections : bool
        Whether the log has the sections of the Python Device (L1).
    images_from_folder : bool
        Whether PNG files of the working directory are shown (W3); otherwise uploaded ones.
    top_level_in_run_folder : bool
        Whether the working directory is set before the script's top level runs (W1, Z9).
    bundle_folder_always : bool
        Whether ``Script Bundle`` exists even without a zip (Z1).
    unsafe_bundle_entries : str
        ``"refuse"`` or ``"strip"``: how ``../`` entries of a zip are handled (Z8).
    run_object : bool
        Whether ``azureml.core.Run`` exists.
    network_in_cloud : bool
        Whether modules have network access in the cloud (W2).
    """

    name: str
    module_name: str
    connected_only: bool
    lists_allowed: bool
    values_allowed: bool
    second_output: bool
    numbers_from_two: bool
    keeps_index: bool
    dates_as_epoch: bool
    plain_types_only: bool
    write_error: str
    traceback_in_error: bool
    device_sections: bool
    images_from_folder: bool
    top_level_in_run_folder: bool
    bundle_folder_always: bool
    unsafe_bundle_entries: str
    run_object: bool
    network_in_cloud: bool


CLASSIC = Profile(
    name="classic",
    module_name="azuremod",
    connected_only=True,
    lists_allowed=True,
    values_allowed=False,
    second_output=False,
    numbers_from_two=True,
    keeps_index=False,
    dates_as_epoch=True,
    plain_types_only=True,
    write_error="0085",
    traceback_in_error=True,
    device_sections=True,
    images_from_folder=True,
    top_level_in_run_folder=True,
    bundle_folder_always=False,
    unsafe_bundle_entries="refuse",
    run_object=False,
    network_in_cloud=False,
)

DESIGNER = Profile(
    name="designer",
    module_name="user_script",
    connected_only=False,
    lists_allowed=False,
    values_allowed=True,
    second_output=True,
    numbers_from_two=False,
    keeps_index=True,
    dates_as_epoch=False,
    plain_types_only=False,
    write_error="0018",
    traceback_in_error=False,
    device_sections=False,
    images_from_folder=False,
    top_level_in_run_folder=False,
    bundle_folder_always=True,
    unsafe_bundle_entries="strip",
    run_object=True,
    network_in_cloud=True,
)

PROFILES = {profile.name: profile for profile in (CLASSIC, DESIGNER)}


def rules_of(options: Options) -> Profile:
    """Return the profile that the options select, with the changes that they make to it.

    Parameters
    ----------
    options : Options
        ``dates="datetime"`` delivers dates unchanged where the profile would not (rule 2.7).
    """
    profile = PROFILES[options.profile]
    return profile if options.dates == "epoch" else replace(profile, dates_as_epoch=False)


def get_profile(name: str) -> Profile:
    """Return a profile by its name.

    Raises
    ------
    OptionError
        When there is no profile of that name.
    """
    try:
        return PROFILES[name]
    except (KeyError, TypeError):
        hint = did_you_mean(str(name), PROFILES, "use 'classic' or 'designer'")
        raise OptionError(f"no profile named {name!r}", hint) from None
