"""The data path that both sides share: events, bytes and frames over one socket.

A frame travels as a JSON manifest and the raw buffers of its columns, straight into memory
of the receiver's own. There is no pickle and no Arrow file in it. Every size is recomputed
and compared before anything is allocated, and what comes from a run is checked value by
value where a wrong one could mislead or crash a reader.
"""

from __future__ import annotations

from azml_magic.wire.channel import Channel, ChannelClosed, FrameTooLarge, WireError
from azml_magic.wire.encoding import ColumnRefused
from azml_magic.wire.frames import EncodedFrame, encode_frame, receive_frame, send_frame

__all__ = [
    "Channel",
    "ChannelClosed",
    "ColumnRefused",
    "EncodedFrame",
    "FrameTooLarge",
    "WireError",
    "encode_frame",
    "receive_frame",
    "send_frame",
]
