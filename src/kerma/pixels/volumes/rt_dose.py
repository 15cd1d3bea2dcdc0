"""RT Dose with its grid (PS3.3 C.8.8.3).

May touch data sets only. Rules: values are stored values times Dose Grid Scaling, in Dose Units, as 64-bit floats; the
planes lie where Grid Frame Offset Vector says, in order of place.
"""

from __future__ import annotations

from dataclasses import replace

from kerma.dataset import Dataset
from kerma.errors import PixelError
from kerma.limits import Limits
from kerma.pixels.attributes import number, text
from kerma.pixels.volumes.building import volume
from kerma.pixels.volumes.grid import Volume

_LIMITS = Limits()


def dose(ds: Dataset, *, limits: Limits = _LIMITS) -> Volume:
    """The dose of an RT Dose object, in ``unit`` (GY, or RELATIVE)."""
    if text(ds, "Modality") != "RTDOSE":
        raise PixelError("this is no RT Dose", hint="volume() takes images")
    scaling = number(ds, "DoseGridScaling")
    if scaling is None or scaling <= 0:
        raise PixelError("there is no Dose Grid Scaling, without which the values mean nothing")
    stored = volume(ds, rescale=False, limits=limits)
    return replace(stored, array=stored.array * float(scaling), unit=text(ds, "DoseUnits").upper())
