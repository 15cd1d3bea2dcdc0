"""From an image to something to look at: 8-bit grey or RGB (PS3.4 N.2).

May touch data sets, numpy, and through other modules Pillow. Rules: a grey image goes modality, values of interest,
presentation, 8 bits, with one rounding at the end; samples of up to 16 bits go that way as a table, made once, so that
a frame costs one look-up. Padding is background, which is black. Frames are counted from 0.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import PixelError, UsageError
from kerma.limits import Limits
from kerma.pixels import icc, luts
from kerma.pixels.colormaps import colormap as colormap_of
from kerma.pixels.decoding import decode_frame
from kerma.pixels.frame_index import index
from kerma.pixels.luts import VOI, Modality, Presentation
from kerma.pixels.overlays import overlays as overlays_of
from kerma.pixels.palette import has_palette, palette_of, supplemental
from kerma.pixels.presentation import State
from kerma.pixels.shapes import Size, as_rgb, aspect_of, box_of, fitted, squared

Array = NDArray[Any]
Told = list[luts.Window | luts.TableVOI]
WindowChoice = tuple[float, float] | str | int | None

_LIMITS = Limits()
_SAMPLED = 5
_WAYS = ("auto", "minmax", "full", "lut")


def render(ds: Dataset, frame: int = 0, **options: Any) -> Array:
    """A frame as 8 bits: (rows, columns) grey or (rows, columns, 3) RGB. The options are those of ``Renderer``."""
    return Renderer(ds, **options).frame(frame)


class Renderer:
    """Renders frames of one image, all the same way.

    ``window`` is (center, width); the name of a preset (``luts.PRESETS``) or of a window as the file explains it; the
    number of one that the file tells, from 0; "lut" for the file's VOI LUT; "auto" for all but the darkest and
    brightest half per cent; "minmax"; "full" for all that the stored bits allow. None is what the file tells first, its
    VOI LUT before its windows, and where it tells nothing "full" for up to 8 bits and "auto" for more. ``function`` is
    LINEAR, LINEAR_EXACT or SIGMOID, for (center, width). ``steady`` makes automatic windows the same for all frames.

    ``overlays`` burns overlays in, white. ``colormap`` is a name of ``colormaps`` or a Color Palette object, for grey
    images. ``presentation`` is a presentation state about this image; it says everything but what ``window`` overrides.
    ``size`` fits the picture into a square or (width, height); it is only ever made larger with ``enlarge``. ``icc``
    brings colours to sRGB by their profile. ``square`` stretches pixels that are not square.

    ``PixelError`` where the pixels cannot be had, ``UsageError`` for an option that cannot be meant.
    """

    def __init__(
        self,
        ds: Dataset,
        *,
        window: WindowChoice = None,
        function: str = "LINEAR",
        overlays: bool = True,
        colormap: str | Dataset | None = None,
        presentation: Dataset | None = None,
        size: Size | None = None,
        enlarge: bool = False,
        icc: bool = True,
        square: bool = False,
        steady: bool = False,
        limits: Limits = _LIMITS,
    ) -> None:
        self.ds = ds
        self.index = index(ds)
        self.layout = self.index.layout
        self.window = _meant(window, function)
        self.overlays = overlays
        self.colormap = None if colormap is None else colormap_of(colormap)
        self.state = None if presentation is None else State(presentation, ds, self.layout)
        if self.colormap is None and presentation is not None and has_palette(presentation):
            self.colormap = palette_of(presentation).scaled()  # a Pseudo-Color Softcopy Presentation State
        self.size = size if size is None else box_of(size)
        self.enlarge = enlarge
        self.square = square
        self.steady = steady
        self.icc = icc
        self.limits = limits
        self._voi: VOI | None = None
        self._table: tuple[tuple[Modality, VOI, Presentation], Array] | None = None
        self._palette = palette_of(ds, signed=self.layout.signed) if self._is_palette() else None

    def _is_palette(self) -> bool:
        return self.layout.samples == 1 and (
            self.layout.photometric == "PALETTE COLOR" or supplemental(self.ds, self.layout.photometric)
        )

    @property
    def count(self) -> int:
        """How many frames there are."""
        return self.index.count

    def frames(self, numbers: list[int] | None = None) -> Iterator[Array]:
        """The frames one by one, all or those named."""
        for number in range(self.count) if numbers is None else numbers:
            yield self.frame(number)

    def frame(self, number: int = 0) -> Array:
        """One frame as 8 bits."""
        stored = decode_frame(self.index, number, limits=self.limits)
        picture = self._grey(stored, number) if self.layout.samples == 1 else self._colour(stored)
        if self.state is not None:
            return self.state.finish(picture, number, overlays=self.overlays, size=self.size, enlarge=self.enlarge)
        if self.overlays:
            picture = self._with_overlays(picture, number)
        if self.square:
            picture = squared(picture, aspect_of(self.ds))
        return fitted(picture, self.size, enlarge=self.enlarge)

    # -- colour --------------------------------------------------------------------------------------------------------

    def _colour(self, stored: Array) -> Array:
        layout = self.layout
        if layout.samples != 3 or layout.photometric in {"HSV", "CMYK", "ARGB"}:
            raise PixelError(f"{layout.photometric} of {layout.samples} samples is no colour that can be shown")
        if layout.signed:
            stored = stored.astype("i8") + (1 << (layout.bits_stored - 1))
        if layout.bits_stored > 8:
            stored = stored >> (layout.bits_stored - 8)
        elif layout.bits_stored < 8:
            stored = stored.astype("u2") * 255 // ((1 << layout.bits_stored) - 1)
        return self._profiled(stored.astype("u1", copy=False))

    def _profiled(self, rgb: Array) -> Array:
        if not self.icc:
            return rgb
        profile = b"" if self.state is None else icc.profile_of(self.state.ds)
        return icc.to_srgb(rgb, profile or icc.profile_of(self.ds))

    # -- grey ----------------------------------------------------------------------------------------------------------

    def _grey(self, stored: Array, number: int) -> Array:
        palette = self._palette
        if palette is not None and self.layout.photometric == "PALETTE COLOR":
            return self._profiled(palette.apply(stored))
        modality, voi, presentation = self._pipeline(stored, number)
        grey = self._looked_up(stored, modality, voi, presentation)
        if self.colormap is not None:
            return np.asarray(self.colormap[grey])
        if palette is not None:
            coloured = stored >= palette.first
            return np.asarray(np.where(coloured[..., None], palette.apply(stored), as_rgb(grey)))
        return grey

    def _pipeline(self, stored: Array, number: int) -> tuple[Modality, VOI, Presentation]:
        if self.state is not None:
            modality, presentation = self.state.modality, self.state.presentation
        else:
            modality = luts.display_modality_of(self.ds, self.layout, number)
            presentation = luts.presentation_of(self.ds, self.layout.photometric)
        if self._voi is not None:
            return modality, self._voi, presentation
        voi = self._chosen(stored, modality, number)
        if self.steady and isinstance(voi, luts.Span):
            self._voi = voi
        return modality, voi, presentation

    def _chosen(self, stored: Array, modality: Modality, number: int) -> VOI:
        """The VOI transformation of a frame by what was asked for, what the state says, what the file tells."""
        window = self.window
        if isinstance(window, luts.Window):
            return window
        bounds = modality.bounds(*self._bounds(stored))
        if window is None and self.state is not None:
            return self.state.voi(number, bounds)
        windows = luts.windows_of(self.ds, number)
        tables = luts.voi_tables_of(self.ds, bounds, number)
        if isinstance(window, int):
            told = _told(windows, tables)
            if not 0 <= window < len(told):
                raise UsageError(f"the file tells {len(told)} windows and VOI LUTs, and no number {window} of them")
            return told[window]
        if window is None:
            if tables or windows:
                return tables[0] if tables else windows[0]
            window = "full" if self.layout.bits_stored <= 8 and not self.layout.floating else "auto"
        return self._by_name(window, stored, modality, bounds, _told(windows, tables))

    def _by_name(self, name: str, stored: Array, modality: Modality, bounds: tuple[float, float], told: Told) -> VOI:
        if name == "full":
            return luts.Span(*bounds)
        if name in {"auto", "minmax"}:
            values, wanted = self._sample(stored, modality)
            return luts.automatic(values, wanted) if name == "auto" else luts.smallest_to_largest(values, wanted)
        if name == "lut":
            table = next((each for each in told if isinstance(each, luts.TableVOI)), None)
            if table is None:
                raise UsageError("the file has no VOI LUT", hint="auto, or a window as center,width")
            return table
        for each in told:
            if each.explanation.strip().lower() == name:
                return each
        if name in luts.PRESETS:
            return luts.Window(*luts.PRESETS[name])
        names = [*_WAYS, *luts.PRESETS, *(each.explanation.strip() for each in told if each.explanation.strip())]
        near = difflib.get_close_matches(name, names, n=1)
        raise UsageError(
            f"there is no window {name!r}", hint=f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        )

    def _bounds(self, stored: Array) -> tuple[float, float]:
        if self.layout.floating:
            span = luts.smallest_to_largest(stored)
            return span.low, span.high
        return luts.stored_bounds(self.layout)

    def _sample(self, stored: Array, modality: Modality) -> tuple[Array, Array | None]:
        """What an automatic window is made of: this frame, or some of all; without padding."""
        if self.steady and self.count > 1:
            chosen = sorted({round(each) for each in np.linspace(0, self.count - 1, _SAMPLED)})
            stored = np.stack([decode_frame(self.index, each, limits=self.limits) for each in chosen])
        padding = luts.padding_of(self.ds, self.layout)
        wanted = None if padding is None else (stored < padding[0]) | (stored > padding[1])
        return modality.apply(stored), wanted

    def _looked_up(self, stored: Array, modality: Modality, voi: VOI, presentation: Presentation) -> Array:
        if stored.dtype.kind not in "iu" or stored.dtype.itemsize > 2:
            return self._eight_bits(stored, modality, voi, presentation)
        bits = 8 * stored.dtype.itemsize
        if stored.size < 1 << bits:
            return self._eight_bits(stored, modality, voi, presentation)
        steps = (modality, voi, presentation)
        if self._table is None or self._table[0] != steps:
            every = np.arange(1 << bits, dtype=f"u{stored.dtype.itemsize}").view(stored.dtype)
            self._table = steps, self._eight_bits(every, *steps)
        return np.take(self._table[1], stored.view(f"u{stored.dtype.itemsize}"))

    def _eight_bits(self, stored: Array, modality: Modality, voi: VOI, presentation: Presentation) -> Array:
        values = presentation.apply(voi.apply(modality.apply(stored)))
        grey = np.rint(np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0) * 255).astype("u1")
        padding = luts.padding_of(self.ds, self.layout)
        if padding is not None:
            grey[(stored >= padding[0]) & (stored <= padding[1])] = 0
        return np.asarray(grey)

    # -- overlays ------------------------------------------------------------------------------------------------------

    def _with_overlays(self, picture: Array, number: int) -> Array:
        copied = False
        for each in overlays_of(self.ds, number, shape=picture.shape[:2]):
            if not copied:
                picture, copied = np.array(picture), True
            picture[each.mask] = 255
        return picture


def _told(windows: list[luts.Window], tables: list[luts.TableVOI]) -> Told:
    return [*windows, *tables]


def _meant(window: WindowChoice, function: str) -> luts.Window | str | int | None:
    if isinstance(window, str):
        return window.strip().lower()
    if window is None or isinstance(window, int):
        return window
    if len(window) != 2:
        raise UsageError("a window is two numbers, center and width")
    return luts.checked_window(window[0], window[1], function.upper())
