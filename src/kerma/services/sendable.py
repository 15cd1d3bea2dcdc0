"""What a C-STORE can carry: an instance where it lies, or a data set in memory, as a payload in a given transfer
syntax.

Rules: bytes go as they are stored wherever the peer takes them. Uncompressed syntaxes are re-written into one another,
streaming; pixels are decompressed, or compressed without loss, only where nothing else is left, and numpy and the
codecs are loaded only then.

Sources: PS3.5 10 and A, PS3.4 B.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kerma import pixels
from kerma.dataset import Dataset
from kerma.encoding.source import Buffer
from kerma.errors import InvalidInstanceError
from kerma.formats import part10
from kerma.formats.instance import Instance
from kerma.formats.transcode import transcode
from kerma.pixels.targets import reachable
from kerma.services.flow import ChunkPayload, RangePayload
from kerma.services.sop_classes import EXPLICIT_LE, UNCOMPRESSED, convertible


@dataclass(frozen=True, slots=True)
class Sendable:
    """One instance to be sent; exactly one of ``instance`` and ``dataset`` holds it."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    name: str
    instance: Instance | None = None
    dataset: Dataset | None = None

    @classmethod
    def of_instance(cls, instance: Instance) -> Sendable:
        return cls(
            instance.sop_class_uid, instance.sop_instance_uid, instance.transfer_syntax_uid, instance.name, instance
        )

    @classmethod
    def of_dataset(cls, dataset: Dataset) -> Sendable:
        """``InvalidInstanceError`` where it has no SOP Class or Instance UID."""
        sop_class, sop_instance = dataset.get("SOPClassUID"), dataset.get("SOPInstanceUID")
        if not sop_class or not sop_instance:
            raise InvalidInstanceError("a data set without SOP Class UID or SOP Instance UID cannot be stored")
        syntax = dataset.transfer_syntax_uid or EXPLICIT_LE
        return cls(str(sop_class), str(sop_instance), syntax, str(sop_instance), dataset=dataset)

    @property
    def syntaxes(self) -> tuple[str, ...]:
        """What it can be sent in, best first: as stored, uncompressed, compressed without loss."""
        stored = self.transfer_syntax_uid
        plain = tuple(uid for uid in UNCOMPRESSED if uid != stored) if convertible(stored) else ()
        return (stored, *plain, *(uid for uid in reachable(stored) if uid not in plain))

    def payload(self, syntax: str) -> RangePayload | ChunkPayload:
        """Its data set in ``syntax``, which is one of ``syntaxes``."""
        if self.dataset is not None:
            dataset = self.dataset
            if syntax == self.transfer_syntax_uid or (convertible(self.transfer_syntax_uid) and convertible(syntax)):
                return ChunkPayload(lambda: dataset.chunks(syntax))
            return ChunkPayload(lambda: pixels.transcoded_chunks(dataset, syntax))
        instance = self.instance
        assert instance is not None
        if syntax == self.transfer_syntax_uid:
            return RangePayload(instance.open, instance.dataset_offset, instance.dataset_length)
        if convertible(self.transfer_syntax_uid) and convertible(syntax):
            return ChunkPayload(lambda: _rewritten(instance, syntax))
        return ChunkPayload(lambda: _transcoded(instance, syntax))


def _transcoded(instance: Instance, syntax: str) -> Iterator[Buffer]:
    """With other pixels: frames are read from where they lie, as they are needed."""
    source = instance.open()
    with source:
        offset, length = instance.dataset_offset, instance.dataset_length
        if offset >= 132 and offset + length == source.size and source.read(128, 4) == b"DICM":
            ds = part10.read_source(source)
        else:
            ds = Dataset.from_bytes(source.read(offset, length), instance.transfer_syntax_uid)
        with ds:
            yield from pixels.transcoded_chunks(ds, syntax)


def _rewritten(instance: Instance, syntax: str) -> Iterator[Buffer]:
    with instance.open() as source:
        yield from transcode(
            source, instance.dataset_offset, instance.dataset_length, instance.transfer_syntax_uid, syntax
        )
