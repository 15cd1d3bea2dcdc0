"""An image in another transfer syntax: frame by frame, in order, on all cores, with bounded memory (PS3.5 8.2, A.4).

``transcode`` gives a data set; ``transcoded_chunks`` its bytes, for the wire. Rules:

- What need not be decoded is not: streams that the other syntax allows as well, and what is uncompressed on both
  sides, are passed on.
- What can be kept is kept. A step that loses something happens only where a lossy syntax was asked for, and the data
  set says so afterwards (``derivation``).
- Frames that were made wait in memory while they are few and in a temporary file beyond; only a few are under way.
- A failure names its frame, and nothing of the data set that was given has changed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kerma.dataset import Dataset
from kerma.dataset.copying import selected
from kerma.encoding.source import Buffer
from kerma.encoding.syntax import encoding_of
from kerma.encoding.writer import element_header
from kerma.errors import KermaError, PixelError, UnsupportedSyntaxError, UsageError
from kerma.formats.spool import Spool
from kerma.limits import Limits
from kerma.pixels import codecs
from kerma.pixels.codecs.base import Decoded
from kerma.pixels.codecs.video import video_of
from kerma.pixels.decoding import decode_data
from kerma.pixels.derivation import OFFSET_TABLES, derive, number_text, say_earlier_loss, say_layout, say_loss
from kerma.pixels.encapsulation import encapsulate
from kerma.pixels.frame_index import FrameIndex, index
from kerma.pixels.layout import DOUBLE, FLOAT, PIXEL_DATA, Layout
from kerma.pixels.native import dtype_of
from kerma.pixels.nested import decompress_nested, own_overlays
from kerma.pixels.packing import Packer
from kerma.pixels.pipeline import Progress, in_order
from kerma.pixels.syntaxes import VIDEO
from kerma.pixels.targets import CERTAINLY_LOSSY, REPACKED, compressed_layout, name_of, native_layout, target_of
from kerma.standard import transfer_syntaxes
from kerma.standard.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE
from kerma.values.new_uid import new_uid

_LIMITS = Limits()
_PIXELS = frozenset({PIXEL_DATA, *OFFSET_TABLES})


@dataclass(frozen=True, slots=True)
class Choices:
    """How to transcode. ``options`` are the codec's; the others are as for ``transcode``."""

    options: dict[str, Any]
    new_uid: bool | str | None = None
    extended: bool | None = None
    threads: int | None = None
    progress: Progress | None = None
    limits: Limits = _LIMITS


def transcode(
    ds: Dataset,
    transfer_syntax_uid: str,
    *,
    new_uid: bool | str | None = None,
    extended: bool | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    limits: Limits = _LIMITS,
    **options: Any,
) -> Dataset:
    """``ds`` in another transfer syntax, as a data set of its own; ``ds`` must stay open while it is used.

    ``options`` go to the codec (``quality``, ``rate``, ``near``, ``effort`` ...). ``new_uid``: None gives the result a
    SOP Instance UID of its own where something is lost, True always, False never; a text is that UID. ``extended``:
    True for the extended offset table, False for never, None where the basic one does not reach. ``progress`` is called
    with (frames done, frames in all); what it raises ends the work.

    ``PixelError`` names the frame, or what the syntax cannot hold and what could; ``UnsupportedSyntaxError`` a syntax
    that nothing here reads or writes; ``LimitError`` what is too big.
    """
    choices = Choices(options, new_uid, extended, threads, progress, limits)
    return _Job(ds, transfer_syntax_uid, choices).dataset()


def transcoded_chunks(
    ds: Dataset, transfer_syntax_uid: str, *, threads: int | None = None, limits: Limits = _LIMITS, **options: Any
) -> Iterator[Buffer]:
    """The same as the bytes of the data set, without meta information. Frames that are decompressed go out as they are
    made; the first is made before anything is given, so that what cannot be decoded is known then.
    """
    job = _Job(ds, transfer_syntax_uid, Choices(options, threads=threads, limits=limits))
    if transfer_syntax_uid in {IMPLICIT_LE.uid, EXPLICIT_LE.uid} and job.decodes:
        return job.stream()
    return job.dataset().chunks(transfer_syntax_uid)


def transcoded_frame(found: FrameIndex, number: int, transfer_syntax_uid: str, *, limits: Limits = _LIMITS) -> Buffer:
    """One frame in another transfer syntax, counted from 0: a code stream, or little endian samples that begin on a
    byte. No other frame is read. The errors are those of ``transcode``.
    """
    layout, target = found.layout, target_of(transfer_syntax_uid)
    if found.encapsulated and (layout.transfer_syntax_uid, transfer_syntax_uid) in REPACKED:
        return found.read(number)
    rgb = bool(target is not None and target.method) or _becomes_rgb(layout, layout.transfer_syntax_uid)
    if layout.transfer_syntax_uid in VIDEO:
        decoded = video_of(found).frame(number)
    elif not found.encapsulated and target is None:
        return found.read(number)
    else:
        decoded = _within_bits(layout, decode_data(found, number, found.read(number), rgb=rgb, limits=limits))
    if target is None:
        packer = Packer(native_layout(layout, decoded.photometric, transfer_syntax_uid))
        return b"".join((packer.pack(decoded.samples), packer.rest()))
    after = compressed_layout(layout, decoded.photometric, transfer_syntax_uid)
    samples = np.ascontiguousarray(decoded.samples.astype(dtype_of(after), copy=False))
    return bytes(codecs.encoder_of(transfer_syntax_uid)(samples, after, {}))


def _within_bits(layout: Layout, decoded: Decoded) -> Decoded:
    """What a lossy codec shot over the bits that are stored is at their ends."""
    row = transfer_syntaxes.get(layout.transfer_syntax_uid)
    samples = decoded.samples
    if row is None or not row.lossy or layout.floating or layout.bits_stored >= samples.dtype.itemsize * 8:
        return decoded
    low, top = (-(1 << layout.bits_stored - 1), layout.bits_stored - 1) if layout.signed else (0, layout.bits_stored)
    return Decoded(np.clip(samples, low, (1 << top) - 1), decoded.photometric)


def _becomes_rgb(layout: Layout, from_uid: str) -> bool:
    """Whether colour becomes RGB: what JPEG made of it is no colour space that anybody wants uncompressed."""
    return from_uid in CERTAINLY_LOSSY and layout.samples == 3


class _Job:
    """One image on its way from one syntax to another."""

    def __init__(self, ds: Dataset, uid: str, choices: Choices) -> None:
        self.ds = ds
        self.uid = uid
        self.choices = choices
        self.target = target_of(uid)
        self.from_uid = ds.transfer_syntax_uid or EXPLICIT_LE.uid
        self.found: FrameIndex | None = None
        self.read = 0
        if choices.options and self.target is None:
            raise UsageError(f"{name_of(uid)} takes no {', '.join(choices.options)}", hint="it is not compressed")
        if any(tag in ds for tag in (PIXEL_DATA, FLOAT, DOUBLE)):
            self.found = index(ds)
        elif self.target is not None:
            index(ds)  # says why there is nothing to compress

    @property
    def decodes(self) -> bool:
        """Whether frames are decoded, and not compressed again."""
        return self.found is not None and self.found.encapsulated and self.target is None

    # -- the whole -----------------------------------------------------------------------------------------------------

    def dataset(self) -> Dataset:
        found = self.found
        if self.uid == self.from_uid and not self.choices.options and (found is None or self._as_said(found)):
            return copy.deepcopy(self.ds)
        if found is None:
            return self._framed(self._twin(set()))
        if not found.encapsulated and self.target is None:
            return self._moved(found)
        if not self.choices.options and (self.from_uid, self.uid) in REPACKED and found.encapsulated:
            return self._passed_on(found)
        return self._decompressed(found) if self.target is None else self._compressed(found)

    def _as_said(self, found: FrameIndex) -> bool:
        """Whether the pixel data is as its transfer syntax says, and can stay."""
        row = transfer_syntaxes.get(self.from_uid)
        return row is not None and row.encapsulated == found.encapsulated

    def _moved(self, found: FrameIndex) -> Dataset:
        """From one uncompressed syntax to another: the samples are passed on."""
        tag = found.layout.tag
        read_all: Callable[[], Buffer] = getattr(found, "read_all")  # noqa: B009 - only native frames have it
        twin = self._framed(self._twin({tag, *OFFSET_TABLES}))
        vr = {FLOAT: "OF", DOUBLE: "OD"}.get(tag) or self.ds.vr_of(tag)
        twin.add(tag, vr if vr in {"OB", "OW", "OF", "OD"} else "OW", memoryview(read_all()))
        return twin

    def _passed_on(self, found: FrameIndex) -> Dataset:
        """The same streams under another name."""
        spool = Spool()
        for number in range(found.count):
            spool.add(found.read(number))
        twin = self._twin(set(_PIXELS))
        decompress_nested(twin, self.from_uid, EXPLICIT_LE.uid, self.choices.limits)
        twin = self._framed(twin)
        encapsulate(twin, spool.pieces(), extended=self.choices.extended)
        return twin

    def _decompressed(self, found: FrameIndex) -> Dataset:
        spool, layout = Spool(), found.layout
        packer = None
        for decoded in self._decoded(found, rgb=self._to_rgb(found.layout)):
            if packer is None:
                layout = native_layout(found.layout, decoded.photometric, self.uid)
                packer = Packer(layout)
            spool.add(packer.pack(decoded.samples))
        assert packer is not None  # an index has a frame at least
        spool.add(packer.rest())
        twin = self._native_twin(found, layout)
        twin.add("PixelData", _native_vr(layout), memoryview(spool.whole()))
        return twin

    def stream(self) -> Iterator[Buffer]:
        found = self.found
        assert found is not None
        frames = self._decoded(found, rgb=self._to_rgb(found.layout))
        first = next(frames)
        layout = native_layout(found.layout, first.photometric, self.uid)
        twin = self._native_twin(found, layout, ratio=None)
        return self._streamed(twin, layout, first, frames)

    def _streamed(self, twin: Dataset, layout: Layout, first: Decoded, frames: Iterator[Decoded]) -> Iterator[Buffer]:
        encoding, _ = encoding_of(self.uid)
        size = layout.native_bits * layout.frames // 8 + (1 if layout.native_bits * layout.frames % 8 else 0)
        packer = Packer(layout)
        tags = list(twin)
        yield from selected(twin, [tag for tag in tags if tag < PIXEL_DATA]).chunks(self.uid)
        yield element_header(encoding, PIXEL_DATA, _native_vr(layout), size + size % 2)
        yield packer.pack(first.samples)
        for decoded in frames:
            yield packer.pack(decoded.samples)
        yield packer.rest()
        if size % 2:
            yield b"\0"
        behind = [tag for tag in tags if tag > PIXEL_DATA]
        if behind:
            yield from selected(twin, behind).chunks(self.uid)

    def _compressed(self, found: FrameIndex) -> Dataset:
        assert self.target is not None
        encode = codecs.encoder_of(self.uid)
        lossy = bool(self.target.method)
        rgb = lossy or self._to_rgb(found.layout)
        said: list[Layout] = []
        options = self.choices.options
        if not found.encapsulated:
            compressed_layout(found.layout, self._early_photometric(found.layout, rgb), self.uid)

        def work(number: int, data: Buffer) -> bytes:
            decoded = self._decode(found, number, data, rgb)
            layout = compressed_layout(found.layout, decoded.photometric, self.uid)
            if layout.photometric == "YBR_FULL_422" and options.get("subsampling") == "444":
                layout = replace(layout, photometric="YBR_FULL")
            if not said:
                said.append(layout)
            samples = decoded.samples.astype(dtype_of(layout), copy=False)
            try:
                return bytes(encode(np.ascontiguousarray(samples), layout, options))
            except (UnsupportedSyntaxError, UsageError):
                raise
            except KermaError as error:
                raise PixelError(error.message, frame=number, hint=error.hint) from None

        spool = Spool()
        for stream in in_order(
            found.count, self._reader(found), work, threads=self.choices.threads, progress=self.choices.progress
        ):
            spool.add(stream)
        layout = said[0]
        twin = self._twin(set(_PIXELS))
        self._prepare(twin, found)
        say_layout(twin, layout)
        native = (found.layout.pixels * layout.samples * _bytes_of(found.layout)) * found.count
        if lossy:
            self._say_lossy(twin, native / max(spool.size, 1))
        else:
            self._rename(twin)
        twin = self._framed(twin)
        encapsulate(twin, spool.pieces(), extended=self.choices.extended)
        return twin

    # -- frames --------------------------------------------------------------------------------------------------------

    def _reader(self, found: FrameIndex) -> Callable[[int], Buffer]:
        def read(number: int) -> Buffer:
            data = found.read(number)
            self.read += len(data)
            return data

        return read

    def _decoded(self, found: FrameIndex, *, rgb: bool) -> Iterator[Decoded]:
        def work(number: int, data: Buffer) -> Decoded:
            return self._decode(found, number, data, rgb)

        return in_order(
            found.count, self._reader(found), work, threads=self.choices.threads, progress=self.choices.progress
        )

    def _decode(self, found: FrameIndex, number: int, data: Buffer, rgb: bool) -> Decoded:
        return _within_bits(found.layout, decode_data(found, number, data, rgb=rgb, limits=self.choices.limits))

    def _to_rgb(self, layout: Layout) -> bool:
        return _becomes_rgb(layout, self.from_uid)

    @staticmethod
    def _early_photometric(layout: Layout, rgb: bool) -> str:
        """What uncompressed samples will be in, so that what cannot be held is known before anything is done."""
        if layout.photometric in {"YBR_FULL", "YBR_FULL_422"}:
            return "RGB" if rgb else "YBR_FULL"
        return layout.photometric

    # -- the data set --------------------------------------------------------------------------------------------------

    def _twin(self, without: set[int]) -> Dataset:
        """A copy that can be changed, without these elements."""
        return copy.deepcopy(selected_besides(self.ds, without))

    def _prepare(self, twin: Dataset, found: FrameIndex) -> None:
        """Icons, overlays and what was lost before."""
        limits = self.choices.limits
        own_overlays(twin, found, limits)
        if found.encapsulated:
            decompress_nested(twin, self.from_uid, EXPLICIT_LE.uid, limits)
            native = found.layout.pixels * found.layout.samples * _bytes_of(found.layout) * found.count
            say_earlier_loss(twin, self.from_uid, native / max(self.read, 1))

    def _native_twin(self, found: FrameIndex, layout: Layout, ratio: float | None = 0.0) -> Dataset:
        if ratio is None:  # nothing was read but the first frame: the size of all is that of the pixel data
            self.read = sum(length for _, length in found.whole_stream()[0])
        twin = self._twin(set(_PIXELS))
        self._prepare(twin, found)
        say_layout(twin, layout)
        self._rename(twin)
        return self._framed(twin)

    def _say_lossy(self, twin: Dataset, ratio: float) -> None:
        assert self.target is not None
        say_loss(twin, self.target.method, ratio)
        if self.choices.new_uid is False:
            return
        given = self.choices.new_uid
        text = f"Lossy compression with {name_of(self.uid)}, ratio {number_text(ratio)}"
        derive(twin, text, given if isinstance(given, str) else None)

    def _rename(self, twin: Dataset) -> None:
        given = self.choices.new_uid
        if given:
            twin.SOPInstanceUID = given if isinstance(given, str) else new_uid()

    def _framed(self, twin: Dataset) -> Dataset:
        """``twin`` as a data set that came in the target syntax, with preamble and meta information of the source."""
        inner = EXPLICIT_LE.uid if self.target is not None else self.uid
        state = self.ds._file
        out = Dataset.from_bytes(twin.to_bytes(inner), self.uid, limits=self.choices.limits)
        own = out._own_file()
        if state is not None:
            own.preamble = state.preamble
            meta = self.ds.meta
            if meta is not None:
                own.meta = copy.deepcopy(meta)
                own.meta.TransferSyntaxUID = self.uid
                if out.get("SOPInstanceUID") and self.choices.new_uid is not False:
                    own.meta.MediaStorageSOPInstanceUID = out.SOPInstanceUID
            own.findings = list(state.findings)
        return out


def selected_besides(ds: Dataset, without: set[int]) -> Dataset:
    """The elements of ``ds`` but these, in the syntax of ``ds``."""
    out = selected(ds, [tag for tag in ds if tag not in without])
    out._own_file().uid = ds.transfer_syntax_uid
    return out


def _bytes_of(layout: Layout) -> float:
    return layout.bits_allocated / 8


def _native_vr(layout: Layout) -> str:
    """The VR of uncompressed pixel data (PS3.5 8.2)."""
    return "OW" if layout.bits_allocated > 8 else "OB"
