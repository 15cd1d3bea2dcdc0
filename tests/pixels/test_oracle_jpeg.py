"""Lossless JPEG of the corpus, and of every predictor, beside a decoder that shares nothing with libjpeg."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

import kerma
from kerma.errors import PixelError
from kerma.pixels.codecs import MODULE_OF
from kerma.pixels.layout import layout_of

from .images import Array, image, ramp, with_frames
from .oracle_jpeg import decode_lossless
from .oracle_table import read_table

LOSSLESS = "1.2.840.10008.1.2.4.57"
FILES = [line["file"] for line in read_table() if line["syntax"] in {".4.57", ".4.70"}]
LOSSY_INSIDE = "sample-op.dcm"


def encoded(samples: Array, predictor: int) -> bytes:
    colour: dict[str, Any] = {"colorspace": "RGB", "outcolorspace": "RGB"} if samples.ndim == 3 else {}
    return bytes(imagecodecs.jpeg8_encode(samples, lossless=True, predictor=predictor, **colour))


def with_stream(samples: Array, stream: bytes) -> Any:
    depth = samples.shape[2] if samples.ndim == 3 else 1
    ds = image(*samples.shape[:2], samples=depth, allocated=samples.dtype.itemsize * 8, uid=LOSSLESS)
    return with_frames(ds, [stream])


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("shape", [(1, 1), (9, 7), (5, 8, 3)])
def test_every_predictor(predictor: int, bits: int, shape: tuple[int, ...]) -> None:
    samples = ramp(shape, bits).astype("u1" if bits == 8 else "u2")
    ds = with_stream(samples, encoded(samples, predictor))
    plain = decode_lossless(kerma.pixels.index(ds).read(0), layout_of(ds)).reshape(shape)
    assert np.array_equal(plain, kerma.pixels.array(ds))
    if bits < 16 or predictor < 5:  # what libjpeg-turbo writes of 16 bits by the others is not what it was given
        assert np.array_equal(plain, samples)


@pytest.mark.corpus
def test_streams_of_the_corpus(corpus: Path) -> None:
    compared = 0
    for name in FILES:
        if name.endswith(LOSSY_INSIDE):
            continue
        ds = kerma.read(corpus / name)
        found = kerma.pixels.index(ds)
        frame = kerma.pixels.frame(ds, 0, rgb=False)
        plain = decode_lossless(found.read(0), found.layout).reshape(frame.shape)
        assert np.array_equal(plain.astype(frame.dtype), frame), name
        compared += 1
    assert compared > 20


def test_a_cut_stream_is_an_error() -> None:
    samples = ramp((20, 30), 12).astype("u2")
    ds = with_stream(samples, encoded(samples, 1))
    stream = bytes(kerma.pixels.index(ds).read(0))
    for end in range(2, len(stream) - 3, 7):
        with pytest.raises(PixelError):
            decode_lossless(stream[:end] + b"\xff\xd9", layout_of(ds))


def test_the_modules_of_lossless_jpeg() -> None:
    assert {MODULE_OF[f"1.2.840.10008.1.2.4.{last}"] for last in (57, 70)} == {"jpeg_lossless"}
