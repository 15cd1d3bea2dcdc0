"""Pictures as JPEG XL and JPH: other decoders see what was put in."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest

from kerma.pixels.coded_pictures import jpeg_xl, jph


def picture(coloured: bool) -> Any:
    y, x = np.mgrid[:60, :80]
    grey = (128 + 80 * np.sin(x / 9) * np.cos(y / 7)).astype("u1")
    return np.stack([grey, grey[::-1], 255 - grey], axis=-1) if coloured else grey


@pytest.mark.parametrize("coloured", [False, True])
@pytest.mark.parametrize("quality", [50, 90, 100])
def test_jpeg_xl(coloured: bool, quality: int) -> None:
    wanted = picture(coloured)
    found = imagecodecs.jpegxl_decode(jpeg_xl(wanted, quality=quality)).reshape(wanted.shape)
    assert np.abs(found.astype("i2") - wanted).mean() <= (0 if quality == 100 else 4)


@pytest.mark.parametrize("coloured", [False, True])
@pytest.mark.parametrize("quality", [50, 90, 100])
def test_jph(coloured: bool, quality: int) -> None:
    wanted = picture(coloured)
    file = jph(wanted, quality=quality)
    assert file[4:12] == b"jP  \r\n\x87\n"
    assert file[20:24] == b"jph "
    stream = file[file.index(b"jp2c") + 4 :]
    found = imagecodecs.htj2k_decode(stream).reshape(wanted.shape)
    assert np.abs(found.astype("i2") - wanted).mean() <= (0 if quality == 100 else 4)
