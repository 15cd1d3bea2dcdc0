"""What a rendered resource is asked for: its query parameters, and the form that the asker gets.

PS3.18 8.3.5 (parameters), 8.7.4 (rendered media types), 10.4.1. Rules:

- A parameter that cannot be meant is a 400 that names it; one that is not of these is not looked at.
- Numbers are bounded here, before anything is decoded: who asks for a large picture is told so at once.
- Of what is taken the most specific wins, then what the asker names first, then what is offered first.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kerma.dicomweb.media_types import Range
from kerma.dicomweb.problems import HTTPProblem

JPEG, PNG, GIF, WEBP, JP2, MP4 = "image/jpeg", "image/png", "image/gif", "image/webp", "image/jp2", "video/mp4"
JPH, JXL = "image/jph", "image/jxl"
HTML, PLAIN, PDF, XML = "text/html", "text/plain", "application/pdf", "text/xml"

MAX_SIDE = 16_384
"""Pixels of a side of a viewport."""
MAX_AREA = 1 << 26
"""Pixels of a viewport."""
THUMBNAIL_SIDE = 256
"""Of the box that a thumbnail fits into where no viewport is asked for."""
QUALITY = 90

ANNOTATIONS = ("patient", "technique")
PROFILES = ("no", "yes", "srgb", "adobergb", "rommrgb", "displayp3")
FUNCTIONS = {
    "linear": "LINEAR",
    "linear-exact": "LINEAR_EXACT",
    "linear_exact": "LINEAR_EXACT",
    "sigmoid": "SIGMOID",
}
"""The shapes of PS3.18 8.3.5.1.4, and VOI LUT Function as PS3.3 spells it."""
CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "us-ascii",
    "ascii": "us-ascii",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "iso-8859-2": "iso-8859-2",
    "iso-8859-5": "iso-8859-5",
    "iso-8859-15": "iso-8859-15",
    "utf-16": "utf-16",
}
"""What askers write, and the name that IANA has for it, which Python knows too."""


class Kind(enum.Enum):
    """What an instance is to somebody who looks at it; the value is what it can be had as, the default first."""

    STILL = (JPEG, PNG, GIF, WEBP, JP2, JPH, JXL)
    MOVING = (JPEG, PNG, GIF, WEBP, JP2, JPH, JXL, MP4)
    VIDEO = (MP4, JPEG, PNG, GIF, WEBP, JP2, JPH, JXL)
    REPORT = (HTML, PLAIN, JPEG, PNG, WEBP)
    DOCUMENT = (PDF, JPEG, PNG, WEBP)
    CLINICAL_DOCUMENT = (XML, JPEG, PNG, WEBP)
    WAVEFORM = (JPEG, PNG, PDF, GIF, WEBP)
    OTHER = (JPEG, PNG, WEBP, GIF)  # only its kind can be told: a picture with its name

    @property
    def media_types(self) -> tuple[str, ...]:
        return tuple(self.value)


THUMBNAILS = (JPEG, PNG, GIF, WEBP, JP2, JPH, JXL)
FILMS = frozenset({GIF, MP4})
"""What holds several frames; a WebP is what browsers ask pictures as, and stays one."""


@dataclass(frozen=True, slots=True)
class Viewport:
    """What part of a picture is wanted, how large (PS3.18 8.3.5.1.3). ``sw`` and ``sh`` None: up to the edge."""

    vw: int
    vh: int
    sx: float = 0.0
    sy: float = 0.0
    sw: float | None = None
    sh: float | None = None
    flip_horizontal: bool = False
    flip_vertical: bool = False

    @property
    def whole(self) -> bool:
        """Whether all of the picture is wanted, as it stands."""
        plain = (self.sx, self.sy, self.sw, self.sh) == (0.0, 0.0, None, None)
        return plain and not self.flip_horizontal and not self.flip_vertical

    def region(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the part of a picture of that size; ``HTTPProblem`` where it is outside."""
        left, top = math.floor(self.sx), math.floor(self.sy)
        right = width if self.sw is None else min(math.ceil(self.sx + self.sw), width)
        bottom = height if self.sh is None else min(math.ceil(self.sy + self.sh), height)
        if not (left < right and top < bottom):
            raise HTTPProblem(
                400,
                f"viewport: the part from {left},{top} is outside of a picture of {width} x {height}",
                hint="sx and sy are below its width and height",
            )
        return left, top, right, bottom


@dataclass(frozen=True, slots=True)
class RenderedParameters:
    """What was asked for, checked. Frozen and hashable: a part of the key of what is kept."""

    window: tuple[float, float] | None = None
    function: str = "LINEAR"
    viewport: Viewport | None = None
    quality: int = QUALITY
    annotation: frozenset[str] = frozenset()
    iccprofile: str = "no"
    charset: str = "utf-8"
    region: tuple[float, float, float, float] | None = None
    """Left, top, right and bottom as parts of the picture, 0 to 1: the URI service has it so (PS3.18 9.1.2.2.4)."""

    def cut(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the part that is wanted of a picture of that size."""
        if self.region is not None:
            left, top, right, bottom = self.region
            across, down = min(int(left * width), width - 1), min(int(top * height), height - 1)
            return across, down, max(math.ceil(right * width), across + 1), max(math.ceil(bottom * height), down + 1)
        return (0, 0, width, height) if self.viewport is None else self.viewport.region(width, height)


def parse(parameters: Iterable[tuple[str, str]], *, thumbnail: bool = False) -> RenderedParameters:
    """The parameters of a URL, percent-decoded. A thumbnail has a viewport and nothing else (PS3.18 8.3.5.2)."""
    said: dict[str, str] = {}
    for name, value in parameters:
        if value.strip():
            said.setdefault(name.lower(), value.strip())
    charset = _charset(said.get("charset"))
    if thumbnail:
        return RenderedParameters(viewport=_viewport(said.get("viewport"), bare=True), charset=charset)
    window, function = _window(said.get("window"))
    return RenderedParameters(
        window,
        function,
        _viewport(said.get("viewport")),
        _quality(said.get("quality")),
        _annotation(said.get("annotation")),
        _profile(said.get("iccprofile")),
        charset,
    )


def parse_uri(parameters: Iterable[tuple[str, str]]) -> RenderedParameters:
    """The parameters of the URI service for pictures (PS3.18 9.1.2.2): ``rows``, ``columns``, ``region``,
    ``windowCenter``, ``windowWidth``, ``imageQuality``, ``annotation``, ``charset``.
    """
    said: dict[str, str] = {}
    for name, value in parameters:
        if value.strip():
            said.setdefault(name.lower(), value.strip())
    center, width = said.get("windowcenter"), said.get("windowwidth")
    if (center is None) != (width is None):
        raise HTTPProblem(400, "windowCenter and windowWidth go together")
    window, function = _window(None if center is None else f"{center},{width}")
    columns, rows = said.get("columns"), said.get("rows")
    side = str(MAX_AREA // MAX_SIDE)
    box = None if columns is None and rows is None else f"{columns or side},{rows or side}"
    return RenderedParameters(
        window,
        function,
        _viewport(box, bare=True),
        _quality(said.get("imagequality")),
        _annotation(said.get("annotation")),
        charset=_charset(said.get("charset")),
        region=_region(said.get("region")),
    )


def choose(ranges: Sequence[Range], offered: Sequence[str]) -> tuple[str, bool]:
    """The media type of ``offered`` that suits, and whether it is wanted in parts (multipart/related). 406 where none.

    No range takes anything: the first that is offered.
    """
    if not ranges:
        return offered[0], False
    best: tuple[float, int, int, int] | None = None
    found: tuple[str, bool] | None = None
    for place, media_type in enumerate(offered):
        fitting = [(each.specificity, -at, each) for at, each in enumerate(ranges) if each.covers(media_type)]
        if not fitting:
            continue
        specificity, at, chosen = max(fitting, key=lambda row: row[:2])
        rank = (chosen.q, specificity, at, -place)
        if chosen.q > 0 and (best is None or rank > best):
            best, found = rank, (media_type, chosen.multipart)
    if found is None:
        raise HTTPProblem(406, "this cannot be rendered as what Accept asks for", hint=f"there is {', '.join(offered)}")
    return found


# -- one parameter each ------------------------------------------------------------------------------------------------


def _window(text: str | None) -> tuple[tuple[float, float] | None, str]:
    if text is None:
        return None, "LINEAR"
    parts = [part.strip() for part in text.split(",")]
    hint = "window=center,width,function: two numbers and linear, linear-exact or sigmoid"
    if len(parts) not in (2, 3):
        raise HTTPProblem(400, f"window has {len(parts)} values", hint=hint)
    center, width = _number("window", parts[0], hint), _number("window", parts[1], hint)
    function = FUNCTIONS.get(parts[2].lower()) if len(parts) == 3 and parts[2] else "LINEAR"
    if function is None:
        raise HTTPProblem(400, "window names a function that is none", hint=hint)
    if width <= 0 or (function == "LINEAR" and width < 1):
        raise HTTPProblem(400, f"window: a width of {width:g} shows nothing", hint="1 or more; above 0 if not linear")
    return (center, width), function


def _viewport(text: str | None, *, bare: bool = False) -> Viewport | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    hint = "viewport=vw,vh" if bare else "viewport=vw,vh[,sx,sy,sw,sh]"
    if not 2 <= len(parts) <= (2 if bare else 6):
        raise HTTPProblem(400, f"viewport has {len(parts)} values", hint=hint)
    sizes = [_number("viewport", part, hint) for part in parts[:2]]
    if not all(size == int(size) and 1 <= size <= MAX_SIDE for size in sizes) or sizes[0] * sizes[1] > MAX_AREA:
        raise HTTPProblem(
            400,
            "viewport: vw and vh are no size that can be made",
            hint=f"whole numbers from 1 to {MAX_SIDE}, {MAX_AREA} pixels together",
        )
    sx, sy, sw, sh = (_number("viewport", part, hint) if part else None for part in [*parts[2:], *[""] * 4][:4])
    if (sx or 0) < 0 or (sy or 0) < 0 or sw == 0 or sh == 0:
        raise HTTPProblem(400, "viewport: no such part of a picture", hint="sx and sy from 0 on, sw and sh not 0")
    return Viewport(
        int(sizes[0]),
        int(sizes[1]),
        sx or 0.0,
        sy or 0.0,
        None if sw is None else abs(sw),
        None if sh is None else abs(sh),
        sw is not None and sw < 0,
        sh is not None and sh < 0,
    )


def _region(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    hint = "region=left,top,right,bottom, each from 0 to 1"
    parts = text.split(",")
    if len(parts) != 4:
        raise HTTPProblem(400, f"region has {len(parts)} values", hint=hint)
    left, top, right, bottom = (_number("region", part.strip(), hint) for part in parts)
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise HTTPProblem(400, "region is no part of a picture", hint=hint)
    return left, top, right, bottom


def _quality(text: str | None) -> int:
    if text is None:
        return QUALITY
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= 100):
        raise HTTPProblem(400, "quality is no number from 1 to 100")
    return int(text)


def _annotation(text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset()
    wanted = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    if not wanted <= frozenset(ANNOTATIONS):
        raise HTTPProblem(400, "annotation has a keyword that is not known", hint=f"there are {', '.join(ANNOTATIONS)}")
    return wanted


def _profile(text: str | None) -> str:
    if text is None:
        return "no"
    if text.lower() not in PROFILES:
        raise HTTPProblem(400, "iccprofile is none that is known", hint=f"one of {', '.join(PROFILES)}")
    return text.lower()


def _charset(text: str | None) -> str:
    if text is None:
        return "utf-8"
    for part in text.split(","):
        name = part.split(";")[0].strip().strip('"').lower()
        if name == "*":
            return "utf-8"
        if name in CHARSETS:
            return CHARSETS[name]
    raise HTTPProblem(406, "charset names none that text can be had in", hint=f"one of {', '.join(CHARSETS)}")


def _number(name: str, text: str, hint: str) -> float:
    try:
        value = float(text) if len(text) <= 32 else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > 1e9 or "_" in text:
        raise HTTPProblem(400, f"{name} has a value that is no number", hint=hint)
    return value
