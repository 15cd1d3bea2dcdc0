"""Transcoding: samples stay what they were, the data set says the truth afterwards, and what cannot be is said."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerma
from kerma.dataset import Dataset
from kerma.dataset.fragments import Fragments
from kerma.errors import PixelError, UnsupportedSyntaxError, UsageError
from kerma.formats.spool import Spool
from kerma.pixels import array, transcoded_chunks
from kerma.pixels.pipeline import in_order, ordered
from kerma.pixels.targets import LOSSLESS, TARGETS, reachable
from kerma.standard import transfer_syntaxes

from .images import BIG_ENDIAN, NATIVE, RLE, image, ramp, read_back, with_frames, with_native

ROOT = "1.2.840.10008.1.2."
IMPLICIT, DEFLATED = ROOT[:-1], f"{ROOT}1.99"
PLAIN, DEFLATED_FRAMES = f"{ROOT}1.98", f"{ROOT}8.1"
BASELINE, EXTENDED = f"{ROOT}4.50", f"{ROOT}4.51"
PROCESS_14, FIRST_ORDER = f"{ROOT}4.57", f"{ROOT}4.70"
JPEG_LS, NEAR = f"{ROOT}4.80", f"{ROOT}4.81"
J2K, J2K_LOSSY = f"{ROOT}4.90", f"{ROOT}4.91"
HTJ2K, RPCL, HTJ2K_LOSSY = f"{ROOT}4.201", f"{ROOT}4.202", f"{ROOT}4.203"
JXL, JXL_LOSSY = f"{ROOT}4.110", f"{ROOT}4.112"
VIDEO = f"{ROOT}4.102"

NATIVES = (IMPLICIT, NATIVE, BIG_ENDIAN, DEFLATED)
ALL_LOSSLESS = tuple(uid for uid, target in TARGETS.items() if not target.method)
ALL_LOSSY = tuple(uid for uid, target in TARGETS.items() if target.method)

transcode: Callable[..., Any] = kerma.pixels.transcode


def grey(**more: Any) -> Any:
    settings = {"frames": 3, "allocated": 16, "stored": 12, **more}
    frames = settings["frames"]
    shape = (9, 14) if frames == 1 else (frames, 9, 14)
    samples = ramp(shape, settings["stored"], signed=settings.get("signed", False))
    return with_native(image(9, 14, **settings), samples)


def colour(**more: Any) -> Any:
    frames = more.setdefault("frames", 2)
    return with_native(image(8, 10, samples=3, allocated=8, **more), ramp((frames, 8, 10, 3), 8))


def smooth() -> Any:
    """Grey that lossy codecs do well on."""
    y, x = np.mgrid[0:64, 0:64]
    return with_native(image(64, 64, allocated=8, stored=8, PatientID="P1"), (y * 2 + x).astype("u1"))


# -- samples -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("uid", ALL_LOSSLESS)
def test_samples_are_the_same_there_and_back(uid: str) -> None:
    images = [grey(), grey(frames=1), grey(allocated=8, stored=8), colour()]
    if TARGETS[uid].signed:
        images.append(grey(signed=True))
    for ds in images:
        before = array(ds)
        there = read_back(transcode(ds, uid))
        assert there.transfer_syntax_uid == uid
        assert there.meta.TransferSyntaxUID == uid
        assert np.array_equal(array(there), before)
        for native in NATIVES:
            back = read_back(transcode(there, native))
            assert back.transfer_syntax_uid == native
            assert array(back).dtype == before.dtype
            assert np.array_equal(array(back), before)
            assert back.PhotometricInterpretation == ds.PhotometricInterpretation
            assert "LossyImageCompression" not in back
            assert back.SOPInstanceUID == ds.SOPInstanceUID


@pytest.mark.parametrize("uid", [RLE, PLAIN, DEFLATED_FRAMES])
def test_single_bits_that_do_not_end_on_a_byte(uid: str) -> None:
    ds = with_native(image(3, 5, frames=3, allocated=1), ramp((3, 3, 5), 1))
    there = read_back(transcode(ds, uid))
    assert np.array_equal(array(there), array(ds))
    back = read_back(transcode(there, NATIVE))
    assert bytes(back["PixelData"].raw) == bytes(ds["PixelData"].value).ljust(6, b"\0")


@pytest.mark.parametrize("before", [RLE, JPEG_LS, J2K, FIRST_ORDER, HTJ2K])
@pytest.mark.parametrize("after", [RLE, J2K, HTJ2K, PROCESS_14])
def test_from_one_compressed_syntax_to_another(before: str, after: str) -> None:
    ds = colour()
    there = transcode(transcode(ds, before), after)
    assert np.array_equal(array(there), array(ds))
    assert there.PhotometricInterpretation == ("YBR_RCT" if after in {J2K, HTJ2K} else "RGB")


@pytest.mark.parametrize("uid", [IMPLICIT, NATIVE, BIG_ENDIAN, DEFLATED, JPEG_LS])
def test_the_wire_gets_the_same_bytes(uid: str) -> None:
    for ds in (transcode(grey(), RLE), transcode(colour(), J2K), grey()):
        assert b"".join(transcoded_chunks(ds, uid)) == transcode(ds, uid).to_bytes()


def test_elements_behind_the_pixels_stay_behind_them() -> None:
    ds = grey()
    ds.add(0xFFFCFFFC, "OB", b"\0" * 4)
    there = transcode(ds, RLE)
    assert list(there)[-2:] == [0x7FE00010, 0xFFFCFFFC]
    data = b"".join(transcoded_chunks(there, NATIVE))
    assert list(Dataset.from_bytes(data, NATIVE))[-1] == 0xFFFCFFFC


def test_big_endian_words_and_planes() -> None:
    ds = read_back(grey(), BIG_ENDIAN)
    assert np.array_equal(array(transcode(ds, JPEG_LS)), array(grey()))
    planar = colour()
    planar.PlanarConfiguration = 1
    planar.add("PixelData", "OB", array(colour()).transpose(0, 3, 1, 2).tobytes())
    there = transcode(planar, RLE)
    assert there.PlanarConfiguration == 0
    assert np.array_equal(array(there), array(colour()))


def test_a_high_bit_elsewhere_is_put_right() -> None:
    ds = image(2, 3, allocated=16, stored=12)
    ds.HighBit = 15
    ds.add("PixelData", "OW", (ramp((2, 3), 12) << 4).astype("<u2").tobytes())
    there = transcode(ds, FIRST_ORDER)
    assert (there.BitsAllocated, there.BitsStored, there.HighBit) == (16, 12, 11)
    assert np.array_equal(array(there), ramp((2, 3), 12))


# -- what is said afterwards -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("uid", ALL_LOSSY)
def test_a_lossy_step_is_said(uid: str) -> None:
    ds = smooth()
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    before = ds.to_bytes()
    there = read_back(transcode(ds, uid))
    assert there.LossyImageCompression == "01"
    assert there.LossyImageCompressionMethod == TARGETS[uid].method
    stored = len(bytes(there["PixelData"].raw)) - 24
    assert float(there.LossyImageCompressionRatio) == pytest.approx(64 * 64 / stored, rel=0.05)
    assert there.SOPInstanceUID != ds.SOPInstanceUID
    assert there.meta.MediaStorageSOPInstanceUID == there.SOPInstanceUID
    (source,) = there.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == ds.SOPInstanceUID
    assert source.PurposeOfReferenceCodeSequence[0].CodeValue == "121320"
    assert there.DerivationCodeSequence[0].CodeValue == "113040"
    assert transfer_syntaxes.ALL[uid].name in there.DerivationDescription
    assert there.ImageType == ("DERIVED", "PRIMARY")
    assert np.abs(array(there).astype(int) - array(ds)).mean() < 4
    assert ds.to_bytes() == before
    # What is lost stays lost, whatever is done next; another lossy step is one more.
    plain = transcode(there, NATIVE)
    assert plain.LossyImageCompression == "01"
    assert plain.SOPInstanceUID == there.SOPInstanceUID
    again = transcode(there, J2K_LOSSY, rate=20)
    assert again.LossyImageCompressionMethod == (TARGETS[uid].method, "ISO_15444_1")
    assert len(again.LossyImageCompressionRatio) == 2


def test_the_new_uid_can_be_chosen() -> None:
    ds = smooth()
    assert transcode(ds, BASELINE, new_uid=False).SOPInstanceUID == ds.SOPInstanceUID
    assert transcode(ds, BASELINE, new_uid="1.2.99").SOPInstanceUID == "1.2.99"
    assert transcode(ds, RLE, new_uid=True).SOPInstanceUID != ds.SOPInstanceUID
    assert transcode(transcode(ds, RLE), NATIVE, new_uid="1.2.98").SOPInstanceUID == "1.2.98"


@pytest.mark.parametrize(
    ("uid", "photometric"),
    [
        (BASELINE, "YBR_FULL_422"),
        (J2K, "YBR_RCT"),
        (RPCL, "YBR_RCT"),
        (J2K_LOSSY, "YBR_ICT"),
        (HTJ2K_LOSSY, "YBR_ICT"),
        (JPEG_LS, "RGB"),
        (NEAR, "RGB"),
        (FIRST_ORDER, "RGB"),
        (RLE, "RGB"),
        (JXL, "RGB"),
        (JXL_LOSSY, "XYB"),
    ],
)
def test_colour_is_called_what_it_is_in_the_stream(uid: str, photometric: str) -> None:
    there = transcode(colour(), uid)
    assert there.PhotometricInterpretation == photometric
    back = transcode(there, NATIVE)
    assert back.PhotometricInterpretation == "RGB"
    assert (back.PlanarConfiguration, back.SamplesPerPixel) == (0, 3)


def test_chroma_that_is_whole_is_called_so() -> None:
    assert transcode(colour(), BASELINE, subsampling="444").PhotometricInterpretation == "YBR_FULL"


def test_luma_and_chroma_are_kept_where_nothing_is_to_be_lost() -> None:
    ds = colour(photometric="YBR_FULL")
    stored = array(ds, rgb=False)
    for uid in (RLE, JPEG_LS, J2K):
        there = transcode(ds, uid)
        assert there.PhotometricInterpretation == "YBR_FULL"
        assert np.array_equal(array(there, rgb=False), stored)
    assert transcode(ds, BASELINE).PhotometricInterpretation == "YBR_FULL_422"


def test_jpeg_that_never_said_what_it_lost_says_it_uncompressed() -> None:
    there = transcode(colour(), BASELINE)
    for keyword in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        del there[keyword]
    back = transcode(there, NATIVE)
    assert (back.LossyImageCompression, back.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert float(back.LossyImageCompressionRatio) > 0
    assert back.SOPInstanceUID == there.SOPInstanceUID


def test_bits_of_a_process_that_has_only_two_depths() -> None:
    there = transcode(grey(frames=1, stored=10), EXTENDED)
    assert (there.BitsAllocated, there.BitsStored, there.HighBit) == (16, 12, 11)
    there = transcode(grey(frames=1, stored=7), BASELINE)
    assert (there.BitsAllocated, there.BitsStored, there.HighBit) == (8, 8, 7)


def test_offset_tables() -> None:
    ds = grey(frames=5)
    basic, wide = read_back(transcode(ds, RLE)), read_back(transcode(ds, RLE, extended=True))
    assert "ExtendedOffsetTable" not in basic
    assert len(wide["ExtendedOffsetTable"].raw) == len(wide["ExtendedOffsetTableLengths"].raw) == 40
    for there in (basic, wide):
        assert np.array_equal(kerma.pixels.frame(there, 4), array(ds)[4])
        assert "ExtendedOffsetTable" not in transcode(there, NATIVE)


def test_streams_that_the_other_syntax_allows_stay_as_they_are() -> None:
    there = transcode(grey(), FIRST_ORDER)
    other = transcode(there, PROCESS_14)
    assert list(other.PixelData) == list(there.PixelData)
    assert other.transfer_syntax_uid == PROCESS_14
    same = transcode(there, FIRST_ORDER)
    assert same.to_bytes() == there.to_bytes()
    same.PatientID = "other"
    assert "PatientID" not in there


# -- icons and overlays ------------------------------------------------------------------------------------------------


def test_an_icon_that_is_compressed_is_decompressed_and_another_left() -> None:
    icon = with_native(image(4, 4, allocated=8), ramp((4, 4), 8))
    packed = transcode(icon, RLE)
    ds = with_frames(image(2, 2, allocated=8, uid=RLE), list(transcode(grey2(), RLE).PixelData[1:]))
    plain = Dataset()
    for item, source in ((Dataset(), packed), (plain, icon)):
        item.update((tag, source[tag]) for tag in source if tag >> 16 == 0x28 or tag == 0x7FE00010)
        ds.IconImageSequence = [*ds.get("IconImageSequence", []), item] if "IconImageSequence" in ds else [item]
    assert isinstance(ds.IconImageSequence[0].PixelData, Fragments)
    for uid in (NATIVE, JPEG_LS):
        there = read_back(transcode(ds, uid))
        for item in there.IconImageSequence:
            assert bytes(item.PixelData) == ramp((4, 4), 8).astype("u1").tobytes()
        assert np.array_equal(array(there), array(grey2()))
    assert isinstance(ds.IconImageSequence[0].PixelData, Fragments)


def grey2() -> Any:
    return with_native(image(2, 2, allocated=8), ramp((2, 2), 8))


def test_an_overlay_in_unused_bits_gets_data_of_its_own() -> None:
    samples = ramp((2, 4, 4), 12)
    drawn = (np.arange(32).reshape(2, 4, 4) % 3 == 0).astype("u2")
    ds = image(4, 4, frames=2, allocated=16, stored=12)
    ds.add("PixelData", "OW", (samples.astype("u2") | drawn << 15).astype("<u2").tobytes())
    for element, vr, value in ((0x0010, "US", 4), (0x0011, "US", 4), (0x0040, "CS", "G"), (0x0050, "SS", (1, 1))):
        ds.add(0x60000000 | element, vr, value)
    ds.add(0x60000100, "US", 16)
    ds.add(0x60000102, "US", 15)
    there = read_back(transcode(ds, JPEG_LS))
    assert np.array_equal(array(there), samples)
    bits = np.unpackbits(np.frombuffer(there[0x60003000].raw, "u1"), bitorder="little")
    assert np.array_equal(bits.reshape(2, 4, 4), drawn)
    assert (there[0x60000100].value, there[0x60000102].value, there[0x60000015].value) == (1, 0, 2)
    assert 0x60003000 not in transcode(ds, IMPLICIT)  # nothing was taken out of the words


# -- what cannot be ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ds", "uid", "says"),
    [
        (grey(signed=True), BASELINE, "signed"),
        (grey(), BASELINE, "1 to 8 bits"),
        (grey(stored=16), EXTENDED, "1 to 12 bits"),
        (with_native(image(2, 2, allocated=32), ramp((2, 2), 32)), JPEG_LS, "2 to 16 bits"),
        (with_native(image(8, 8, allocated=1), ramp((8, 8), 1)), J2K, "single bit"),
        (with_native(image(2, 2, allocated=8, photometric="PALETTE COLOR"), ramp((2, 2), 8)), BASELINE, "PALETTE"),
        (with_native(image(2, 2, allocated=8, photometric="PALETTE COLOR"), ramp((2, 2), 8)), NEAR, "PALETTE"),
        (grey(signed=True), JXL, "signed"),
        (image(2, 2), RLE, "no pixel data"),
    ],
)
def test_what_a_syntax_cannot_hold_is_said_before_anything_is_done(ds: Any, uid: str, says: str) -> None:
    with pytest.raises(PixelError, match=says) as caught:
        transcode(ds, uid)
    assert caught.value.hint or says == "no pixel data"
    assert caught.value.frame is None


def test_syntaxes_that_nothing_writes() -> None:
    for uid in (VIDEO, f"{ROOT}4.93", f"{ROOT}4.94", "1.2.3"):
        with pytest.raises(UnsupportedSyntaxError):
            transcode(grey(), uid)


def test_options_are_checked() -> None:
    for uid, options in ((NATIVE, {"quality": 5}), (RLE, {"quality": 5}), (BASELINE, {"quality": 500})):
        with pytest.raises(UsageError):
            transcode(smooth(), uid, **options)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_broken_frame_is_named(threads: int) -> None:
    good = list(transcode(grey(frames=9), RLE).PixelData[1:])
    good[5] = b"\1" + bytes(63)
    ds = with_frames(image(9, 14, frames=9, stored=12, uid=RLE), good)
    for uid in (NATIVE, JPEG_LS):
        with pytest.raises(PixelError) as caught:
            transcode(ds, uid, threads=threads)
        assert caught.value.frame == 5
    chunks = transcoded_chunks(ds, NATIVE, threads=threads)
    with pytest.raises(PixelError):
        b"".join(chunks)


def test_the_first_frame_is_decoded_before_anything_is_given() -> None:
    with pytest.raises(PixelError):
        transcoded_chunks(with_frames(image(9, 14, uid=RLE), [b"\1" + bytes(63)]), NATIVE)


def test_progress_is_told_and_can_end_the_work() -> None:
    told: list[tuple[int, int]] = []
    transcode(grey(frames=6), RLE, progress=lambda done, total: told.append((done, total)), threads=2)
    assert told == [(number, 6) for number in range(1, 7)]

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transcode(grey(frames=6), RLE, progress=stop, threads=2)
    assert not any(thread.name.startswith("kerma-pixels") for thread in threading.enumerate())


def test_nothing_but_pixels_is_fine_uncompressed() -> None:
    ds = Dataset()
    ds.PatientID = "P1"
    assert transcode(ds, IMPLICIT).PatientID == "P1"
    floating = image(2, 2, allocated=32)
    floating.add("FloatPixelData", "OF", np.arange(4, dtype="<f4").tobytes())
    assert np.array_equal(array(read_back(transcode(floating, BIG_ENDIAN))), array(floating))
    with pytest.raises(PixelError, match="floating"):
        transcode(floating, RLE)


def test_a_copy_of_the_source_is_what_is_changed() -> None:
    ds = transcode(grey(), RLE)
    before = copy.deepcopy(ds)
    there = transcode(ds, NATIVE)
    there.PatientID = "X"
    assert ds == before


# -- parts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_order_and_few_are_under_way(threads: int) -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            yield number

    for place, result in enumerate(ordered(numbers(), lambda number: number * 2, threads)):
        assert result == place * 2
        assert len(taken) <= place + 2 * threads + 1
    assert list(in_order(3, lambda number: number + 1, lambda number, data: (number, data))) == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize("bound", [0, 5, 1000])
def test_a_spool_gives_back_what_it_got(bound: int) -> None:
    spool = Spool(bound)
    pieces = [bytes([number]) * number for number in range(1, 9)]
    for piece in pieces:
        spool.add(piece)
    assert spool.size == 36
    assert [bytes(piece) for piece in spool.pieces()] == pieces
    again = Spool(bound)
    for piece in pieces:
        again.add(memoryview(piece))
    assert bytes(again.whole()) == b"".join(pieces)


def test_frames_beyond_memory_wait_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kerma.pixels.transcoding.Spool", lambda: Spool(100))
    ds = grey(frames=7)
    there = read_back(transcode(ds, RLE))
    assert np.array_equal(array(there), array(ds))
    assert np.array_equal(array(read_back(transcode(there, NATIVE))), array(ds))


def test_what_can_be_reached_from_where() -> None:
    assert reachable(JPEG_LS) == (NATIVE, IMPLICIT, *(uid for uid in LOSSLESS if uid != JPEG_LS))
    assert reachable(VIDEO) == ()
    assert not any(transfer_syntaxes.ALL[uid].lossy for uid in reachable(BASELINE))


def test_the_example_of_the_guide(tmp_path: Path) -> None:
    guide = Path(__file__).resolve().parents[2] / "docs" / "guide" / "transcoding.md"
    (example,) = re.findall(r"^```python\n(.*?)^```", guide.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    kerma.write(smooth(), tmp_path / "image.dcm")
    script = f"{example}\nprint(lossy.SOPInstanceUID, kerma.pixels.array(plain).sum() == kerma.pixels.array(ds).sum())"
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 of 1\n1.2.3.4 True\n"


def test_the_command_converts_a_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(5):
        kerma.write(smooth(), tmp_path / "in" / f"{number}.dcm")
    kerma.write(grey(signed=True), tmp_path / "in" / "signed.dcm")

    def convert(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kerma", "convert", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert convert("in", "rle", "--to", "rle").returncode == 0
    assert {kerma.read(path).transfer_syntax_uid for path in (tmp_path / "rle").iterdir()} == {RLE}
    done = convert("in", "jpeg", "--to", "jpeg", "--quality", "70", "--keep-uid")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "signed.dcm" in done.stderr
    assert sorted(path.name for path in (tmp_path / "jpeg").iterdir()) == [f"{number}.dcm" for number in range(5)]
    assert kerma.read(tmp_path / "jpeg" / "0.dcm").SOPInstanceUID == smooth().SOPInstanceUID
    assert convert("in/0.dcm", "0.dcm", "--to", "rle", "--quality", "5").returncode in {1, 2}
    assert convert("in/0.dcm", "0.dcm", "--to", "json", "--quality", "5").returncode == 2
    assert not (tmp_path / "0.dcm").exists()
