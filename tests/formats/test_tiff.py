"""Files that are DICOM and TIFF at once: read by both, kept, made anew when something moved."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydicom import dcmread

import kerma
from kerma.dataset.fragments import Fragments
from kerma.errors import FormatError, KermaError, UnsupportedSyntaxError
from kerma.formats import tiff
from kerma.formats.jpeg_head import read_jpeg_head
from kerma.formats.personality import personality

LITTLE, IMPLICIT, BIG, DEFLATED = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
)
SAMPLES = "pydicom+pydicom/src/pydicom/data/test_files"


def image(rows: int, columns: int, pixels: bytes, bits: int = 8, **values: Any) -> kerma.Dataset:
    ds = kerma.Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ds.SOPInstanceUID = "1.2.3"
    ds.PatientName = "Secret^Name"
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.PixelRepresentation = rows, columns, bits, 0
    ds.BitsStored, ds.HighBit = bits, bits - 1
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    for keyword, value in values.items():
        ds[keyword] = value
    ds.add("PixelData", "OB" if bits <= 8 else "OW", pixels)
    return ds


def written(ds: kerma.Dataset, path: Path, uid: str | None = None) -> Path:
    kerma.write(ds, path, transfer_syntax_uid=uid, tiff=True)
    return path


def pages(path: Path) -> list[Image.Image]:
    with Image.open(path) as opened:
        assert opened.format == "TIFF"
        found = []
        for number in range(opened.n_frames):
            opened.seek(number)
            found.append(opened.copy())
        return found


def cells(page: Image.Image) -> list[Any]:
    return [page.getpixel((x, y)) for y in range(page.height) for x in range(page.width)]


@pytest.mark.parametrize("uid", [LITTLE, IMPLICIT, BIG])
def test_grey_pages_are_the_frames(uid: str, tmp_path: Path) -> None:
    values = [number * 3 for number in range(2 * 5 * 7)]
    ds = image(5, 7, struct.pack(f"<{len(values)}H", *values), 16, NumberOfFrames=2, PixelSpacing=["0.5", "0.25"])
    path = written(ds, tmp_path / "out", uid)
    found = pages(path)
    assert [cells(page) for page in found] == [values[:35], values[35:]]
    assert [round(number, 3) for number in found[0].info["dpi"]] == [101.6, 50.8]
    other = dcmread(path)
    assert other.file_meta.TransferSyntaxUID == uid
    assert other.pixel_array.reshape(-1).tolist() == values
    again = kerma.read(path)
    assert personality(again).kind == "tiff"  # type: ignore[union-attr]
    assert again.findings == []
    assert path.read_bytes().count(b"Secret") == 1, "no name in a directory"


def test_colour_by_pixel_and_by_plane(tmp_path: Path) -> None:
    pixels = bytes(range(24))
    planes = bytes(pixels[3 * at + plane] for plane in range(3) for at in range(8))
    wanted = [tuple(pixels[at : at + 3]) for at in range(0, 24, 3)]
    for number, data in enumerate((pixels, planes)):
        ds = image(
            2, 4, data, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=number, NumberOfFrames=1
        )
        (page,) = pages(written(ds, tmp_path / "out"))
        assert cells(page) == wanted


@pytest.mark.parametrize("depth", [8, 16])
def test_a_palette(depth: int, tmp_path: Path) -> None:
    ds = image(1, 4, bytes([9, 10, 11, 200]), PhotometricInterpretation="PALETTE COLOR")
    for name, values in {"Red": (1, 2, 3), "Green": (10, 20, 30), "Blue": (100, 200, 255)}.items():
        ds[f"{name}PaletteColorLookupTableDescriptor"] = [3, 10, depth]
        data = bytes((*values, 0)) if depth == 8 else struct.pack("<3H", *(value * 257 for value in values))
        ds.add(f"{name}PaletteColorLookupTableData", "OW", data)
    (page,) = pages(written(ds, tmp_path / "out"))
    assert cells(page.convert("RGB")) == [(1, 10, 100), (1, 10, 100), (2, 20, 200), (3, 30, 255)]


def test_single_bits_and_floats(tmp_path: Path) -> None:
    (page,) = pages(written(image(2, 8, b"\x01\x80", bits=1), tmp_path / "bits"))
    assert [value != 0 for value in cells(page)] == [True, *[False] * 14, True]
    ds = image(1, 2, b"", bits=32)
    del ds.PixelData
    ds.FloatPixelData = struct.pack("<2f", 0.5, -2.0)
    (page,) = pages(written(ds, tmp_path / "floats"))
    assert cells(page) == [0.5, -2.0]


JPEGS = [
    (f"{SAMPLES}/SC_rgb_jpeg_dcmtk.dcm", "RGB", 1),
    (f"{SAMPLES}/SC_rgb_dcmtk_+eb+cy+s4.dcm", "RGB", 1),
    ("jonclayden+divest/inst/extdata/jpeg/01j.dcm", "L", 1),
]


@pytest.mark.parametrize(("name", "mode", "count"), JPEGS, ids=[name.rpartition("/")[2] for name, _, _ in JPEGS])
def test_jpeg_is_shown_as_it_is(name: str, mode: str, count: int, corpus: Path, tmp_path: Path) -> None:
    ds = kerma.read(corpus / name)
    found = pages(written(ds, tmp_path / "out"))
    assert len(found) == count
    element = ds["PixelData"]
    for number, page in enumerate(found, 1):
        with Image.open(io.BytesIO(bytes(element.fragment(number)))) as alone:
            wanted = alone.convert(mode)
        assert (page.mode, page.size) == (mode, wanted.size)
        assert page.tobytes() == wanted.tobytes()


def test_frames_of_jpeg_are_pages(tmp_path: Path) -> None:
    streams = []
    for number in range(3):
        out = io.BytesIO()
        Image.new("RGB", (16, 32), (80 * number, 9, 9)).save(out, "JPEG")
        streams.append(out.getvalue())
    ds = image(32, 16, b"", SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422", NumberOfFrames=3)
    ds.PixelData = Fragments(streams)
    found = pages(written(ds, tmp_path / "out", "1.2.840.10008.1.2.4.50"))
    assert [page.tobytes() for page in found] == [Image.open(io.BytesIO(one)).tobytes() for one in streams]


def test_a_jpeg_stream_that_names_no_colours_has_those_of_the_data_set(corpus: Path, tmp_path: Path) -> None:
    """Left alone, a JPEG reader takes it for YCbCr; the data set says RGB."""
    path = corpus / SAMPLES / "SC_jpeg_no_color_transform.dcm"
    (page,) = pages(written(kerma.read(path), tmp_path / "out"))
    assert page.getpixel((0, 0)) == (244, 244, 244)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "cornerstonejs+dicomParser/testImages/encapsulated/multi-frame/CT0012.fragmented_no_bot_jpeg_baseline.51.dcm",
            "2 f",
        ),
        (f"{SAMPLES}/JPEG-lossy.dcm", "12 bits"),
        ("pydicom+pydicom/_history/449004c6/pydicom/data/test_files/SC_rgb_jpeg_lossy_gdcm.dcm", "fewer samples"),
    ],
)
def test_jpeg_that_tiff_readers_refuse(name: str, text: str, corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedSyntaxError, match=text):
        written(kerma.read(corpus / name), tmp_path / "out")


MATRIX = {"NumberOfFrames": 6, "TotalPixelMatrixColumns": 40, "TotalPixelMatrixRows": 30}


def slide(**values: Any) -> kerma.Dataset:
    tiles = b"".join(bytes([number]) * 256 for number in range(6))
    return image(16, 16, tiles, **{**MATRIX, **values})


def corners(path: Path) -> list[int]:
    (page,) = pages(path)
    assert page.size == (40, 30)
    return [page.getpixel((x, y)) for y in (0, 16) for x in (0, 16, 32)]


def test_the_frames_of_a_slide_are_tiles(tmp_path: Path) -> None:
    path = written(slide(DimensionOrganizationType="TILED_FULL"), tmp_path / "full")
    assert corners(path) == [0, 1, 2, 3, 4, 5]
    groups = []
    for number in (5, 4, 3, 2, 1, 0):
        group, position = kerma.Dataset(), kerma.Dataset()
        position.ColumnPositionInTotalImagePixelMatrix = 1 + 16 * (number % 3)
        position.RowPositionInTotalImagePixelMatrix = 1 + 16 * (number // 3)
        group.PlanePositionSlideSequence = [position]
        groups.append(group)
    path = written(slide(PerFrameFunctionalGroupsSequence=groups), tmp_path / "sparse")
    assert corners(path) == [5, 4, 3, 2, 1, 0]
    groups[0].PlanePositionSlideSequence[0].ColumnPositionInTotalImagePixelMatrix = 2
    with pytest.raises(UnsupportedSyntaxError, match="grid"):
        written(slide(PerFrameFunctionalGroupsSequence=groups), tmp_path / "odd")
    with pytest.raises(FormatError, match="do not fill"):
        written(slide(DimensionOrganizationType="TILED_FULL", NumberOfFrames=5), tmp_path / "few")


def test_untouched_it_is_kept_and_changed_it_is_made_anew(tmp_path: Path) -> None:
    ds = image(5, 8, bytes(range(40)))
    path = written(ds, tmp_path / "one")
    kerma.write(kerma.read(path), tmp_path / "same")
    assert (tmp_path / "same").read_bytes() == path.read_bytes()
    again = kerma.read(path)
    again.PatientName = "A much longer name^than it was"
    again.StudyDescription = "x"
    kerma.write(again, tmp_path / "two")
    (page,) = pages(tmp_path / "two")
    assert cells(page) == list(range(40))
    assert str(dcmread(tmp_path / "two").StudyDescription) == "x"
    kerma.write(again, tmp_path / "implicit", transfer_syntax_uid=IMPLICIT)
    assert len(pages(tmp_path / "implicit")) == 1
    kerma.write(again, tmp_path / "plain", tiff=False)
    plain = kerma.read(tmp_path / "plain")
    assert personality(plain) is None
    assert "DataSetTrailingPadding" not in plain


def test_a_file_of_the_nineties_that_is_both_stays_both(corpus: Path, tmp_path: Path) -> None:
    """Made by somebody else, with its directory in the trailing padding as ours."""
    path = corpus / "pydicom+deid/_history/9537175f/deid/data/dicom-example-flat/VL3_UNC"
    ds = kerma.read(path)
    kerma.write(ds, tmp_path / "same")
    assert (tmp_path / "same").read_bytes() == path.read_bytes()
    ds.PatientID = "A longer one than it was before"
    kerma.write(ds, tmp_path / "changed")
    assert pages(tmp_path / "changed")[0].tobytes() == pages(path)[0].tobytes()
    assert dcmread(tmp_path / "changed").PatientID == ds.PatientID


def test_what_is_no_image_any_more_claims_no_tiff(tmp_path: Path) -> None:
    ds = kerma.read(written(image(5, 8, bytes(40)), tmp_path / "one"))
    del ds.PixelData
    kerma.write(ds, tmp_path / "two")
    assert personality(kerma.read(tmp_path / "two")) is None


def test_to_a_binary_file(tmp_path: Path) -> None:
    out = io.BytesIO()
    kerma.write(image(5, 8, bytes(range(40))), out, tiff=True)
    (tmp_path / "one").write_bytes(out.getvalue())
    assert len(pages(tmp_path / "one")) == 1


REFUSED: list[tuple[dict[str, Any], type[KermaError], str]] = [
    ({"Rows": 0}, FormatError, "Rows is 0"),
    ({"Rows": 60000}, FormatError, "more than the pixel data has"),
    ({"NumberOfFrames": -1}, FormatError, "number of frames"),
    ({"BitsAllocated": 12}, UnsupportedSyntaxError, "12 bits"),
    ({"BitsAllocated": 1, "Columns": 7}, UnsupportedSyntaxError, "single bits"),
    ({"SamplesPerPixel": 3}, UnsupportedSyntaxError, "MONOCHROME2 image of 3 samples"),
    ({"PhotometricInterpretation": "HSV"}, UnsupportedSyntaxError, "HSV"),
    ({"PhotometricInterpretation": "PALETTE COLOR"}, UnsupportedSyntaxError, "palette"),
    ({"TotalPixelMatrixColumns": 500, "TotalPixelMatrixRows": 500}, UnsupportedSyntaxError, "multiples of 16"),
]


@pytest.mark.parametrize(("values", "kind", "text"), REFUSED, ids=[text for _, _, text in REFUSED])
def test_what_tiff_cannot_show_is_refused_and_nothing_is_left(
    values: dict[str, Any], kind: type[KermaError], text: str, tmp_path: Path
) -> None:
    (tmp_path / "out").write_bytes(b"there before")
    with pytest.raises(kind, match=text):
        written(image(5, 8, bytes(40), **values), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"there before"
    assert os.listdir(tmp_path) == ["out"]


def test_deflated_big_endian_bytes_and_other_codecs_are_refused(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="deflated"):
        written(image(5, 8, bytes(40)), tmp_path / "out", DEFLATED)
    with pytest.raises(UnsupportedSyntaxError, match="big-endian words"):
        written(kerma.read(corpus / SAMPLES / "SC_rgb_small_odd_big_endian.dcm"), tmp_path / "out")
    with pytest.raises(UnsupportedSyntaxError, match="JPEG Baseline"):
        written(kerma.read(corpus / SAMPLES / "JPEG2000.dcm"), tmp_path / "out")
    with pytest.raises(FormatError, match="no pixel data"):
        written(kerma.read(corpus / SAMPLES / "reportsi.dcm"), tmp_path / "out")


def test_beyond_four_gigabytes_it_is_a_bigtiff(tmp_path: Path) -> None:
    """A sparse file: the frames are holes, and nothing of them is read."""
    rows, columns, count = 8192, 8192, 48
    ds = image(rows, columns, b"\0\0", NumberOfFrames=count)
    path = tmp_path / "big"
    kerma.write(ds, path)
    head = path.read_bytes()[:-6]
    size = rows * columns * count
    with path.open("r+b") as file:
        file.seek(len(head))
        file.write(struct.pack("<I", size))
        file.truncate(len(head) + 4 + size)
        file.seek(0, os.SEEK_END)
        file.write(struct.pack("<HH2sHI", 0xFFFC, 0xFFFB, b"OB", 0, (1 << 30) + (1 << 29)))
        file.truncate(file.tell() + (1 << 30) + (1 << 29))
        tiff.attach(file.fileno())
    with Image.open(path) as opened:
        assert opened.n_frames == count
        assert opened.size == (columns, rows)
    with path.open("rb") as file:
        assert file.read(8) == b"II+\0\x08\0\0\0"
    assert personality(kerma.read(path)).kind == "bigtiff"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "no JPEG stream"),
        (b"\xff\xd8", "without a frame header"),
        (b"\xff\xd8\xff\xe0\0\0\xff\xe0\0\0", "without a frame header"),
        (b"\xff\xd8\xff\xc0\0\x08\x08\0\x01\0\x01\x03", "is cut"),
        (b"\xff\xd8\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x00\x00", "no sampling"),
    ],
)
def test_a_damaged_jpeg_head_is_an_error(data: bytes, text: str) -> None:
    with pytest.raises(FormatError, match=text):
        read_jpeg_head(data)
