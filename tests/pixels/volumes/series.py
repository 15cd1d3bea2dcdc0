"""Series made for the tests of volumes: slices with any place, time and values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.pixels.images import image, with_native

Array = NDArray[Any]

ROWS, COLUMNS = 5, 7


def values(number: int, time: int = 0) -> Array:
    """The samples of a slice, unlike those of every other."""
    return np.arange(ROWS * COLUMNS, dtype="i4").reshape(ROWS, COLUMNS) + 100 * number + 10_000 * time


def one(position: tuple[float, float, float], samples: Array, number: int = 1, **more: Any) -> Any:
    """One slice of a CT at a place."""
    said: dict[str, Any] = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "Modality": "CT",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "FrameOfReferenceUID": "1.2.3.5",
        "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
        "ImagePositionPatient": [f"{each:.6g}" for each in position],
        "PixelSpacing": ["2", "0.5"],
        "SliceThickness": "3",
        "InstanceNumber": str(number),
        **more,
    }
    ds = image(*samples.shape, **said)
    ds.SOPInstanceUID = f"1.2.3.4.{number}"
    return with_native(ds, samples)


def stack(count: int, step: tuple[float, float, float] = (0, 0, 3), **more: Any) -> list[Any]:
    """``count`` slices whose instance numbers run against their places."""
    return [
        one((10 + n * step[0], 20 + n * step[1], 30 + n * step[2]), values(n), number=count - n, **more)
        for n in range(count)
    ]
