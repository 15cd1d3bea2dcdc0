"""Every image of the corpus beside the table of expected samples, which peers have agreed on (tests/pixels/oracle_*).

Lossless images: a digest of each frame. Streams with loss and converted colours: samples at fixed places, within what
two decoders may differ by. ``python -m tests.pixels.oracle_make`` writes the table anew.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import kerma
from kerma.dataset import Dataset
from kerma.errors import KermaError, PixelError
from tests.pixels.oracle_page import page
from tests.pixels.oracle_reasons import REASONS, WITHIN, agreed, differences, why
from tests.pixels.oracle_table import PAGE, Line, apart, columns_of, ours, read_table

from .files import MANIFEST

pytestmark = pytest.mark.corpus

PARTS = 8
LINES = read_table()
NAMES = frozenset(line["file"] for line in LINES)
RGB_WITHIN = 1
"""Steps of a colour that was converted from samples that are exact."""
_DATA = "pydicom+pydicom-data/data_store/data"
TWINS = [
    (f"{_DATA}/liver_nonbyte_aligned.dcm", f"{_DATA}/liver_nonbyte_aligned_deflate.dcm"),
    (f"{_DATA}/liver_nonbyte_aligned.dcm", f"{_DATA}/liver_nonbyte_aligned_j2k.dcm"),
    ("pydicom+pydicom/_history/7f5b020b/pydicom/data/test_files/liver.dcm", f"{_DATA}/liver_rle.dcm"),
]


def unlike(line: Line, corpus: Path) -> str:
    """What of an image is not as the table says; empty where all is."""
    now = columns_of(ours(corpus / line["file"]))
    for name in ("syntax", "shape", "digests"):
        if now[name] != line[name]:
            return f"{name} is {now[name][:60]}, expected {line[name][:60]}"
    for name, within in (("stored", WITHIN), ("rgb", WITHIN if line["stored"] else RGB_WITHIN)):
        if bool(now[name]) != bool(line[name]):
            return f"{name}: there or not"
        if line[name] and apart(now[name], line[name]) > within:
            return f"{name} differs by {apart(now[name], line[name])}"
    return ""


@pytest.mark.parametrize("part", range(PARTS))
def test_samples_are_those_expected(corpus: Path, part: int) -> None:
    wrong = [(line["file"], said) for line in LINES[part::PARTS] if (said := unlike(line, corpus))]
    assert wrong == []


def test_no_image_is_without_a_line(corpus: Path) -> None:
    """Files that nobody decoded when the table was made are decoded by Kerma neither."""
    with MANIFEST.open(encoding="utf-8", newline="") as lines:
        names = [row["path"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]
    assert set(names) >= NAMES
    assert [name for name in names if name not in NAMES and not isinstance(ours(corpus / name), str)] == []


def test_every_difference_has_a_reason() -> None:
    assert [(line["file"], peer, word) for line, peer, word in differences(LINES) if not why(line, peer)] == []


def test_every_reason_has_a_difference() -> None:
    assert {why(line, peer) for line, peer, _ in differences(LINES)} == set(REASONS)


def test_most_images_are_agreed_on() -> None:
    """A table that was made without a peer would hold no promise."""
    assert sum(len(agreed(line)) > 1 for line in LINES) > 1000
    assert {peer for line in LINES for peer in agreed(line)} >= {"pydicom", "pydicom/pylibjpeg", "gdcm", "dcmtk"}


def test_the_page_is_made_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(LINES)


def several(corpus: Path, part: int) -> Iterator[Path]:
    for line in LINES[part::PARTS]:
        if line["syntax"] and not line["shape"].startswith("1x"):
            yield corpus / line["file"]


@pytest.mark.parametrize("part", range(PARTS))
def test_one_frame_is_the_same_as_in_all(corpus: Path, part: int) -> None:
    """The last frame alone, for images of several frames."""
    looked = 0
    for path in several(corpus, part):
        ds = kerma.read(path)
        whole = kerma.pixels.array(ds)
        last = kerma.pixels.frame(ds, len(whole) - 1)
        assert np.array_equal(last, whole[-1], equal_nan=whole.dtype.kind == "f"), path
        looked += 1
    assert looked > 5


@pytest.mark.parametrize("part", range(PARTS))
def test_frames_around_one_that_is_refused(corpus: Path, part: int) -> None:
    """Images that are refused as a whole: each frame by itself is an array or an error that names it."""
    for line in LINES[part::PARTS]:
        if line["syntax"] or line["shape"] != "PixelError":
            continue
        ds = kerma.read(corpus / line["file"])
        try:
            count = kerma.pixels.index(ds).count
        except KermaError:
            continue
        for number in range(min(count, 20)):
            assert named(ds, number) in {number, None}, line["file"]


def named(ds: Dataset, number: int) -> int | None:
    """The frame that the error of frame ``number`` names; None where it has no error, or the image has one."""
    try:
        kerma.pixels.frame(ds, number)
    except PixelError as error:
        return error.frame
    return None


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_twins(corpus: Path, one: str, other: str) -> None:
    """The same image in a syntax that peers decode, and in one that none does."""
    known, found = (kerma.pixels.array(kerma.read(corpus / name)) for name in (one, other))
    assert known.any()
    assert np.array_equal(known, found)
