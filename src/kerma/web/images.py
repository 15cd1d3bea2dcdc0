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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from kerma.dataset import Dataset
from kerma.dicomweb.problems import HTTPProblem
from kerma.encoding.source import Buffer, ByteSource
from kerma.errors import FormatError, KermaError, LimitError, PixelError, UnsupportedSyntaxError
from kerma.formats import part10
from kerma.formats.instance import Instance
from kerma.formats.source import FileSource
from kerma.pixels.encapsulated import EncapsulatedFrames
from kerma.pixels.frame_index import FrameIndex, NativeFrames, index
from kerma.pixels.layout import DOUBLE, FLOAT, PIXEL_DATA
from kerma.standard.transfer_syntaxes import DEFLATED_LE
from kerma.web.bodies import SMALL

_KEPT = 32
_FILE_HEAD = 132


class WouldWait(Exception):
    """What was asked for is not in memory, or takes work: it is for a thread."""


def dataset_of(instance: Instance) -> Dataset:
    """A stored object, lazily over its blob: what is not looked at is not read. Whoever drops it closes it."""
    return _over(instance.open(), instance)


def _over(source: ByteSource, instance: Instance) -> Dataset:
    if instance.dataset_offset >= _FILE_HEAD:
        return part10.read_source(source)
    with source:
        data = source.read(instance.dataset_offset, instance.dataset_length)
    return Dataset.from_bytes(data, instance.transfer_syntax_uid)


@dataclass(frozen=True, slots=True)
class Image:
    """A stored image: its data set, where its frames lie, and in what."""

    ds: Dataset
    found: FrameIndex
    source: ByteSource

    @classmethod
    def of(cls, instance: Instance, *, waiting: bool = True) -> Image:
        """HTTPProblem 404 where it has no frames. Not ``waiting``: ``WouldWait`` unless all of it is small and in
        memory.
        """
        size = instance.dataset_offset + instance.dataset_length
        if not waiting and size > SMALL:
            raise WouldWait
        source = instance.open()
        if not waiting and not (isinstance(source, FileSource) and source.in_memory(0, size)):
            raise WouldWait
        with damage_told():
            ds = _over(source, instance)
            if not any(tag in ds for tag in (PIXEL_DATA, FLOAT, DOUBLE)):
                raise HTTPProblem(404, "this instance has no frames", hint="retrieve it whole, or its rendered form")
            return cls(ds, index(ds), source)

    def in_memory(self, number: int) -> bool:
        """Whether reading a frame, counted from 0, does not wait for the disk, as far as that can be told."""
        found = self.found
        if not isinstance(self.source, FileSource):
            return False
        if self.source.size <= SMALL:
            return self.source.in_memory(0, self.source.size)
        if isinstance(found, NativeFrames) and found.layout.transfer_syntax_uid != DEFLATED_LE.uid:
            return all(length <= SMALL and self.source.in_memory(at, length) for at, length in found.ranges(number))
        told = found.told(number) if isinstance(found, EncapsulatedFrames) else None
        return told is not None and told[1] <= SMALL and self.source.in_memory(*told)

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

    def open(self, instance: Instance, *, waiting: bool = True) -> Image:
        """The image of an instance. Errors are those of reading it; nothing is kept then. Not ``waiting``:
        ``WouldWait`` where that would be needed.
        """
        key = instance.name
        with self._lock:
            place = self._places.get(key)
            if place is None:
                place = self._places[key] = _Place()
            self._places.move_to_end(key)
        if not place.lock.acquire(blocking=waiting):
            raise WouldWait
        try:
            if place.image is not None:
                return place.image
            try:
                image = Image.of(instance, waiting=waiting)
            except BaseException:
                self._drop(key, place)
                raise
            if image.found.count > 1:
                place.image = image
                self._let_go()
            else:
                self._drop(key, place)
            return image
        finally:
            place.lock.release()

    def _let_go(self) -> None:
        """Of more than are kept, those that were asked for longest ago."""
        with self._lock:
            while len(self._places) > self._kept:
                self._places.popitem(last=False)

    def _drop(self, key: str, place: _Place) -> None:
        with self._lock:
            if self._places.get(key) is place:
                del self._places[key]


@contextmanager
def damage_told() -> Iterator[None]:
    """A 422 for what is stored so damaged that a part of it cannot be found."""
    try:
        yield
    except (PixelError, UnsupportedSyntaxError, LimitError):
        raise  # which have statuses of their own
    except FormatError as error:
        hint = "retrieved whole it is what was stored"
        raise HTTPProblem(422, f"the stored instance is damaged: {error.message}", hint=hint) from error


def acceptable(error: KermaError, what: str) -> HTTPProblem:
    """A 406 for what this image cannot be brought into, with the reason."""
    return HTTPProblem(406, f"{what}: {error.message}", hint=error.hint or "transfer-syntax=* is what is stored")
