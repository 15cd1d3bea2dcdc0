"""Parameters of rendered resources, and which form an asker gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.dicomweb.accept import parse_accept
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.rendered import MAX_AREA, THUMBNAILS, Kind, Viewport, choose, parse, parse_uri

NAMES = ("window", "viewport", "quality", "annotation", "iccprofile", "charset")


def test_nothing_said_is_the_default() -> None:
    found = parse([])
    assert (found.window, found.viewport, found.quality, found.iccprofile) == (None, None, 90, "no")


def test_all_of_them() -> None:
    said = [
        ("window", "40.5,400,Sigmoid"),
        ("viewport", "10,20,1,2,-3.5,4"),
        ("quality", "50"),
        ("annotation", "technique,patient"),
        ("iccprofile", "sRGB"),
        ("charset", "ISO-8859-1, *;q=0.1"),
        ("other", "ignored"),
    ]
    found = parse(said)
    assert (found.window, found.function) == ((40.5, 400.0), "SIGMOID")
    assert found.viewport == Viewport(10, 20, 1.0, 2.0, 3.5, 4.0, flip_horizontal=True)
    assert (found.quality, found.annotation) == (50, frozenset({"patient", "technique"}))
    assert (found.iccprofile, found.charset) == ("srgb", "iso-8859-1")


@pytest.mark.parametrize(
    ("accept", "kind", "expected"),
    [
        (None, Kind.STILL, ("image/jpeg", False)),
        ("*/*", Kind.REPORT, ("text/html", False)),
        ("image/*,*/*", Kind.REPORT, ("image/jpeg", False)),
        ("image/*,*/*", Kind.VIDEO, ("image/jpeg", False)),
        ("*/*", Kind.VIDEO, ("video/mp4", False)),
        ("image/png, image/jpeg", Kind.STILL, ("image/png", False)),
        ("image/png;q=0.5, image/jpeg", Kind.STILL, ("image/jpeg", False)),
        ("image/jpeg;q=0, */*", Kind.STILL, ("image/png", False)),
        ("image/avif,image/webp,image/*,*/*;q=0.8", Kind.STILL, ("image/webp", False)),
        ('multipart/related; type="image/png"', Kind.MOVING, ("image/png", True)),
        ('multipart/related; type="image/jpeg", */*;q=0.1', Kind.STILL, ("image/jpeg", True)),
        ("application/pdf, text/html", Kind.DOCUMENT, ("application/pdf", False)),
    ],
)
def test_what_is_chosen(accept: str | None, kind: Kind, expected: tuple[str, bool]) -> None:
    assert choose(parse_accept(accept), kind.media_types) == expected


def test_nothing_fits() -> None:
    with pytest.raises(HTTPProblem) as caught:
        choose(parse_accept("application/dicom"), THUMBNAILS)
    assert caught.value.status == 406


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=40)), max_size=8), st.booleans())
def test_any_text_is_understood_or_refused(said: list[tuple[str, str]], thumbnail: bool) -> None:
    try:
        found = parse(said, thumbnail=thumbnail)
    except HTTPProblem:
        return
    if found.viewport is not None:
        assert 0 < found.viewport.vw * found.viewport.vh <= MAX_AREA
    assert 1 <= found.quality <= 100


NUMBER = st.floats(0, 1e6) | st.integers(0, 5000)


@given(NUMBER, NUMBER, NUMBER | st.none(), NUMBER | st.none(), st.integers(1, 3000), st.integers(1, 3000))
def test_a_part_lies_in_the_picture(
    sx: float, sy: float, sw: float | None, sh: float | None, width: int, height: int
) -> None:
    try:
        left, top, right, bottom = Viewport(1, 1, sx, sy, sw, sh).region(width, height)
    except HTTPProblem:
        return
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


def test_parameters_of_the_uri_service() -> None:
    said = [("windowCenter", "40"), ("windowWidth", "400"), ("rows", "100"), ("imageQuality", "70")]
    found = parse_uri([*said, ("region", "0.25,0,0.5,1"), ("annotation", "patient")])
    assert (found.window, found.function, found.quality) == ((40.0, 400.0), "LINEAR", 70)
    assert found.viewport is not None
    assert found.viewport.vh == 100
    assert found.cut(200, 100) == (50, 0, 100, 100)
    assert parse_uri([]) == parse([])


@pytest.mark.parametrize(
    "said",
    [("windowCenter", "1"), ("region", "0,0,1"), ("region", "0.5,0,0.5,1"), ("region", "0,0,2,1"), ("rows", "x")],
)
def test_parameters_of_the_uri_service_that_cannot_be_meant(said: tuple[str, str]) -> None:
    with pytest.raises(HTTPProblem) as caught:
        parse_uri([said])
    assert caught.value.status == 400


@given(st.tuples(*[st.floats(0, 1)] * 4), st.integers(1, 3000), st.integers(1, 3000))
def test_a_region_is_never_empty(region: tuple[float, ...], width: int, height: int) -> None:
    try:
        found = parse_uri([("region", ",".join(map(repr, region)))])
    except HTTPProblem:
        return
    left, top, right, bottom = found.cut(width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
