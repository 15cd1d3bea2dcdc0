"""Standardized uptake values of PET series (PS3.3 C.8.9.1, C.8.9.4; the vendor-neutral rules of QIBA).

May touch data sets only. Rules: an uptake that cannot be known is a ``PixelError`` that names what is missing, never a
guess; what had to be assumed is a ``Finding``. Weight is in kg, size in cm, dose in Bq, time in seconds. The kinds have
the names of SUV Type (0054,1006): BW by body weight, LBM by lean body mass (James, 120 for men), LBMJAMES128 the same
with 128, LBMJANMA (Janmahasatian), BSA by body surface (Du Bois), IBW by ideal weight.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from kerma.dataset import Dataset
from kerma.errors import KermaError, PixelError, UsageError
from kerma.findings import Finding
from kerma.pixels.attributes import first_of, items, number, text, value_of
from kerma.pixels.volumes.grid import Volume

KINDS = ("BW", "LBM", "LBMJAMES128", "LBMJANMA", "BSA", "IBW")
_UNITS = {"BSA": "cm2/ml{SUVbsa}"}
_DAY = timedelta(days=1)


def suv(volume: Volume, kind: str = "BW") -> Volume:
    """The volume of a PET series in SUV, as 32-bit floats. ``volume`` has its rescale applied or known.

    ``PixelError`` where an attribute that is needed is not there.
    """
    kind = kind.upper()
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is no kind of SUV", hint=", ".join(KINDS))
    if not volume.datasets:
        raise UsageError("SUV needs the data sets that the volume was made of")
    findings = list(volume.findings)
    scale = suv_factor(volume.datasets[0], kind, findings, _earliest(volume.datasets))
    array = volume.values().astype("f4") * np.float32(scale)
    unit = _UNITS.get(kind, f"g/ml{{SUV{kind.lower()}}}")
    return replace(volume, array=array, unit=unit, slope=1.0, intercept=0.0, findings=findings)


def suv_factor(
    ds: Dataset, kind: str = "BW", findings: list[Finding] | None = None, earliest: datetime | None = None
) -> float:
    """What a rescaled value of the series is to be multiplied with. ``earliest`` is its earliest acquisition."""
    notes = [] if findings is None else findings
    if text(ds, "Modality") != "PT":
        raise PixelError("SUV are of PET images, and this is none")
    units = text(ds, "Units").upper()
    if units in {"GML", "CM2ML"}:
        have = text(ds, "SUVType").upper() or ("BSA" if units == "CM2ML" else "BW")
        return _body(ds, kind) / _body(ds, have) if have != kind else 1.0
    activity = 1.0
    if units == "CNTS":
        by_weight, activity = _philips(ds)
        if by_weight:
            return by_weight * (_body(ds, kind) / _body(ds, "BW") if kind != "BW" else 1.0)
    elif units != "BQML":
        raise PixelError(f"Units are {units or 'not told'}, from which no SUV follows", hint="BQML, GML, CM2ML or CNTS")
    return activity * _body(ds, kind) / _dose(ds, notes, earliest)


def _philips(ds: Dataset) -> tuple[float, float]:
    """Philips' factors for counts: (to SUV by body weight, to Bq/ml); one of them is 0 or both are needed."""
    found = []
    for element in (0x00, 0x09):
        try:
            value = first_of(ds.private_block(0x7053, "Philips PET Private Group").get(element))
        except (KeyError, KermaError):
            value = None
        found.append(float(value) if isinstance(value, int | float) else 0.0)
    if not any(found):
        raise PixelError("the values are counts, and Philips' factors (7053,xx00) and (7053,xx09) are not there")
    return found[0], found[1]


def _body(ds: Dataset, kind: str) -> float:
    """What an uptake is set in proportion to: grams, or square centimetres."""
    weight = number(ds, "PatientWeight") or 0.0
    if kind == "BW":
        if weight <= 0:
            raise PixelError("there is no Patient's Weight, which SUV need")
        return weight * 1000
    size, sex = (number(ds, "PatientSize") or 0.0) * 100, text(ds, "PatientSex").upper()
    if size <= 0 or (weight <= 0 and kind != "IBW"):
        raise PixelError(f"SUV by {kind} need Patient's Size and Weight")
    if kind == "BSA":
        return float(0.007184 * weight**0.425 * size**0.725 * 10_000)
    if sex not in {"M", "F"}:
        raise PixelError(f"SUV by {kind} need Patient's Sex")
    man = sex == "M"
    index = weight / (size / 100) ** 2
    slender = (weight / size) ** 2
    mass = {
        "LBM": 1.10 * weight - 120 * slender if man else 1.07 * weight - 148 * slender,
        "LBMJAMES128": 1.10 * weight - 128 * (weight / size) ** 2 if man else 1.07 * weight - 148 * slender,
        "LBMJANMA": 9270 * weight / (6680 + 216 * index) if man else 9270 * weight / (8780 + 244 * index),
        "IBW": 48.0 + 1.06 * (size - 152) if man else 45.5 + 0.91 * (size - 152),
    }[kind]
    if mass <= 0:
        raise PixelError(f"Patient's Size and Weight give no {kind}")
    return mass * 1000


def _dose(ds: Dataset, findings: list[Finding], earliest: datetime | None) -> float:
    """The dose that was there at the time that the values were corrected for decay to, in Bq."""
    corrected = value_of(ds, "CorrectedImage")
    words = set(corrected) if isinstance(corrected, tuple) else {corrected}
    if "DECY" not in words and text(ds, "DecayCorrection").upper() not in {"START", "ADMIN"}:
        raise PixelError("the values are not corrected for decay (Corrected Image has no DECY)")
    if "ATTN" not in words:
        findings.append(
            Finding("no-attenuation", "the values are not corrected for attenuation", section="PS3.3 C.8.9.1")
        )
    drug = next(iter(items(ds, "RadiopharmaceuticalInformationSequence")), None)
    if drug is None:
        raise PixelError("there is no Radiopharmaceutical Information Sequence")
    dose, half_life = number(drug, "RadionuclideTotalDose") or 0.0, number(drug, "RadionuclideHalfLife") or 0.0
    if dose <= 0 or half_life <= 0:
        raise PixelError("Radionuclide Total Dose or Half Life is missing")
    if dose < 1e4:  # no patient is given so little: some devices write MBq, and a guess would be a wrong uptake
        raise PixelError(
            f"a Radionuclide Total Dose of {dose:g} Bq cannot be", hint="set it in Bq (PS3.3 C.8.9.4); it may be in MBq"
        )
    correction = text(ds, "DecayCorrection").upper()
    if correction == "ADMIN":
        return dose
    if correction != "START":
        raise PixelError(f"Decay Correction is {correction or 'not told'}", hint="START or ADMIN can be")
    start = _scan_start(ds, earliest, findings)
    given = _given(drug, start)
    waited = (start - given).total_seconds()
    if not 0 <= waited < 10 * half_life:
        raise PixelError(f"the dose was given {waited:,.0f} seconds before the scan began, which cannot be")
    return float(dose * 2 ** (-waited / half_life))


def _scan_start(ds: Dataset, earliest: datetime | None, findings: list[Finding]) -> datetime:
    """When the scan began: the series, unless that was made after it; then what GE says, or the first acquisition."""
    series = _moment(ds, "SeriesDate", "SeriesTime")
    first = earliest or _moment(ds, "AcquisitionDate", "AcquisitionTime")
    if series is not None and (first is None or series <= first):
        return series
    try:
        private = first_of(ds.private_block(0x0009, "GEMS_PETD_01").get(0x0D))
        if private:
            return _naive(private.datetime())
    except (KeyError, AttributeError, KermaError, ValueError):
        private = None
    if first is None:
        raise PixelError("neither series nor acquisition tell when the scan began")
    findings.append(Finding("series-time", "the series is younger than its acquisition, which is taken as the start"))
    return first


def _given(drug: Dataset, start: datetime) -> datetime:
    """When the dose was given. A time without a date is on the day of the scan, or the day before."""
    moment = value_of(drug, "RadiopharmaceuticalStartDateTime")
    if moment is not None:
        try:
            found = _naive(moment.datetime())
        except (AttributeError, KermaError, ValueError):
            found = None
        if found is not None and timedelta(0) <= start - found < 7 * _DAY:
            return found
    clock = _time(value_of(drug, "RadiopharmaceuticalStartTime"))
    if clock is None:
        raise PixelError("there is no Radiopharmaceutical Start Time")
    found = datetime.combine(start.date(), clock)
    return found if found <= start else found - _DAY


def _earliest(datasets: tuple[Dataset, ...]) -> datetime | None:
    found = [_moment(ds, "AcquisitionDate", "AcquisitionTime") for ds in datasets]
    return min((each for each in found if each is not None), default=None)


def _moment(ds: Dataset, date: str, time: str) -> datetime | None:
    day, clock = value_of(ds, date), _time(value_of(ds, time))
    try:
        return None if day is None or clock is None else datetime.combine(day.date(), clock)
    except (AttributeError, KermaError, ValueError, TypeError):
        return None


def _time(value: Any) -> Any:
    try:
        return None if value is None else value.time().replace(tzinfo=None)
    except (AttributeError, KermaError, ValueError):
        return None


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)
