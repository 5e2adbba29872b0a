"""The data path that both sides share: events, bytes and frames over one socket.

A frame is sent as a JSON manifest and the raw buffers of its columns, which are received directly
into the memory of the new frame. Neither pickle nor Arrow files are involved. Every size is
recomputed and compared before anything is allocated, and data from a run is checked value by
value where a wrong value could mislead or crash a reader.
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
