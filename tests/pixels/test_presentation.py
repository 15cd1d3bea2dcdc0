"""Presentation states: for whom they are, what they say instead of the image, shutters, areas, turning, drawing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.dataset import Dataset
from kerma.errors import UsageError
from kerma.pixels import render
from kerma.pixels.icc import cielab_to_srgb

from .images import image, read_back, with_native
from .test_luts import lut
from .test_overlays import with_overlay
from .test_palette import with_palette

STORED = np.arange(24).reshape(4, 6) * 10


def item(**values: Any) -> Any:
    ds: Any = Dataset()
    ds.update(values.items())
    return ds


def picture(**more: Any) -> Any:
    return read_back(with_native(image(4, 6, allocated=8, **more), STORED))


def state(uid: str = "1.2.3", **more: Any) -> Any:
    """A presentation state about the image of that UID."""
    reference = item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.7.3", ReferencedSOPInstanceUID=uid)
    ds = item(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.11.1",
        ReferencedSeriesSequence=[item(SeriesInstanceUID="1.2", ReferencedImageSequence=[reference])],
        PresentationLUTShape="IDENTITY",
    )
    ds.update(more.items())
    return ds


def test_a_state_is_for_the_images_that_it_names() -> None:
    with pytest.raises(UsageError, match="about other images"):
        render(picture(), presentation=state("9.9"))
    with pytest.raises(UsageError, match="no presentation state"):
        render(picture(), presentation=picture())


def test_what_the_state_does_not_say_is_an_identity() -> None:
    ds = picture(photometric="MONOCHROME1", WindowCenter="10", WindowWidth="5", RescaleSlope="2", RescaleIntercept="1")
    assert np.array_equal(render(ds, presentation=state()), STORED)
    assert np.array_equal(render(ds, presentation=state(PresentationLUTShape="INVERSE")), 255 - STORED)
    window = item(WindowCenter="100", WindowWidth="50")
    assert np.array_equal(
        render(ds, presentation=state(SoftcopyVOILUTSequence=[window])),
        render(picture(), window=(100, 50)),
    )
    table = item(PresentationLUTSequence=[lut(0, [0, 0, 255, 255], 8)])
    found = render(ds, presentation=state(PresentationLUTSequence=table.PresentationLUTSequence))
    assert np.array_equal(found, np.where(STORED >= 128, 255, 0))


def test_a_window_for_one_frame_only() -> None:
    ds = read_back(with_native(image(1, 2, frames=2, allocated=8), np.array([[[0, 200]], [[0, 200]]])))
    reference = item(ReferencedSOPInstanceUID="1.2.3")
    reference.add("ReferencedFrameNumber", "IS", ["2"])
    window = item(ReferencedImageSequence=[reference], WindowCenter="1", WindowWidth="2")
    applied = state(SoftcopyVOILUTSequence=[window])
    assert render(ds, 0, presentation=applied).tolist() == [[0, 200]]
    assert render(ds, 1, presentation=applied).tolist() == [[0, 255]]


@pytest.mark.parametrize(("degrees", "times"), [(0, 0), (90, 1), (180, 2), (270, 3)])
@pytest.mark.parametrize("flip", ["N", "Y"])
def test_turning_then_flipping(degrees: int, times: int, flip: str) -> None:
    wanted = np.rot90(STORED, -times)
    wanted = wanted[:, ::-1] if flip == "Y" else wanted
    found = render(picture(), presentation=state(ImageRotation=degrees, ImageHorizontalFlip=flip))
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", ["N", "Y"])
def test_a_point_stays_on_its_pixel(degrees: int, flip: str) -> None:
    black = read_back(with_native(image(40, 60, allocated=8), np.zeros((40, 60))))
    marked = np.zeros((40, 60))
    marked[9, 19] = 200
    bright = read_back(with_native(image(40, 60, allocated=8), marked))
    graphic = item(GraphicAnnotationUnits="PIXEL", GraphicType="POINT", GraphicFilled="N")
    graphic.add("GraphicData", "FL", [20.0, 10.0])
    applied = state(
        ImageRotation=degrees,
        ImageHorizontalFlip=flip,
        GraphicAnnotationSequence=[item(GraphicLayer="A", GraphicObjectSequence=[graphic])],
        DisplayedAreaSelectionSequence=[_area((6, 3), (56, 38))],
    )
    drawn = np.argwhere(render(black, presentation=applied))
    there = np.argwhere(render(bright, presentation=applied, overlays=False))
    assert np.abs(drawn.mean(axis=0) - there[0]).max() <= 1


def _area(first: tuple[int, int], last: tuple[int, int], **more: Any) -> Any:
    ds = item(**more)
    ds.add("DisplayedAreaTopLeftHandCorner", "SL", list(first))
    ds.add("DisplayedAreaBottomRightHandCorner", "SL", list(last))
    return ds


def test_the_displayed_area() -> None:
    inside = render(picture(), presentation=state(DisplayedAreaSelectionSequence=[_area((2, 1), (4, 3))]))
    assert np.array_equal(inside, STORED[0:3, 1:4])
    turned = render(picture(), presentation=state(DisplayedAreaSelectionSequence=[_area((4, 3), (2, 1))]))
    assert np.array_equal(turned, STORED[0:3, 1:4])
    beyond = render(picture(), presentation=state(DisplayedAreaSelectionSequence=[_area((0, 0), (7, 5))]))
    assert np.array_equal(beyond, np.pad(STORED, 1))
    large = _area((1, 1), (6, 4), PresentationSizeMode="MAGNIFY")
    large.add("PresentationPixelMagnificationRatio", "FL", 2.0)
    assert render(picture(), presentation=state(DisplayedAreaSelectionSequence=[large])).shape == (8, 12)
    tall = _area((1, 1), (6, 4))
    tall.add("PresentationPixelAspectRatio", "IS", ["2", "1"])
    applied = state(DisplayedAreaSelectionSequence=[tall])
    assert render(picture(), presentation=applied).shape == (8, 6)
    applied.ImageRotation = 90
    assert render(picture(), presentation=applied).shape == (6, 8)
    large.add("PresentationPixelMagnificationRatio", "FL", 1e30)
    found = render(picture(), presentation=state(DisplayedAreaSelectionSequence=[large]), size=50)
    assert found.shape == (33, 50)
    hostile = state(DisplayedAreaSelectionSequence=[_area((1, 1), (2_000_000_000, 2_000_000_000))])
    assert render(picture(), presentation=hostile).shape == (4, 6)


def test_shutters_leave_what_all_of_them_leave() -> None:
    applied = state(
        ShutterShape=["RECTANGULAR", "CIRCULAR"],
        ShutterLeftVerticalEdge="2",
        ShutterRightVerticalEdge="5",
        ShutterUpperHorizontalEdge="2",
        ShutterLowerHorizontalEdge="4",
        CenterOfCircularShutter=["2", "3"],
        RadiusOfCircularShutter="1",
        ShutterPresentationValue=0x8000,
    )
    kept = np.zeros((4, 6), bool)
    for row, column in ((1, 1), (1, 2), (1, 3), (2, 2)):
        kept[row, column] = True
    assert np.array_equal(render(picture(), presentation=applied), np.where(kept, STORED, 0x80))
    polygon = state(ShutterShape="POLYGONAL", VerticesOfThePolygonalShutter=["1", "1", "1", "3", "3", "3", "3", "1"])
    found = render(picture(), presentation=polygon)
    assert np.array_equal(found[:3, :3], STORED[:3, :3])
    assert not found[3].any()
    assert not found[:, 3:].any()


def test_overlays_are_shown_where_the_state_turns_them_on() -> None:
    plane = np.zeros((1, 4, 6), bool)
    plane[0, 2, 3] = True
    ds = read_back(with_native(with_overlay(image(4, 6, allocated=8), plane), STORED))
    assert np.array_equal(render(ds, presentation=state()), STORED)
    applied = state(GraphicLayerSequence=[item(GraphicLayer="L", GraphicLayerOrder="1")])
    applied.GraphicLayerSequence[0].add("GraphicLayerRecommendedDisplayGrayscaleValue", "US", 0x4000)
    applied.add(0x60001001, "CS", "L")
    assert render(ds, presentation=applied)[2, 3] == 0x40
    assert np.array_equal(render(ds, presentation=applied, overlays=False), STORED)
    own = with_overlay(state(), plane, group=0x6004)
    own.add(0x60041001, "CS", "L")
    assert render(picture(), presentation=own)[2, 3] == 255


def test_graphics_and_text_are_drawn_in_the_colour_of_their_layer() -> None:
    ds = read_back(with_native(image(100, 100, allocated=8), np.zeros((100, 100))))
    graphics = []
    for kind, data in (
        ("CIRCLE", [50, 50, 70, 50]),
        ("ELLIPSE", [10, 20, 30, 20, 20, 15, 20, 25]),
        ("POLYLINE", [5, 95, 95, 95]),
        ("INTERPOLATED", [80, 10, 95, 20, 80, 30, 80, 10]),
        ("POLYLINE", [1]),
        ("SPIRAL", [1, 2, 3, 4]),
    ):
        each = item(GraphicAnnotationUnits="PIXEL", GraphicType=kind, GraphicFilled="N")
        each.add("GraphicData", "FL", [float(number) for number in data])
        graphics.append(each)
    written = item(UnformattedTextValue="Fracture?", BoundingBoxAnnotationUnits="DISPLAY")
    written.add("BoundingBoxTopLeftHandCorner", "FL", [0.1, 0.7])
    written.add("BoundingBoxBottomRightHandCorner", "FL", [0.9, 0.9])
    layer = item(GraphicLayer="A", GraphicLayerOrder="1")
    layer.add("GraphicLayerRecommendedDisplayCIELabValue", "US", [0x8000, 0xD000, 0xD000])  # a red
    applied = state(
        GraphicLayerSequence=[layer],
        GraphicAnnotationSequence=[
            item(GraphicLayer="A", GraphicObjectSequence=graphics, TextObjectSequence=[written]),
        ],
    )
    found = render(ds, presentation=applied)
    assert found.shape == (100, 100, 3)
    lit = found.max(axis=2) > 0
    ring = [(49, 69), (49, 29), (69, 49), (29, 49)]
    assert all(lit[row - 1 : row + 2, column - 1 : column + 2].any() for row, column in ring)
    assert not lit[49, 49]
    assert lit[94, 10:90].all()
    assert lit[70:90, 10:90].sum() > 20
    assert found[94, 50].tolist() == list(cielab_to_srgb((0x8000, 0xD000, 0xD000)))
    assert found[94, 50][0] > 2 * found[94, 50][1:].max()


def test_a_pseudo_colour_state_brings_its_palette() -> None:
    applied = with_palette(state(), [[0, 0xFFFF], [0xFFFF, 0], [0, 0]])
    applied.SOPClassUID = "1.2.840.10008.5.1.4.1.1.11.3"
    ds = read_back(with_native(image(1, 2, allocated=8), np.array([[0, 255]])))
    assert render(ds, presentation=applied).tolist() == [[[0, 255, 0], [255, 0, 0]]]


def test_cielab_ends() -> None:
    assert cielab_to_srgb((65535, 0x8080, 0x8080)) == (255, 255, 255)
    assert cielab_to_srgb((0, 0x8080, 0x8080)) == (0, 0, 0)


_FLOATS = st.floats(width=32) | st.sampled_from([0.0, -1.0, 1.0, 1e38, -1e38, float("inf"), float("nan")])
_WHOLE = st.integers(-(2**31), 2**31 - 1)


@settings(max_examples=60)
@given(data=st.data())
def test_hostile_states_make_a_picture_or_a_typed_error(data: st.DataObject) -> None:
    numbers = st.lists(_FLOATS, max_size=8)
    kinds = st.sampled_from(["POINT", "POLYLINE", "INTERPOLATED", "CIRCLE", "ELLIPSE", "X"])
    units = st.sampled_from(["PIXEL", "DISPLAY", "MATRIX", ""])
    graphic = item(GraphicAnnotationUnits=data.draw(units), GraphicType=data.draw(kinds), GraphicFilled="Y")
    graphic.add("GraphicData", "FL", data.draw(numbers))
    written = item(UnformattedTextValue=data.draw(st.text(max_size=20)), BoundingBoxAnnotationUnits=data.draw(units))
    for name in ("BoundingBoxTopLeftHandCorner", "BoundingBoxBottomRightHandCorner", "AnchorPoint"):
        written.add(name, "FL", data.draw(numbers))
    written.AnchorPointVisibility = "Y"
    area = item(PresentationSizeMode=data.draw(st.sampled_from(["MAGNIFY", "SCALE TO FIT", ""])))
    for name in ("DisplayedAreaTopLeftHandCorner", "DisplayedAreaBottomRightHandCorner"):
        area.add(name, "SL", [data.draw(st.integers(-300, 300) | _WHOLE), data.draw(st.integers(-300, 300) | _WHOLE)])
    area.add("PresentationPixelMagnificationRatio", "FL", data.draw(st.floats(-2, 3) | st.just(float("nan"))))
    applied = state(
        ShutterShape=data.draw(st.sampled_from(["CIRCULAR", "POLYGONAL", "RECTANGULAR", "BITMAP"])),
        ShutterLeftVerticalEdge=data.draw(_WHOLE),
        ShutterRightVerticalEdge=data.draw(_WHOLE),
        ShutterUpperHorizontalEdge=data.draw(_WHOLE),
        ShutterLowerHorizontalEdge=data.draw(_WHOLE),
        CenterOfCircularShutter=[data.draw(_WHOLE), data.draw(_WHOLE)],
        RadiusOfCircularShutter=data.draw(_WHOLE),
        VerticesOfThePolygonalShutter=data.draw(st.lists(_WHOLE, min_size=6, max_size=8)),
        ImageRotation=data.draw(st.integers(0, 65535)),
        ImageHorizontalFlip=data.draw(st.sampled_from(["Y", "N"])),
        DisplayedAreaSelectionSequence=[area],
        GraphicAnnotationSequence=[
            item(GraphicLayer="A", GraphicObjectSequence=[graphic], TextObjectSequence=[written])
        ],
    )
    found = render(picture(), presentation=applied, size=200)
    assert found.dtype == np.dtype("u1")
    assert max(found.shape[:2]) <= 200
