"""Large data sets: what is not asked for is neither walked nor kept; columns of items and frames."""

from __future__ import annotations

import subprocess
import sys
from array import array
from pathlib import Path
from typing import Any

import pytest
from tests.bench import large

import kerma
from kerma.dataset import Dataset, Sequence, column, per_frame
from kerma.errors import FormatError, TruncatedError, UsageError

FRAMES = 20_000
X = "PlanePositionSlideSequence.XOffsetInSlideCoordinateSystem"
COLUMN = "PlanePositionSlideSequence.ColumnPositionInTotalImagePixelMatrix"


@pytest.fixture(scope="module", params=[True, False], ids=["defined", "undefined"])
def slide(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slide with its functional groups before its pixel data."""
    path = tmp_path_factory.mktemp("slide") / "slide.dcm"
    return large.write_slide(path, defined=request.param, frames=FRAMES, frame_size=100)


def test_a_slide_is_opened_by_its_front(slide: Path) -> None:
    ds = kerma.read(slide)
    assert ds._body.front is not None
    assert (ds.NumberOfFrames, ds.PatientName) == (FRAMES, "Doe^Jane")
    assert "SpecificCharacterSet" not in ds
    assert ds.get("PatientBirthDate") is None
    groups = ds.PerFrameFunctionalGroupsSequence
    assert len(groups) == FRAMES
    assert ds._body.front is not None  # nothing behind was needed
    item = groups[15_000].PlanePositionSlideSequence[0]
    assert item.ColumnPositionInTotalImagePixelMatrix == large.column_of(15_000)
    assert groups[-1].FrameContentSequence[0].DimensionIndexValues == (200, 34)
    assert len(ds) == 18  # which is for the whole
    assert ds._body.front is None
    assert len(ds.fragments_of(0x7FE00010)) == FRAMES + 1
    assert b"".join(ds.chunks()) == slide.read_bytes()[-sum(map(len, ds.chunks())) :]


def test_columns_are_what_the_items_say(slide: Path) -> None:
    ds = kerma.read(slide)
    positions = per_frame(ds, COLUMN)
    assert isinstance(positions.data, array)
    assert list(positions) == [large.column_of(frame) for frame in range(FRAMES)]
    offsets = per_frame(ds, X)
    assert [offsets[frame] for frame in (0, 1, 599, -1)] == [float(large.x_of(f)) for f in (0, 1, 599, FRAMES - 1)]
    indices = per_frame(ds, "FrameContentSequence.DimensionIndexValues")
    assert (indices.width, len(indices), indices[601], indices[3:5]) == (2, FRAMES, (2, 2), [(4, 1), (5, 1)])
    assert set(per_frame(ds, "OpticalPathIdentificationSequence.OpticalPathIdentifier")) == {"1"}
    spacing = per_frame(ds, "PixelMeasuresSequence.PixelSpacing")
    assert spacing.shared
    assert (len(spacing), spacing[FRAMES - 1]) == (FRAMES, (0.00025, 0.00025))
    assert set(per_frame(ds, "FrameContentSequence.StackID")) == {None}
    with pytest.raises(IndexError):
        _ = spacing[FRAMES]


def test_a_changed_item_counts_in_its_column(slide: Path) -> None:
    ds = kerma.read(slide)
    ds.PerFrameFunctionalGroupsSequence[7].PlanePositionSlideSequence[0].ColumnPositionInTotalImagePixelMatrix = -5
    positions = per_frame(ds, COLUMN)
    assert (positions[6], positions[7], positions[8]) == (large.column_of(6), -5, large.column_of(8))


def test_columns_need_names_and_frames(slide: Path) -> None:
    ds = kerma.read(slide)
    with pytest.raises(UsageError, match="did you mean"):
        per_frame(ds, "PlanePositionSlideSequenc.X")
    with pytest.raises(KeyError):
        per_frame(Dataset(), COLUMN)


def test_passing_through_keeps_what_is_changed_or_held(slide: Path) -> None:
    ds = kerma.read(slide)
    groups = ds.PerFrameFunctionalGroupsSequence
    held: list[Any] = []
    for number, item in enumerate(groups):
        if number == 100:
            item.FrameContentSequence[0].StackID = "changed"
        if number == 200:
            held.append(item)
        if number == 300:
            held.append(item.FrameContentSequence[0])
        if number == 400:
            held.append(item.FrameContentSequence)
    assert len(list(groups.touched_items())) < 10
    held[0].FrameType = ["ORIGINAL"]
    held[1].StackID = "held"
    held[2].append(Dataset())
    assert groups[100].FrameContentSequence[0].StackID == "changed"
    assert groups[200] is held[0]
    assert groups[300].FrameContentSequence[0].StackID == "held"
    assert len(groups[400].FrameContentSequence) == 2
    again = Dataset.from_bytes(ds.to_bytes(), ds.transfer_syntax_uid or "")
    back = again.PerFrameFunctionalGroupsSequence
    assert back[100].FrameContentSequence[0].StackID == "changed"
    assert back[300].FrameContentSequence[0].StackID == "held"
    assert (len(back), "FrameType" in back[200]) == (FRAMES, True)


def test_a_long_list_can_be_changed(slide: Path) -> None:
    groups = kerma.read(slide).PerFrameFunctionalGroupsSequence
    kept = groups[5]
    del groups[0]
    assert groups[4] is kept
    groups.insert(0, Dataset())
    groups[1] = Dataset()
    assert (len(groups), groups.changed, len(groups[1])) == (FRAMES, True, 0)
    assert groups[2].PlanePositionSlideSequence[0].ColumnPositionInTotalImagePixelMatrix == large.column_of(2)


def test_a_cut_slide_is_refused_at_once(slide: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(slide.read_bytes()[:-1000])
    with pytest.raises(FormatError):
        kerma.read(cut)


@pytest.mark.parametrize("defined", [True, False])
def test_contours_of_many_lengths(tmp_path: Path, defined: bool) -> None:
    path = large.write_contours(tmp_path / "rt.dcm", defined=defined, count=3_000)
    ds = kerma.read(path)
    items = ds.value_of(0x30060040)
    assert isinstance(items, Sequence)
    uids = column(items, "ContourImageSequence.ReferencedSOPInstanceUID")
    assert list(uids) == [f"1.2.3.{number}" for number in range(3_000)]
    points = column(items, "NumberOfContourPoints")
    assert list(points) == [3 + number % 50 for number in range(3_000)]
    assert list(points) == [item.NumberOfContourPoints for item in items]
    assert ds.ApprovalStatus == "UNAPPROVED"


def test_a_cut_behind_the_front_is_an_error_when_it_is_asked_for(tmp_path: Path) -> None:
    path = large.write_contours(tmp_path / "rt.dcm", defined=False, count=3_000)
    path.write_bytes(path.read_bytes()[:-500_000])
    with pytest.raises(TruncatedError):
        _ = kerma.read(path).ApprovalStatus
    with pytest.raises(TruncatedError):
        list(kerma.read(path))


def test_four_gigabytes_are_opened_in_little_memory(tmp_path: Path) -> None:
    path = large.write_multiframe(tmp_path / "large.dcm")
    assert path.stat().st_size > 4_190_000_000
    ds = kerma.read(path)
    assert (ds.NumberOfFrames, ds.Rows, len(ds)) == (4_000, 1024, 7)
    assert ds["PixelData"].length == 4_000 << 20


GROWTH = """
import sys, kerma, kerma.formats.part10

def most():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

before = most()
ds = kerma.read(sys.argv[1])
assert ds.NumberOfFrames == 180000
opened = most() - before
assert len(ds.PerFrameFunctionalGroupsSequence) == 180000
assert ds.PerFrameFunctionalGroupsSequence[99000].FrameContentSequence
from kerma.dataset import per_frame
assert len(per_frame(ds, "PlanePositionSlideSequence.RowPositionInTotalImagePixelMatrix")) == 180000
print(opened, most() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("defined", [True, False])
def test_the_memory_of_180_000_frames(tmp_path: Path, defined: bool) -> None:
    path = large.write_slide(tmp_path / "slide.dcm", defined=defined, frame_size=64)
    done = subprocess.run([sys.executable, "-c", GROWTH, path], capture_output=True, text=True, check=True)
    opened, all_of_it = map(int, done.stdout.split())
    assert opened < 50 << 10
    assert all_of_it < 50 << 10
