"""Whole slides: regions beside highdicom, sparse and full tiles, only what is needed is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.pixels.images import image, ramp, with_native

import kerma
from kerma.dataset import Dataset
from kerma.errors import LimitError, PixelError, UsageError
from kerma.limits import Limits
from kerma.pixels import volumes

SLIDES = [
    "ImagingDataCommons+highdicom/data/test_files/sm_image_control.dcm",
    "ImagingDataCommons+highdicom/data/test_files/sm_image_grayscale.dcm",
    "ImagingDataCommons+highdicom/data/test_files/sm_image_jpegls_nobot.dcm",
    "ImagingDataCommons+highdicom/data/test_files/sm_image_numbers.dcm",
]


@pytest.mark.corpus
@pytest.mark.parametrize("name", SLIDES)
def test_regions_as_highdicom_reads_them(name: str, corpus: Path) -> None:
    import highdicom

    theirs = highdicom.imread(corpus / name)
    whole = theirs.get_total_pixel_matrix(apply_palette_color_lut=False, apply_icc_profile=False)
    slide = volumes.Slide(kerma.read(corpus / name))
    level = slide.levels[0]
    assert level.shape == whole.shape
    assert np.array_equal(slide.region(0, 0, *slide.size), whole)
    assert np.array_equal(level.region(7, 13, 29, 11), whole[13:24, 7:36])
    edge = level.region(45, 45, 10, 10)
    assert np.array_equal(edge[:5, :5], whole[45:, 45:])
    assert (edge[5:] == (255 if whole.ndim == 3 else 0)).all()


@pytest.mark.corpus
@pytest.mark.parametrize(
    "name", ["seg_image_sm_dots.dcm", "seg_image_sm_dots_tiled_full.dcm", "seg_image_sm_numbers.dcm"]
)
def test_segments_of_a_slide(name: str, corpus: Path) -> None:
    import highdicom

    path = corpus / "ImagingDataCommons+highdicom/data/test_files" / name
    theirs = highdicom.seg.segread(path).get_total_pixel_matrix(combine_segments=False)
    level = volumes.Level(kerma.read(path))
    for segment in range(theirs.shape[-1]):
        assert np.array_equal(level.region(0, 0, *level.size, path=segment), theirs[..., segment])


def tiled(columns: int = 10, rows: int = 7, tile: int = 4, **more: Any) -> tuple[Any, Any]:
    """A grey TILED_FULL level and its pixels."""
    across, down = -(-columns // tile), -(-rows // tile)
    whole = ramp((down * tile, across * tile), 8)
    ds = image(
        tile,
        tile,
        frames=across * down,
        allocated=8,
        TotalPixelMatrixColumns=columns,
        TotalPixelMatrixRows=rows,
        ImageType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        DimensionOrganizationType="TILED_FULL",
        **more,
    )
    frames = [whole[r * tile : (r + 1) * tile, c * tile : (c + 1) * tile] for r in range(down) for c in range(across)]
    return with_native(ds, np.stack(frames)), whole[:rows, :columns]


def test_every_region() -> None:
    ds, whole = tiled()
    level = volumes.Level(ds)
    assert (level.size, level.tiles, level.tile_size) == ((10, 7), (3, 2), (4, 4))
    padded = np.zeros((7 + 10, 10 + 10), "u1")
    padded[5:12, 5:15] = whole
    for x in range(-5, 10):
        for y in range(-5, 7):
            assert np.array_equal(level.region(x, y, 5, 5), padded[y + 5 : y + 10, x + 5 : x + 10])


def test_only_the_tiles_that_are_needed_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    ds, whole = tiled()
    level = volumes.Level(ds)
    decoded: list[int] = []
    from kerma.pixels import decoding

    def watched(found: Any, number: int, **more: Any) -> Any:
        decoded.append(number)
        return decoding.decode_frame(found, number, **more)

    monkeypatch.setattr("kerma.pixels.volumes.slides.decode_frame", watched)
    assert np.array_equal(level.region(5, 1, 4, 2), whole[1:3, 5:9])
    assert decoded == [1, 2]


def sparse(places: list[tuple[int, int]], tile: int = 4) -> Any:
    ds, _ = tiled(tile=tile)
    ds.NumberOfFrames = len(places)
    ds.DimensionOrganizationType = "TILED_SPARSE"
    groups = []
    for column, row in places:
        place, group = Dataset(), Dataset()
        place.ColumnPositionInTotalImagePixelMatrix = column + 1
        place.RowPositionInTotalImagePixelMatrix = row + 1
        group.PlanePositionSlideSequence = [place]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    return with_native(ds, np.stack([np.full((tile, tile), n + 1) for n in range(len(places))]))


def test_sparse_tiles() -> None:
    level = volumes.Level(sparse([(8, 0), (0, 4)]))
    assert (level.frame_of(2, 0), level.frame_of(0, 1), level.frame_of(1, 1)) == (0, 1, None)
    assert (level.tile(1, 1) == 0).all()
    whole = level.region(0, 0, 10, 7)
    assert (whole[:4, 8:] == 1).all()
    assert (whole[4:, :4] == 2).all()
    assert int((whole != 0).sum()) == 8 + 12
    off_grid = volumes.Level(sparse([(3, 2)])).region(0, 0, 10, 7)
    assert (off_grid[2:6, 3:7] == 1).all()
    assert int((off_grid != 0).sum()) == 16


def test_levels_are_sorted_and_chosen() -> None:
    fine, _ = tiled()
    coarse, _ = tiled(5, 4)
    for ds, spacing in ((fine, "0.001"), (coarse, "0.002")):
        measures, shared = Dataset(), Dataset()
        measures.PixelSpacing = [spacing, spacing]
        shared.PixelMeasuresSequence = [measures]
        ds.SharedFunctionalGroupsSequence = [shared]
    label = image(2, 2, ImageType=["ORIGINAL", "PRIMARY", "LABEL", "NONE"])
    slide = volumes.Slide([coarse, label, fine])
    assert [level.size for level in slide.levels] == [(10, 7), (5, 4)]
    assert slide.label is label
    assert slide.level_for(0.0021) is slide.levels[1]
    assert slide.level_for(0.0015) is slide.levels[0]
    assert slide.level_for(0.0001) is slide.levels[0]


def test_what_cannot_be_meant() -> None:
    ds, _ = tiled()
    level = volumes.Level(ds)
    with pytest.raises(UsageError, match="holds nothing"):
        level.region(0, 0, 0, 5)
    with pytest.raises(UsageError, match="no tile"):
        level.tile(3, 0)
    with pytest.raises(UsageError, match="no level"):
        volumes.Slide(ds).region(0, 0, 1, 1, level=4)
    with pytest.raises(LimitError):
        volumes.Level(ds, limits=Limits(max_frame=50)).region(0, 0, 10, 7)
    with pytest.raises(UsageError, match="none of the images"):
        volumes.Slide([])
    few, _ = tiled()
    few.NumberOfFrames = 5
    with pytest.raises(PixelError, match="5 frames"):
        volumes.Level(few)
    with pytest.raises(PixelError, match="TotalPixelMatrixColumns"):
        volumes.Level(image(2, 2, PixelData=b"\0" * 8))
    nowhere = sparse([(0, 0)])
    nowhere.PerFrameFunctionalGroupsSequence = []
    with pytest.raises(PixelError, match="where the tile lies"):
        volumes.Level(nowhere).tile(0, 0)
