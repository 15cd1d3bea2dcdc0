"""High-throughput JPEG 2000 (ISO 15444-15; PS3.5 8.2.14).

OpenJPEG decodes it. OpenJPH would be twice as fast, but as imagecodecs wraps it a broken stream gives rubbish and no
error, and samples of a lossy one that overshoot their range wrap around: white becomes black. It reads what OpenJPEG
does not: samples of more than 16 bits. OpenJPH encodes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import imagecodecs
import numpy as np

from kerma.encoding.source import Buffer
from kerma.errors import PixelError
from kerma.pixels.codecs.base import (
    Array,
    Decoded,
    Option,
    chosen,
    encoded,
    fitting,
)
from kerma.pixels.codecs.jpeg2000 import LEVELS, RATE, TRANSFORMED, decoded, native_size, of_rate
from kerma.pixels.layout import Layout


def decode(data: Buffer, layout: Layout, rgb: bool) -> Decoded:
    return decoded(data, layout, "HTJ2K")


RPCL = "1.2.840.10008.1.2.4.202"
_LOSSY = "1.2.840.10008.1.2.4.203"
_THUMBNAIL = 64
_SIGN = 0x80


def encode(samples: Array, layout: Layout, options: Mapping[str, Any]) -> bytes:
    """``levels`` of decomposition; in the lossy syntax ``quality``, the peak signal-to-noise ratio in dB that the step
    of quantization stands for (60 unless given), or ``rate``, how many times smaller the stream shall be.

    All streams have the order RPCL, a part of the tile for each resolution, and the lengths of these in TLM, so that a
    reader can stop at the resolution that it needs (PS3.5 10.18).
    """
    lossy = layout.transfer_syntax_uid == _LOSSY
    known = {"quality": Option(None, 10, 120, whole=False), "rate": RATE} if lossy else {}
    found = chosen(options, levels=LEVELS, **known)
    if layout.bits_stored > 32:
        raise PixelError(f"HTJ2K is written with 32 bits a sample at most, not {layout.bits_stored}")
    samples = fitting(samples, layout)
    more = {"tlm": True, "tilepart": 1, "rgb": layout.photometric in TRANSFORMED, "planar": False}
    more["resolutions"] = _levels(layout, found["levels"])
    if not lossy:
        words = _centred(samples, layout)
        stream = encoded(imagecodecs.htj2k_encode, "HTJ2K", words, reversible=True, **more)
        return _said(stream, layout)
    words = _raised(samples, layout)

    def at(step: float) -> bytes:
        return _said(encoded(imagecodecs.htj2k_encode, "HTJ2K", words, level=step, reversible=False, **more), layout)

    if found["rate"] is None:
        return at(float(10 ** (-(found["quality"] or 60) / 20)))
    return of_rate(at, native_size(layout) / found["rate"], 1e-6, 0.5, rising=False)


def _levels(layout: Layout, wanted: int | None) -> int:
    """As many that the smallest resolution is a thumbnail (PS3.5 10.18); five unless more are needed."""
    needed = max((-(-max(layout.rows, layout.columns) // _THUMBNAIL) - 1).bit_length(), 0)
    if wanted is None:
        return max(needed, 5)
    if layout.transfer_syntax_uid == RPCL and wanted < needed:
        raise PixelError(
            f"{wanted} levels leave a smallest resolution of more than {_THUMBNAIL} (PS3.5 10.18)",
            hint=f"{needed} levels or more",
        )
    return wanted


def _word(layout: Layout) -> int:
    return next(size for size in (8, 16, 32) if layout.bits_stored <= size)


def _centred(samples: Array, layout: Layout) -> Array:
    """Samples as the wavelet takes them: signed, around zero (ISO 15444-1 G.1). The encoder knows 8, 16 and 32 bits
    only; so shifted, its coefficients are those of any number of bits, and the header can say the right one.
    """
    word = _word(layout)
    if layout.signed or layout.bits_stored == word:
        return samples.astype(f"{'i' if layout.signed else 'u'}{word // 8}", copy=False)
    wide = "i4" if word == 32 else "i2"
    shifted: Array = samples.astype(wide) - np.dtype(wide).type(1 << (layout.bits_stored - 1))
    return shifted.astype(f"i{word // 8}", copy=False)


def _raised(samples: Array, layout: Layout) -> Array:
    """Samples that fill the encoder's word: with loss the steps of quantization count by the range of the samples
    (E.1), which is the same for fewer bits.
    """
    word = _word(layout)
    words = samples.astype(f"{'i' if layout.signed else 'u'}{word // 8}", copy=False)
    up = word - layout.bits_stored
    raised: Array = words << words.dtype.type(up)
    return raised


def _said(stream: bytes, layout: Layout) -> bytes:
    """The stream with the number of bits and the sign of the layout in SIZ (A.5.1)."""
    (parts,) = struct.unpack_from(">H", stream, 40)
    said = (layout.bits_stored - 1) | (_SIGN if layout.signed else 0)
    head = bytearray(stream[: 42 + 3 * parts])
    for part in range(parts):
        head[42 + 3 * part] = said
    return bytes(head) + stream[42 + 3 * parts :]
