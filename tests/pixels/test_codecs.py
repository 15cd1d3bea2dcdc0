"""The codecs: what others encoded comes out as it went in, and what is broken is an error of its frame."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import pytest

import kerma
from kerma.errors import LimitError, PixelError, UnsupportedSyntaxError
from kerma.pixels import encapsulate
from kerma.pixels.codecs import MODULE_OF, decoder_of
from kerma.pixels.syntaxes import VIDEO
from kerma.standard import transfer_syntaxes

from .images import Array, image, ramp, read_back, with_frames

_ROOT = "1.2.840.10008.1.2."


def rle(samples: Array) -> bytes:
    """Byte planes from the highest down, each packed (PS3.5 G)."""
    width = samples.dtype.itemsize
    planes = samples.reshape(-1, samples.shape[2] if samples.ndim == 3 else 1)
    segments = []
    for sample in range(planes.shape[1]):
        split = np.ascontiguousarray(planes[:, sample]).view("u1").reshape(-1, width)
        for byte in range(width - 1, -1, -1):
            packed = imagecodecs.packbits_encode(split[:, byte].tobytes())
            segments.append(packed + b"\0" * (len(packed) & 1))
    offsets = [64 + sum(map(len, segments[:n])) for n in range(len(segments))]
    return struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(offsets))) + b"".join(segments)


def deflated(samples: Array) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(samples.tobytes()) + packer.flush()


def plain(samples: Array) -> bytes:
    return samples.tobytes()


def j2k(samples: Array) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(samples, level=0, codecformat="j2k", reversible=True, mct=False))


def ht(samples: Array) -> bytes:
    return bytes(imagecodecs.htj2k_encode(samples, reversible=True))


def lossless_jpeg(samples: Array) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(samples, lossless=True, predictor=1))


def jpegls(samples: Array) -> bytes:
    return bytes(imagecodecs.jpegls_encode(samples))


def jpegxl(samples: Array) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(samples, lossless=True))


Encode = Callable[[Array], bytes]

LOSSLESS: list[tuple[str, Encode, tuple[int, ...], bool]] = [
    (f"{_ROOT}1.98", plain, (8, 16, 32), True),
    (f"{_ROOT}8.1", deflated, (8, 16, 32), True),
    (f"{_ROOT}5", rle, (8, 16, 32), True),
    (f"{_ROOT}4.70", lossless_jpeg, (8, 16), False),
    (f"{_ROOT}4.80", jpegls, (8, 16), False),
    (f"{_ROOT}4.90", j2k, (8, 16), True),
    (f"{_ROOT}4.201", ht, (8, 16), True),
    (f"{_ROOT}4.110", jpegxl, (8, 16), False),
]
CASES = [
    pytest.param(uid, encode, bits, sign, samples, id=f"{MODULE_OF[uid]}-{'i' if sign else 'u'}{bits}-{samples}")
    for uid, encode, depths, signs in LOSSLESS
    for bits in depths
    for sign in ((False, True) if signs else (False,))
    for samples in (1, 3)
]


@pytest.mark.parametrize(("uid", "encode", "bits", "signed", "samples"), CASES)
def test_lossless_streams_come_out_exactly(uid: str, encode: Encode, bits: int, signed: bool, samples: int) -> None:
    shape = (3, 20, 24, samples) if samples > 1 else (3, 20, 24)
    wanted = ramp(shape, bits, signed=signed).astype(f"{'i' if signed else 'u'}{bits // 8}")
    ds = image(20, 24, frames=3, samples=samples, allocated=bits, signed=signed, uid=uid)
    encapsulate(ds, [encode(each) for each in wanted])
    found = kerma.pixels.array(read_back(ds))
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    assert np.array_equal(found, wanted)
    assert np.array_equal(kerma.pixels.frame(ds, 2), wanted[2])


def test_twelve_bits_in_sixteen() -> None:
    wanted = ramp((20, 24), 12).astype("u2")
    streams = {
        f"{_ROOT}4.57": imagecodecs.jpeg8_encode(wanted, lossless=True, predictor=4, bitspersample=12),
        f"{_ROOT}4.90": imagecodecs.jpeg2k_encode(
            wanted, level=0, codecformat="j2k", bitspersample=12, reversible=True
        ),
        f"{_ROOT}5": rle(wanted),
    }
    for uid, stream in streams.items():
        ds = with_frames(image(20, 24, stored=12, uid=uid), [bytes(stream)])
        assert np.array_equal(kerma.pixels.array(ds), wanted), uid


def smooth(bits: int = 8) -> Array:
    """A picture that a lossy codec changes little: 64 rows of 80 columns, three samples."""
    rows, columns = np.mgrid[0:64, 0:80] / 80
    top = (1 << bits) - 1
    return (np.stack([rows, columns, 1 - rows], -1) * top).astype("u1" if bits == 8 else "u2")


@pytest.mark.parametrize(("stored", "marked"), [("YBR_FULL_422", "YBR_FULL_422"), ("RGB", "RGB")])
def test_colours_of_jpeg(stored: str, marked: str) -> None:
    """RGB comes out whichever way the data set says that it is stored; YBR where it is wanted as it is."""
    out = "RGB" if stored == "RGB" else "YCBCR"
    stream = imagecodecs.jpeg8_encode(smooth(), 95, colorspace="RGB", outcolorspace=out)
    ds = with_frames(image(64, 80, samples=3, allocated=8, photometric=stored, uid=f"{_ROOT}4.50"), [bytes(stream)])
    assert np.abs(kerma.pixels.array(ds).astype(int) - smooth()).max() <= 8
    raw = kerma.pixels.array(ds, rgb=False)
    assert (np.abs(raw.astype(int) - smooth()).max() <= 8) == (marked == "RGB")


def test_a_jpeg_that_says_itself_what_it_is_is_believed() -> None:
    stream = imagecodecs.jpeg8_encode(smooth(), 95, colorspace="RGB", outcolorspace="YCBCR")
    assert b"JFIF" in stream[:32]
    wrong = with_frames(image(64, 80, samples=3, allocated=8, photometric="RGB", uid=f"{_ROOT}4.50"), [bytes(stream)])
    assert np.abs(kerma.pixels.array(wrong).astype(int) - smooth()).max() <= 8


def test_extended_jpeg_of_twelve_bits() -> None:
    grey = np.ascontiguousarray(smooth(12)[..., 0])
    stream = imagecodecs.jpeg8_encode(grey, 98, bitspersample=12)
    ds = with_frames(image(64, 80, stored=12, uid=f"{_ROOT}4.51"), [bytes(stream)])
    assert np.abs(kerma.pixels.array(ds).astype(int) - grey).max() <= 16


def test_transforms_inside_jpeg_2000_are_undone() -> None:
    for photometric, reversible in (("YBR_RCT", True), ("YBR_ICT", False)):
        stream = imagecodecs.jpeg2k_encode(
            smooth(), level=0 if reversible else 60, codecformat="j2k", reversible=reversible, mct=True
        )
        uid = f"{_ROOT}4.{90 if reversible else 91}"
        ds = with_frames(image(64, 80, samples=3, allocated=8, photometric=photometric, uid=uid), [bytes(stream)])
        assert np.abs(kerma.pixels.array(ds).astype(int) - smooth()).max() <= (0 if reversible else 4)


def test_overshoot_of_lossy_htj2k_is_clipped() -> None:
    """White next to black overshoots; it must not wrap around."""
    white = (np.random.default_rng(2).random((256, 256)) > 0.5).astype("u1") * np.uint8(255)
    stream = imagecodecs.htj2k_encode(white, level=0.05, reversible=False)
    ds = with_frames(image(256, 256, allocated=8, uid=f"{_ROOT}4.203"), [bytes(stream)])
    assert np.abs(kerma.pixels.array(ds).astype(int) - white).max() < 128


# -- what cannot be decoded --------------------------------------------------------------------------------------------

FINE = {
    f"{_ROOT}5": rle(ramp((20, 24), 8).astype("u1")),
    f"{_ROOT}8.1": deflated(ramp((20, 24), 8).astype("u1")),
    f"{_ROOT}1.98": ramp((20, 24), 8).astype("u1").tobytes(),
    f"{_ROOT}4.50": bytes(imagecodecs.jpeg8_encode(ramp((20, 24), 8).astype("u1"))),
    f"{_ROOT}4.70": lossless_jpeg(ramp((20, 24), 8).astype("u1")),
    f"{_ROOT}4.80": jpegls(ramp((20, 24), 8).astype("u1")),
    f"{_ROOT}4.90": j2k(ramp((20, 24), 8).astype("u1")),
    f"{_ROOT}4.201": ht(ramp((20, 24), 8).astype("u1")),
    f"{_ROOT}4.110": jpegxl(ramp((20, 24), 8).astype("u1")),
}


@pytest.mark.parametrize("uid", FINE)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_cut_frame_leaves_the_others_readable(uid: str, part: float) -> None:
    ds = image(20, 24, frames=3, allocated=8, uid=uid)
    encapsulate(ds, [FINE[uid], FINE[uid][: int(len(FINE[uid]) * part)], FINE[uid]])
    with pytest.raises(PixelError, match="in frame 1") as caught:
        kerma.pixels.frame(ds, 1)
    assert caught.value.frame == 1
    assert kerma.pixels.frame(ds, 0).shape == kerma.pixels.frame(ds, 2).shape == (20, 24)
    with pytest.raises(PixelError, match="in frame 1"):
        kerma.pixels.array(ds)


@pytest.mark.parametrize("uid", FINE)
def test_a_stream_of_another_size_is_refused(uid: str) -> None:
    # What is packed by bytes does not say its size: only that there is enough of it can be seen.
    smaller = () if uid in {f"{_ROOT}5", f"{_ROOT}1.98"} else ((20, 23),)
    for rows, columns in (*smaller, (40, 24), (60_000, 30_000)):
        with pytest.raises(PixelError, match="in frame 0"):
            kerma.pixels.array(with_frames(image(rows, columns, allocated=8, uid=uid), [FINE[uid]]))
    colour = with_frames(image(20, 24, samples=3, allocated=8, uid=uid), [FINE[uid]])
    with pytest.raises(PixelError):
        kerma.pixels.array(colour)


@pytest.mark.parametrize("uid", FINE)
def test_spoiled_streams_are_our_errors(uid: str) -> None:
    random = np.random.default_rng(7)
    for _ in range(60):
        data = bytearray(FINE[uid])
        for place in random.integers(0, len(data), 4):
            data[place] = random.integers(0, 256)
        try:
            found = kerma.pixels.array(with_frames(image(20, 24, allocated=8, uid=uid), [bytes(data)]))
        except PixelError:
            continue
        assert found.shape == (20, 24)


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = packer.compress(bytes(64 << 20)) + packer.flush()
    with pytest.raises(PixelError, match="does not hold"):
        kerma.pixels.array(with_frames(image(20, 24, allocated=8, uid=f"{_ROOT}8.1"), [bomb]))
    stream = bytearray(j2k(ramp((20, 24), 8).astype("u1")))
    stream[8:16] = struct.pack(">II", 60_000, 60_000)
    ds = with_frames(image(60_000, 60_000, allocated=8, uid=f"{_ROOT}4.90"), [bytes(stream)])
    with pytest.raises(LimitError, match="a frame has"):
        kerma.pixels.array(ds)


@pytest.mark.parametrize("uid", [uid for uid, row in transfer_syntaxes.ALL.items() if row.encapsulated])
def test_every_compressed_syntax_has_a_codec_or_is_named(uid: str) -> None:
    if uid in MODULE_OF:
        assert callable(decoder_of(uid))
        return
    ds: Any = with_frames(image(20, 24, allocated=8, uid=uid), [b"abcd"])
    if uid in VIDEO:
        with pytest.raises(PixelError, match="no video stream"):
            kerma.pixels.array(ds)
        return
    with pytest.raises(UnsupportedSyntaxError) as caught:
        kerma.pixels.array(ds)
    assert transfer_syntaxes.ALL[uid].name in str(caught.value)
    assert caught.value.uid == uid


def test_a_package_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from kerma.pixels import codecs

    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    monkeypatch.delitem(sys.modules, "kerma.pixels.codecs.jpegls", raising=False)
    monkeypatch.setattr(codecs, "_DECODERS", {})
    with pytest.raises(UnsupportedSyntaxError, match=r"JPEG-LS.*imagecodecs.*kerma\[pixels\]"):
        decoder_of(f"{_ROOT}4.80")
