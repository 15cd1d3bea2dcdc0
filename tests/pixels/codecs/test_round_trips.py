"""What is encoded comes back: exactly from every lossless syntax, near enough from every lossy one."""

from __future__ import annotations

import numpy as np
import pytest

from kerma.errors import PixelError
from kerma.pixels.codecs import CODECS, decoder_of, encoder_of
from kerma.pixels.codecs.base import Decoded
from kerma.pixels.decoding import _typed
from kerma.pixels.layout import Layout
from kerma.pixels.native import dtype_of
from kerma.pixels.targets import compressed_layout

from .expected import CASES, ROOT, SHAPES, Array, Case

LOSSLESS = sorted(uid for uid, row in CODECS.items() if row.writes and row.lossless)
LOSSY = sorted(uid for uid, row in CODECS.items() if row.writes and not row.lossless)


def refused(uid: str, case: Case) -> bool:
    """What the syntaxes cannot hold (PS3.5 8.2), or nothing here writes (docs/guide/codecs.md)."""
    number = uid.removeprefix(ROOT)
    if number in {"1.98", "8.1", "5"}:
        return False
    if case.allocated == 1 or case.stored > 32:
        return True
    if number in {"4.57", "4.70"}:
        return case.stored > 16
    if number == "4.80":
        return not 2 <= case.stored <= 16
    if number == "4.90":
        return case.stored > (23 if case.photometric == "RGB" else 24)
    if number == "4.110":
        return case.stored > 16 or case.signed or case.photometric in {"YBR_FULL", "PALETTE COLOR"}
    return False


def encode(uid: str, case: Case, samples: Array, **options: object) -> tuple[bytes, Layout]:
    layout = compressed_layout(case.layout(*samples.shape[:2]), case.photometric, uid)
    return encoder_of(uid)(samples.astype(dtype_of(layout)), layout, options), layout


def decode(stream: bytes, layout: Layout, *, rgb: bool = False) -> Decoded:
    found = decoder_of(layout.transfer_syntax_uid)(stream, layout, rgb)
    return Decoded(_typed(found, layout), found.photometric)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("uid", LOSSLESS)
def test_lossless_syntaxes_give_back_what_they_got(uid: str, case: Case) -> None:
    for shape in SHAPES:
        samples = case.noise(*shape)
        if refused(uid, case):
            with pytest.raises(PixelError) as caught:
                encode(uid, case, samples)
            assert caught.value.hint
            continue
        for each in (samples, case.smooth(*shape) if case.stored <= 32 else samples // 3):
            stream, layout = encode(uid, case, each)
            found = decode(stream, layout)
            assert found.samples.dtype == each.dtype
            assert np.array_equal(found.samples, each)
            assert found.photometric == case.photometric


LOSSY_CASES = [
    Case(8, 8),
    Case(8, 8, photometric="RGB"),
    Case(16, 12),
    Case(16, 12, photometric="RGB"),
    Case(16, 16),
    Case(16, 12, True),
]


@pytest.mark.parametrize("case", LOSSY_CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("uid", LOSSY)
def test_lossy_syntaxes_give_back_nearly_what_they_got(uid: str, case: Case) -> None:
    number = uid.removeprefix(ROOT)
    deepest = {"4.50": 8, "4.51": 12}.get(number, 16)
    samples = case.smooth(61, 83)
    if case.stored > deepest or (case.signed and number in {"4.50", "4.51", "4.81", "4.112"}):
        with pytest.raises(PixelError):
            encode(uid, case, samples)
        return
    stream, layout = encode(uid, case, samples)
    found = decode(stream, layout, rgb=True)
    low, high = case.extent()
    error = np.abs(found.samples.astype("i8") - samples.astype("i8"))
    assert found.photometric == case.photometric
    assert error.mean() <= (high - low) / 100
    assert error.max() <= (high - low) / 8
    assert found.samples.min() >= low
    assert found.samples.max() <= high


@pytest.mark.parametrize("near", [1, 2, 5, 20])
@pytest.mark.parametrize("case", [Case(8, 8), Case(8, 6), Case(16, 12), Case(16, 16), Case(8, 8, photometric="RGB")])
def test_near_lossless_is_as_near_as_it_says(case: Case, near: int) -> None:
    for samples in (case.noise(33, 47), case.smooth(33, 47)):
        stream, layout = encode(f"{ROOT}4.81", case, samples, near=near)
        found = decode(stream, layout).samples
        assert np.abs(found.astype("i8") - samples.astype("i8")).max() <= near
        assert found.max() <= case.extent()[1]


@pytest.mark.parametrize("uid", [f"{ROOT}4.91", f"{ROOT}4.203"])
def test_a_rate_is_kept(uid: str) -> None:
    case = Case(16, 12)
    samples = case.smooth(256, 256)
    sizes = {}
    for rate in (8, 20):
        stream, layout = encode(uid, case, samples, rate=rate)
        sizes[rate] = len(stream)
        assert len(stream) <= 256 * 256 * 1.5 / rate
        error = np.abs(decode(stream, layout).samples.astype(int) - samples.astype(int))
        assert error.mean() < 30
    assert sizes[8] > sizes[20] > 256 * 256 * 1.5 / 20 / 2
    coarse, _ = encode(uid, case, samples, quality=30)
    fine, _ = encode(uid, case, samples, quality=70)
    assert len(coarse) < len(fine)
