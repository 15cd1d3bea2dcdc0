"""Pictures and films of rendered frames: PNG, JPEG, WebP, GIF, TIFF, BMP by Pillow, MP4 by PyAV.

May touch numpy, Pillow, PyAV and ``formats.saving``, which writes whole files or none. Rules: the form is that of the
suffix; frames are taken one by one, so that a film of thousands costs the memory of few, but for GIF, of which Pillow
holds all until it writes them; what is written is complete or not there.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.dataset import Dataset
from kerma.errors import KermaError, UsageError
from kerma.formats.saving import save
from kerma.pixels.attributes import number, numbers
from kerma.pixels.extras import av, pillow
from kerma.pixels.shapes import as_rgb

Array = NDArray[Any]
PathLike = str | os.PathLike[str]

_FORMS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".mp4": "MP4",
}
FILMS = frozenset({"GIF", "WEBP", "MP4"})
"""Forms that hold several frames with a time between them."""
SUFFIXES = tuple(_FORMS)
_GIVEN = 100.0  # milliseconds a frame where nothing says how long


def form_of(path: PathLike) -> str:
    """The form that the suffix says; ``UsageError`` names those that there are."""
    suffix = PurePath(path).suffix.lower()
    if suffix not in _FORMS:
        raise UsageError(
            f"no picture is called {suffix or 'nothing'}", where=os.fspath(path), hint=f"one of {', '.join(_FORMS)}"
        )
    return _FORMS[suffix]


def encoded(picture: Array, form: str = "PNG", *, quality: int = 90, profile: bytes = b"") -> bytes:
    """One 8-bit picture as a file. ``quality`` (1 to 100) is for JPEG, WebP and JPEG 2000; 100 makes WebP lossless.
    ``profile`` is an ICC profile to put into it, where its form has a place for one.
    """
    out = io.BytesIO()
    options = _options(form, quality) | ({"icc_profile": profile} if profile else {})
    pillow("Image").fromarray(np.ascontiguousarray(picture)).save(out, form, **options)
    return out.getvalue()


def save_picture(picture: Array, target: PathLike, *, quality: int = 90) -> None:
    """Write one picture, its form by the suffix. ``OSError`` where it cannot be written."""
    form = form_of(target)
    if form == "MP4":
        save_film(iter([picture]), target, quality=quality)
        return
    save([encoded(picture, form, quality=quality)], target)


def save_film(frames: Iterable[Array], target: PathLike, *, milliseconds: float = _GIVEN, quality: int = 90) -> None:
    """Write frames of one size as GIF, WebP or MP4 by the suffix. ``UsageError`` where there is no frame."""
    form = form_of(target)
    if form not in FILMS:
        raise UsageError("only GIF, WebP and MP4 hold several frames", where=os.fspath(target))
    source = iter(frames)
    first = next(source, None)
    if first is None:
        raise UsageError("a film of no frames", where=os.fspath(target))
    milliseconds = min(max(milliseconds, 1.0), 60_000.0)
    write = _write_mp4 if form == "MP4" else _write_moving

    def finish(fd: int) -> None:
        with os.fdopen(os.dup(fd), "w+b") as out:
            write(out, first, source, form, milliseconds, quality)

    if form == "MP4":
        av()  # that it is missing is said before a file is begun
    save([], target, finish)


def frame_milliseconds(ds: Dataset) -> float:
    """How long a frame is to be seen: Frame Time, the mean of Frame Time Vector, or by a rate; else 100."""
    time = number(ds, "FrameTime")
    if time is not None and time > 0:
        return time
    steps = numbers(ds, "FrameTimeVector")[1:]
    if steps and sum(steps) > 0:
        return sum(steps) / len(steps)
    for keyword in ("RecommendedDisplayFrameRate", "CineRate", "RecommendedDisplayFrameRateInFloat"):
        rate = number(ds, keyword)
        if rate is not None and rate > 0:
            return 1000 / rate
    return _GIVEN


def counted(frames: Iterable[Array], advance: Callable[[], object]) -> Iterator[Array]:
    """The frames, with a call after each: for progress."""
    for each in frames:
        yield each
        advance()


def _options(form: str, quality: int) -> dict[str, Any]:
    if not 1 <= quality <= 100:
        raise UsageError(f"a quality of {quality}", hint="1 to 100")
    if form == "JPEG":
        return {"quality": quality, "subsampling": 0 if quality >= 90 else 2}
    if form == "WEBP":
        return {"lossless": True} if quality == 100 else {"quality": quality}
    if form == "JPEG2000":
        ratio = max((100 - quality) / 2, 1.0)
        return {"quality_mode": "rates", "quality_layers": [ratio], "irreversible": quality < 100}
    return {"compression": "tiff_lzw"} if form == "TIFF" else {}


def _write_moving(out: Any, first: Array, rest: Iterator[Array], form: str, milliseconds: float, quality: int) -> None:
    image = pillow("Image")
    coloured = first.ndim == 3

    def picture(frame: Array) -> Any:
        same = as_rgb(frame) if coloured else frame
        return image.fromarray(np.ascontiguousarray(same))

    duration = max(round(milliseconds), 20 if form == "GIF" else 1)  # players take shorter times of GIF for 100
    options = _options(form, quality) if form == "WEBP" else {"optimize": False}
    picture(first).save(
        out,
        form,
        save_all=True,
        append_images=(picture(frame) for frame in rest),
        duration=duration,
        loop=0,
        **options,
    )


def _write_mp4(out: Any, first: Array, rest: Iterator[Array], form: str, milliseconds: float, quality: int) -> None:
    library = av()
    height, width = (side + side % 2 for side in first.shape[:2])  # half as much chroma wants even sides
    try:
        with library.open(out, "w", format="mp4") as film:
            stream = film.add_stream("h264", rate=_rate(milliseconds))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"crf": str(round(51 - quality / 100 * 45)), "preset": "medium"}
            for each in chain([first], rest):
                if each.shape[:2] != first.shape[:2]:
                    raise UsageError("the frames of a film have one size")
                frame = library.VideoFrame.from_ndarray(_even(as_rgb(each), height, width), format="rgb24")
                for packet in stream.encode(frame):
                    film.mux(packet)
            for packet in stream.encode():
                film.mux(packet)
    except library.error.FFmpegError as error:
        raise KermaError(f"the film cannot be written: {error.strerror}") from None
    except library.codec.codec.UnknownCodecError:
        raise KermaError("this PyAV cannot encode H.264", hint="pip install --upgrade av, or make a .webp") from None


def _rate(milliseconds: float) -> Any:
    """Frames a second as a fraction that a film can have."""
    return Fraction(1000 / milliseconds).limit_denominator(1001)


def _even(frame: Array, height: int, width: int) -> Array:
    rows, columns = frame.shape[:2]
    if (rows, columns) == (height, width):
        return np.ascontiguousarray(frame)
    return np.pad(frame, ((0, height - rows), (0, width - columns), (0, 0)), mode="edge")
