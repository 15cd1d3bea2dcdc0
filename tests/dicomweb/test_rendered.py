"""Parameters of rendered resources, and which form an asker gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.dicomweb.accept import parse_accept
from kerma.dicomweb.problems import HTTPProblem
from kerma.dicomweb.rendered import MAX_AREA, THUMBNAILS, Kind, Viewport, choose, parse

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
