"""Which images of files, folders and archives are to be drawn, and in which order.

May touch the file system through ``app.collect``. Rules: what merely lay there and is no image is passed over; images
are in order of patient, study, series and instance numbers; only heads are read to find that out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kerma.app.collect import Collector, Found, Unusable
from kerma.app.gather import Passed, probe
from kerma.app.opening import is_address, read
from kerma.dataset import Dataset
from kerma.errors import KermaError
from kerma.formats import part10

_PIXELS = (0x7FE00010, 0x7FE00008, 0x7FE00009)
Fail = Callable[[str, BaseException], None]


@dataclass(frozen=True, slots=True)
class Image:
    """A file that holds an image, and a few words to tell it from its neighbours."""

    found: Found
    label: str
    order: tuple[Any, ...]

    def open(self) -> Dataset:
        """Its data set; the caller closes it."""
        return opened(self.found)


def opened(found: Found) -> Dataset:
    """The data set of a file or an address."""
    return read(found.name) if is_address(found.name) else part10.read(found.path)


def images_below(collector: Collector, paths: Iterable[str], fail: Fail) -> list[Image]:
    """The images that lie there, in order. ``fail`` is told what cannot be read, by name."""
    images = []
    for each in collector.walk(paths):
        probed = probe(each) if isinstance(each, Found) and not each.named else each
        if isinstance(probed, Passed):
            continue
        if isinstance(probed, Unusable):
            fail(probed.name, probed.error)
            continue
        found = each
        if isinstance(found, Unusable):
            continue
        try:
            with opened(found) as ds:
                if any(tag in ds for tag in _PIXELS):
                    images.append(Image(found, _label(ds), _order(ds, found.name)))
        except (KermaError, OSError) as error:
            fail(found.name, error)
    return sorted(images, key=lambda image: image.order)


def _text(ds: Dataset, keyword: str) -> str:
    try:
        value = ds.get(keyword)
    except KermaError:
        return ""
    return "" if value is None or isinstance(value, tuple) else str(value)


def _number(ds: Dataset, keyword: str) -> int:
    text = _text(ds, keyword).strip()
    return int(text) if text.lstrip("+-").isdigit() and len(text) < 12 else 0


def _label(ds: Dataset) -> str:
    return f"{_text(ds, 'SeriesNumber') or '-'}/{_text(ds, 'InstanceNumber') or '-'}"


def _order(ds: Dataset, name: str) -> tuple[Any, ...]:
    return (
        _text(ds, "PatientID"),
        _text(ds, "StudyInstanceUID"),
        _number(ds, "SeriesNumber"),
        _text(ds, "SeriesInstanceUID"),
        _number(ds, "InstanceNumber"),
        name,
    )
