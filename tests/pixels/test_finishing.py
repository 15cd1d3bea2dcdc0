"""What is done to a picture last."""

from __future__ import annotations

import numpy as np
import pytest

from kerma.pixels.finishing import burned, mirrored, part_of
from kerma.pixels.pages import icon, text_page


def test_part_and_mirror() -> None:
    picture = np.arange(12, dtype="u1").reshape(3, 4)
    assert part_of(picture, 1, 0, 3, 2).tolist() == [[1, 2], [5, 6]]
    assert mirrored(picture, horizontal=True, vertical=False)[0].tolist() == [3, 2, 1, 0]
    assert mirrored(picture, horizontal=False, vertical=True)[0].tolist() == [8, 9, 10, 11]


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (500, 3), (64, 64), (200, 300, 3)])
def test_text_keeps_the_shape_and_the_picture_given(shape: tuple[int, ...]) -> None:
    picture = np.full(shape, 90, "u1")
    found = burned(picture, ["Doe Jane", "ID 1"], ["CT", "漢字 \x00\n x" * 50])
    assert found.shape == shape
    assert (picture == 90).all()


def test_no_lines_no_change() -> None:
    picture = np.zeros((4, 4), "u1")
    assert burned(picture, [], []) is picture


def test_a_page_and_an_icon_are_bounded() -> None:
    page = text_page((number % 100, "word " * 500) for number in range(100_000))
    assert page.shape[0] < 10_000
    assert page.shape[1] == 900
    assert icon("x" * 300, "y " * 300).shape == (512, 512, 3)
    assert icon("", "").shape == (512, 512, 3)
