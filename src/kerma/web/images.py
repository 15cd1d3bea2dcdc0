"""Stored objects that are open for reading, and the frame indexes of images that were just asked for.

A viewer asks for one frame after the other. Where the frames of a large object lie is found once and kept, so that a
frame of 100,000 costs what a frame of one costs. Rules:

- The key is that of the blob, which never has other bytes: nothing that is kept can be stale.
- What is kept is few, and only images of several frames. It is never closed under somebody who still reads: the file is
  closed when the last one lets go of it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from kerma.dataset import Dataset
from kerma.dicomweb.problems import HTTPProblem
from kerma.encoding.source import Buffer
from kerma.errors import KermaError
from kerma.formats import part10
from kerma.formats.instance import Instance
from kerma.pixels.frame_index import FrameIndex, index
from kerma.pixels.layout import DOUBLE, FLOAT, PIXEL_DATA

_KEPT = 32
_FILE_HEAD = 132


def dataset_of(instance: Instance) -> Dataset:
    """A stored object, lazily over its blob: what is not looked at is not read. Whoever drops it closes it."""
    source = instance.open()
    if instance.dataset_offset >= _FILE_HEAD:
        return part10.read_source(source)
    with source:
        data = source.read(instance.dataset_offset, instance.dataset_length)
    return Dataset.from_bytes(data, instance.transfer_syntax_uid)


@dataclass(frozen=True, slots=True)
class Image:
    """A stored image: its data set and where its frames lie."""

    ds: Dataset
    found: FrameIndex

    @classmethod
    def of(cls, instance: Instance) -> Image:
        """HTTPProblem 404 where it has no frames."""
        ds = dataset_of(instance)
        if not any(tag in ds for tag in (PIXEL_DATA, FLOAT, DOUBLE)):
            raise HTTPProblem(404, "this instance has no frames", hint="retrieve it whole, or its rendered form")
        return cls(ds, index(ds))

    def frame(self, number: int) -> Buffer:
        """A frame as it is stored, counted from 0; HTTPProblem 404 where there is no such frame."""
        self.check(number)
        return self.found.read(number)

    def check(self, number: int) -> None:
        """HTTPProblem 404 where there is no such frame; numbers are counted from 0 here, and from 1 in what is said."""
        if not 0 <= number < self.found.count:
            raise HTTPProblem(
                404, f"there is no frame {number + 1}", hint=f"the instance has {self.found.count}, counted from 1"
            )


@dataclass(slots=True)
class _Place:
    """Where an image is put; whoever holds the lock opens it, and others wait for that."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    image: Image | None = None


class Images:
    """The images that were asked for last."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._places: OrderedDict[str, _Place] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    def open(self, instance: Instance) -> Image:
        """The image of an instance. Errors are those of reading it; nothing is kept then."""
        key = instance.name
        with self._lock:
            place = self._places.get(key)
            if place is None:
                place = self._places[key] = _Place()
            self._places.move_to_end(key)
        with place.lock:
            if place.image is not None:
                return place.image
            try:
                image = Image.of(instance)
            except BaseException:
                self._drop(key, place)
                raise
            if image.found.count > 1:
                place.image = image
                self._let_go()
            else:
                self._drop(key, place)
            return image

    def _let_go(self) -> None:
        """Of more than are kept, those that were asked for longest ago."""
        with self._lock:
            while len(self._places) > self._kept:
                self._places.popitem(last=False)

    def _drop(self, key: str, place: _Place) -> None:
        with self._lock:
            if self._places.get(key) is place:
                del self._places[key]


def acceptable(error: KermaError, what: str) -> HTTPProblem:
    """A 406 for what this image cannot be brought into, with the reason."""
    return HTTPProblem(406, f"{what}: {error.message}", hint=error.hint or "transfer-syntax=* is what is stored")
