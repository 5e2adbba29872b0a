"""A request to run a module: its inputs, prepared under the rules and ready to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from azml_magic.contract.datasets import prepare_input
from azml_magic.contract.profile import Profile
from azml_magic.errors import InputError
from azml_magic.module.bundle import Bundle
from azml_magic.module.module import Module
from azml_magic.protocol.job_header import MODULE_FILE, JobHeader
from azml_magic.protocol.options import Options
from azml_magic.result import Finding
from azml_magic.wire import ColumnRefused, EncodedFrame, encode_frame


@dataclass(frozen=True)
class Inputs:
    """Frames of the connected ports, ready to be sent, and what the rules changed in them."""

    frames: Mapping[str, EncodedFrame] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Job:
    """A module, its rules and everything that it receives.

    Attributes
    ----------
    module : Module
        What to run.
    profile : Profile
        The rules.
    options : Options
        Limits and switches.
    bundle : Bundle or None
        The third port.
    inputs : Inputs
        The other ports.
    """

    module: Module
    profile: Profile
    options: Options
    bundle: Bundle | None = None
    inputs: Inputs = Inputs()

    @property
    def files(self) -> tuple[tuple[str, bytes], ...]:
        """The files of the bundle."""
        return self.bundle.files if self.bundle is not None else ()

    def header(self) -> JobHeader:
        """Return what is sent to a worker first: all but the content of frames and files."""
        return JobHeader(
            source=self.module.source,
            filename=MODULE_FILE,
            language=self.module.language,
            options=self.options,
            datasets=tuple(self.inputs.frames),
            bundle=None if self.bundle is None else tuple(name for name, _ in self.bundle.files),
        )


def prepare_inputs(datasets: Mapping[str, pd.DataFrame], profile: Profile) -> Inputs:
    """Return the frames of the connected ports as a module receives them.

    Parameters
    ----------
    datasets : mapping of str to pandas.DataFrame
        By port (``"dataset1"``, ``"dataset2"``); the frames are not changed.
    profile : Profile
        The rules.

    Raises
    ------
    InputError
        When a frame cannot be delivered under the profile, or contains values that cannot be sent.
    """
    frames: dict[str, EncodedFrame] = {}
    findings: list[Finding] = []
    for port, frame in datasets.items():
        prepared, changes = prepare_input(frame, port, profile)
        frames[port] = _encode(prepared, port, profile)
        findings += changes
    return Inputs(frames, tuple(findings))


def _encode(frame: pd.DataFrame, port: str, profile: Profile) -> EncodedFrame:
    try:
        return encode_frame(frame, keep_index=profile.keeps_index)
    except ColumnRefused as error:
        raise InputError(
            f"{port}: {error}", f"convert {error.column!r} to numbers or text first"
        ) from None
