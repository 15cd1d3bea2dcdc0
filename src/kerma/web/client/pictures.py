"""A frame from the web as an array: what came, with the description of its image, to ``kerma.pixels``.

Rules: of the metadata only the Image Pixel attributes are kept, for the images that were asked for last; palettes,
which lie elsewhere, are fetched once. numpy and the codecs are loaded when a frame is decoded.
"""

from __future__ import annotations

import contextlib
import importlib
from collections import OrderedDict
from functools import partial
from typing import Any

from kerma.dataset import Dataset
from kerma.dataset.bulk import BulkData
from kerma.dataset.fragments import Fragments
from kerma.errors import AnswerError, UsageError
from kerma.standard import transfer_syntaxes
from kerma.web.client.asking import Manner
from kerma.web.client.effects import Do, Emit, Flow, gathered
from kerma.web.client.keeping import BytesKeeper
from kerma.web.client.studies import Frame, Target, bulkdata, frames, metadata

KEPT = 32
_IMAGE_PIXEL = 0x0028
_NUMBER_OF_FRAMES = 0x00280008
_MAX_PALETTE = 1 << 24
_EXPLICIT_LE = transfer_syntaxes.EXPLICIT_LE.uid


class Descriptions:
    """The Image Pixel attributes of the images that were asked for last."""

    def __init__(self) -> None:
        self._found: OrderedDict[Target, Dataset] = OrderedDict()

    def of(self, manner: Manner, target: Target) -> Flow[Dataset]:
        """Those of one instance."""
        found = self._found.get(target)
        if found is None:
            found = yield from _described(manner, target)
            self._found[target] = found
            while len(self._found) > KEPT:
                self._found.popitem(last=False)
        with contextlib.suppress(KeyError):  # another thread may have pushed it out
            self._found.move_to_end(target)
        return found


def _described(manner: Manner, target: Target) -> Flow[Dataset]:
    instances = yield from gathered(metadata(manner, target))
    if len(instances) != 1:
        raise AnswerError(f"the server has metadata of {len(instances)} instances where one was asked for")
    whole: Dataset = instances[0]
    out = Dataset()
    for tag in whole:
        if tag >> 16 != _IMAGE_PIXEL or tag == _NUMBER_OF_FRAMES:
            continue
        element = whole[tag]
        value = element.value
        if isinstance(value, BulkData):
            # A relative address is one below the metadata's.
            uri = value.uri if "://" in value.uri or value.uri.startswith("/") else f"{target.path()[1:]}/{value.uri}"
            value = (yield from gathered(bulkdata(manner, uri, BytesKeeper(_MAX_PALETTE))))[0]
        out.add(tag, element.vr, value)
    return out


def array(manner: Manner, target: Target, number: int, known: Descriptions) -> Flow[None]:
    """Emits one frame as an array, the first is 1."""
    if target.SOPInstanceUID is None:
        raise UsageError("a frame is one of an instance", hint="give SOPInstanceUID")
    described = yield from known.of(manner, target)
    found = yield from gathered(frames(manner, target, [number]))
    yield Emit((yield Do(partial(_decoded, described, found[0]))))


def _decoded(described: Dataset, frame: Frame) -> Any:
    pixels = importlib.import_module("kerma.pixels")
    syntax = frame.transfer_syntax_uid or _EXPLICIT_LE
    row = transfer_syntaxes.get(syntax)
    if row is None:
        raise AnswerError("the server names a transfer syntax that is not known")
    image = Dataset()
    for tag in described:
        image.add(tag, described[tag].vr, described[tag].value)
    image.NumberOfFrames = 1
    if row.encapsulated:
        image.add("PixelData", "OB", Fragments.of_frames([frame.data]))
    else:
        image.add("PixelData", "OW", frame.data)
        syntax = _EXPLICIT_LE
    return pixels.frame(Dataset.from_bytes(b"".join(image.chunks(syntax)), syntax), 0)
