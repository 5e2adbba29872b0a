"""Encoding of what a module returned; what cannot be sent is the module's error."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence

from azml_magic import sentences
from azml_magic.contract.profile import Profile
from azml_magic.contract.returned_values import ReturnRefused
from azml_magic.wire import Channel, ColumnRefused, EncodedFrame, encode_frame, send_frame


def encode(outputs: Sequence[Optional[Any]], profile: Profile) -> List[EncodedFrame]:
    """Encode the frames of the ports that have one.

    Raises
    ------
    ReturnRefused
        When a column holds what a dataset cannot store.
    """
    return [_encode(frame, profile) for frame in outputs if frame is not None]


def send(channel: Channel, frames: Sequence[EncodedFrame]) -> None:
    """Send encoded frames, in port order."""
    for frame in frames:
        send_frame(channel, frame)


def _encode(frame: Any, profile: Profile) -> EncodedFrame:
    try:
        return encode_frame(frame, keep_index=profile.keeps_index)
    except ColumnRefused as error:
        raise ReturnRefused(
            sentences.joined(sentences.NOT_WRITTEN(label=error.column), error.reason),
            sentences.CONVERT(label=error.column),
            "0018" if profile.values_allowed else "0085",
        ) from None
