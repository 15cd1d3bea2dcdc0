"""ICC profiles that are made from numbers: what a colour engine says of them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from kerma.pixels import profiles


@pytest.mark.parametrize("name", profiles.NAMES)
def test_a_colour_engine_reads_it(name: str) -> None:
    found = ImageCms.ImageCmsProfile(io.BytesIO(profiles.profile(name)))
    assert found.profile.xcolor_space.strip() == "RGB"
    assert found.profile.profile_description
    assert found.profile.media_white_point is not None


def test_srgb_is_the_one_that_everybody_has() -> None:
    mine = ImageCms.ImageCmsProfile(io.BytesIO(profiles.profile("srgb")))
    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), "u1")
    transform = ImageCms.buildTransform(mine, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    assert transform is not None
    shown = ImageCms.applyTransform(Image.fromarray(picture), transform)
    assert shown is not None
    assert np.abs(np.asarray(shown).astype("i2") - picture).max() <= 1


@pytest.mark.parametrize(
    ("name", "rgb", "expected"),
    [
        ("adobergb", (255, 0, 0), (219, 0, 0)),
        ("adobergb", (0, 255, 0), (144, 255, 60)),
        ("displayp3", (255, 0, 0), (234, 51, 35)),
        ("rommrgb", (255, 0, 0), (179, 70, 26)),
        ("rommrgb", (255, 255, 255), (255, 255, 255)),
    ],
)
def test_known_colours(name: str, rgb: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    found = profiles.to_space(np.array([[rgb]], "u1"), b"", name)[0, 0]
    assert np.abs(found.astype(int) - expected).max() <= 2


def test_a_source_that_is_no_profile_is_taken_for_srgb() -> None:
    grey = np.full((2, 2), 128, "u1")
    assert np.array_equal(profiles.to_space(grey, b"x" * 200, "adobergb"), profiles.to_space(grey, b"", "adobergb"))
