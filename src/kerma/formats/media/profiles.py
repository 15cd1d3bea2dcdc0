"""Application profiles (PS3.11): which instances a file-set may have, in which transfer syntaxes, with which keys.

A profile is a row: SOP classes with their transfer syntaxes, keys of directory records beyond those of PS3.3 F.5, and a
few rules for values of the images. Names end as the standard prints them; where it prints ``xxxx`` for the medium
(STD-CTMR-xxxx, STD-US-ID-SF-xxxx), any ending is taken, because files are the same on all of them. What PS3.11 says of
the physical medium and its file system is not in the files and not checked; the secure profiles (STD-GEN-SEC-CD and
others) want files inside a CMS envelope and are not here.

Key types are those of ``types``: ``1C`` where the instance has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from kerma.dataset import Dataset
from kerma.errors import UsageError
from kerma.formats.media import types
from kerma.standard import sop_classes, transfer_syntaxes, uids

Keys = tuple[tuple[int, str], ...]

_EXPLICIT = transfer_syntaxes.EXPLICIT_LE.uid
_LOSSLESS, _BASELINE, _EXTENDED = (f"1.2.840.10008.1.2.4.{number}" for number in (70, 50, 51))
_J2K = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
_RLE = "1.2.840.10008.1.2.5"
_JPEG = (_LOSSLESS, _BASELINE, _EXTENDED)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value of an image must be: one of ``allowed``, or at most ``most``; or just there."""

    keyword: str
    allowed: tuple[Any, ...] = ()
    most: int | None = None

    def broken_by(self, ds: Dataset) -> str:
        """Why ``ds`` does not keep it, "" where it does."""
        value = ds.get(self.keyword)
        if value is None or value == []:
            return f"no {self.keyword}"
        if self.allowed and value not in self.allowed:
            return f"{self.keyword} is none of {', '.join(map(str, self.allowed))}"
        if self.most is not None and not (isinstance(value, int) and value <= self.most):
            return f"{self.keyword} is beyond {self.most}"
        return ""


@dataclass(frozen=True, slots=True)
class Profile:
    """One application profile. ``classes`` maps SOP classes to transfer syntaxes; None is every storage class, in
    ``syntaxes``, of which None is every one.
    """

    name: str
    section: str
    title: str
    classes: Mapping[str, tuple[str, ...]] | None
    syntaxes: tuple[str, ...] | None = (_EXPLICIT,)
    keys: Mapping[str, Keys] = field(default_factory=dict)
    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    icons: bool = False
    """Whether IMAGE records must have an icon."""

    def faults(self, ds: Dataset, sop_class_uid: str, transfer_syntax_uid: str) -> list[str]:
        """Why an instance has no place in a file-set of this profile, as sentences."""
        allowed = self._syntaxes_of(sop_class_uid)
        if allowed == ():
            return [f"{self.name} has no place for {uids.name_of(sop_class_uid) or 'its SOP class'}"]
        found = []
        if allowed is not None and transfer_syntax_uid not in allowed:
            names = " or ".join(uids.name_of(uid) for uid in allowed)
            found.append(f"{self.name} wants {names}, not {uids.name_of(transfer_syntax_uid) or transfer_syntax_uid}")
        broken = (rule.broken_by(ds) for rule in self.rules.get(sop_class_uid, ()))
        return found + [f"{self.name}: {text}" for text in broken if text]

    def _syntaxes_of(self, sop_class_uid: str) -> tuple[str, ...] | None:
        """The transfer syntaxes for a class; () where it is not allowed, None where every one is."""
        if self.classes is not None:
            return self.classes.get(sop_class_uid, ())
        return self.syntaxes if sop_classes.is_storage(sop_class_uid) else ()


def get(name: str) -> Profile:
    """The profile of that name, in any case; ``UsageError`` names those that there are."""
    for pattern, profile in _patterns():
        if pattern.fullmatch(name.upper()):
            return profile
    raise UsageError(f"no application profile {name[:40]!r} is known", hint=f"there are {', '.join(names())}")


def names() -> list[str]:
    """The names of all profiles; ``xxxx`` stands for any medium."""
    return [profile.name for profile in _table()]


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Profile], ...]:
    return tuple(
        (re.compile(re.escape(profile.name).replace("xxxx", r"[A-Z0-9-]+(?<!-)")), profile) for profile in _table()
    )


def _uid(keyword: str) -> str:
    uid = uids.uid_of(keyword)
    assert uid is not None, keyword
    return uid


def _classes(words: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    return {_uid(keyword): syntaxes for names, syntaxes in words for keyword in names.split()}


@cache
def _table() -> tuple[Profile, ...]:
    return (*_angiography(), *_ultrasound(), *_general(), *_special())


_TABLE_A_B = {
    "PATIENT": "2 PatientBirthDate, 2 PatientSex",
    "SERIES": "2 InstitutionName, 2 InstitutionAddress, 2 PerformingPhysicianName",
    "IMAGE": "1 ImageType, 2 CalibrationImage, 1C ReferencedImageSequence, 1C LossyImageCompressionRatio",
}
_TABLE_H_J_M = {
    "PATIENT": "1C PatientBirthDate, 1C PatientSex",
    "SERIES": "1C InstitutionName, 1C InstitutionAddress, 1C PerformingPhysicianName",
    "IMAGE": "1 Rows, 1 Columns, 1C ImageType, 1C CalibrationImage, 1C LossyImageCompressionRatio, "
    "1C FrameOfReferenceUID, 1C SynchronizationFrameOfReferenceUID, 1C NumberOfFrames, 1C AcquisitionTimeSynchronized, "
    "1C AcquisitionDateTime, 1C ReferencedImageSequence, 1C ImagePositionPatient, 1C ImageOrientationPatient, "
    "1C PixelSpacing",
}
_TABLE_I = {**_TABLE_H_J_M, "IMAGE": "1 Rows, 1 Columns, 1C ImageType, 1C LossyImageCompressionRatio"}
_TABLE_D = {"IMAGE": "1C ImageType, 1C ReferencedImageSequence"}
_TABLE_E = {
    "IMAGE": "1 Rows, 1 Columns, 1C ReferencedImageSequence, 1C ImagePositionPatient, 1C ImageOrientationPatient, "
    "1C FrameOfReferenceUID, 1C PixelSpacing"
}


def _keyed(table: Mapping[str, str]) -> dict[str, Keys]:
    return {name: types.keys_of(text) for name, text in table.items()}


def _angiography() -> list[Profile]:
    image, capture = _uid("XRayAngiographicImageStorage"), _uid("SecondaryCaptureImageStorage")
    state = "GrayscaleSoftcopyPresentationStateStorage"
    basic = (Rule("Rows", most=512), Rule("Columns", most=512), Rule("BitsStored", allowed=(8,)))
    fine = (Rule("Rows", most=1024), Rule("Columns", most=1024), Rule("BitsStored", allowed=(8, 10, 12)))
    secondary = (
        Rule("Rows", most=1024),
        Rule("Columns", most=1024),
        Rule("PhotometricInterpretation", allowed=("MONOCHROME2",)),
        Rule("BitsStored", allowed=(8,)),
    )
    others = (f"SecondaryCaptureImageStorage {state}", (_EXPLICIT,))
    keys, rules = _keyed(_TABLE_A_B), {image: fine, capture: secondary}
    title = "1024 X-ray angiography"
    return [
        Profile(
            "STD-XABC-CD", "A", "Basic cardiac X-ray", {image: (_LOSSLESS,)}, None, keys, {image: basic}, icons=True
        ),
        Profile("STD-XA1K-CD", "B", title, {image: (_LOSSLESS,), **_classes([others])}, None, keys, rules, icons=True),
        Profile("STD-XA1K-DVD", "B", title, {image: _JPEG, **_classes([others])}, None, keys, rules, icons=True),
    ]


def _ultrasound() -> list[Profile]:
    still, moving = "UltrasoundImageStorage", "UltrasoundMultiFrameImageStorage"
    syntaxes = (_EXPLICIT, _RLE, _BASELINE)
    made = []
    for use, title in (("ID", "image display"), ("SC", "spatial calibration"), ("CC", "combined calibration")):
        for kind, words in (("SF", still), ("MF", f"{still} {moving}")):
            classes = _classes([(words, syntaxes)])
            rules = {} if use == "ID" else dict.fromkeys(classes, (Rule("SequenceOfUltrasoundRegions"),))
            made.append(Profile(f"STD-US-{use}-{kind}-xxxx", "C", f"Ultrasound, {title}", classes, None, {}, rules))
    return made


def _general() -> list[Profile]:
    keys, wide = _keyed(_TABLE_D), _keyed(_TABLE_H_J_M)
    made = [Profile(f"STD-GEN-{medium}", "D", "General purpose", None, keys=keys) for medium in ("CD", "DVD-RAM", "BD")]
    made.append(Profile("STD-GEN-MIME", "G", "General purpose, MIME", None, None))
    media = [("H", "DVD"), *(("J", medium) for medium in ("USB", "MMC", "CF", "SD")), ("M", "BD")]
    for section, medium in media:
        for suffix, syntaxes in (("JPEG", _JPEG), ("J2K", _J2K)):
            title = f"General purpose with {'JPEG' if suffix == 'JPEG' else 'JPEG 2000'}"
            name = f"STD-GEN-{medium}-{suffix}"
            made.append(Profile(name, section, title, None, (_EXPLICIT, *syntaxes), wide))
    videos = (
        ("M", "MPEG2-MPML", 100),
        ("M", "MPEG2-MPHL", 101),
        ("M", "MPEG4-HPLV41", 102),
        ("M", "MPEG4-HPLV41BD", 103),
        ("N", "MPEG4-HPLV42-2D", 104),
        ("N", "MPEG4-HPLV42-3D", 105),
        ("N", "MPEG4-SHPLV42", 106),
    )
    for section, suffix, number in videos:
        syntaxes = (_EXPLICIT, f"1.2.840.10008.1.2.4.{number}")
        made.append(Profile(f"STD-GEN-BD-{suffix}", section, "General purpose with video", None, syntaxes, wide))
    return made


def _special() -> list[Profile]:
    documents = "GrayscaleSoftcopyPresentationStateStorage XRayRadiationDoseSRStorage"
    tomography = [
        ("CTImageStorage MRImageStorage SecondaryCaptureImageStorage", (_EXPLICIT, _LOSSLESS)),
        (documents, (_EXPLICIT,)),
    ]
    dental = (
        "DigitalIntraOralXRayImageStorageForPresentation DigitalXRayImageStorageForPresentation "
        "BasicStructuredDisplayStorage GrayscaleSoftcopyPresentationStateStorage"
    )
    bits = (Rule("BitsStored", allowed=(8, 10, 12, 16)),)
    dental_rules = {_uid(keyword): bits for keyword in dental.split()[:2]}
    explicit = (_EXPLICIT,)
    return [
        Profile("STD-CTMR-xxxx", "E", "CT and MR", _classes(tomography), None, _keyed(_TABLE_E)),
        Profile(
            "STD-WVFM-ECG-FD", "F", "12-lead ECG on diskette", _classes([("TwelveLeadECGWaveformStorage", explicit)])
        ),
        Profile(
            "STD-WVFM-HD-FD", "F", "Haemodynamics on diskette", _classes([("HemodynamicWaveformStorage", explicit)])
        ),
        Profile("STD-DVD-MPEG2-MPML", "I", "MPEG-2 video", None, ("1.2.840.10008.1.2.4.100",), _keyed(_TABLE_I)),
        Profile("STD-DEN-CD", "K", "Dental radiographs", _classes([(dental, explicit)]), None, {}, dental_rules),
    ]
