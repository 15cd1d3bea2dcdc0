"""The options that ``render`` and ``show`` have in common, and what they mean.

Frames are counted from 1 here, as DICOM and other tools count them; the library counts from 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import click

from kerma.app.opening import read
from kerma.cli.options import stacked
from kerma.errors import UsageError

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")

picture_options: Callable[..., Any] = stacked(
    click.option(
        "--window",
        metavar="C,W",
        help="Center and width, also C,W,SIGMOID; or auto, minmax, full, lut; the number of a window that the file "
        "tells, from 1, or its name there.",
    ),
    click.option("--preset", metavar="NAME", help="A window by name: lung, bone, brain, abdomen, ... (for CT)."),
    click.option("--overlays/--no-overlays", default=True, show_default=True, help="Draw overlays and annotations."),
    click.option("--colormap", metavar="NAME", help="Colours for a grey image: hot-iron, pet, rainbow, ... or a file."),
    click.option("--presentation", metavar="STATE", help="Apply this presentation state, a file."),
    click.option("--icc/--no-icc", default=True, show_default=True, help="Bring colours to sRGB by their ICC profile."),
)


def arrays_at_hand() -> None:
    """``KermaError`` that says what to install where numpy is absent."""
    import kerma.pixels

    _ = kerma.pixels.Renderer


def renderer_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """What ``pixels.Renderer`` is given for those options; ``UsageError`` names one that cannot be meant."""
    arrays_at_hand()
    from kerma.pixels.colormaps import NAMES
    from kerma.pixels.luts import PRESETS

    found: dict[str, Any] = {"overlays": options["overlays"], "icc": options["icc"]}
    if options["preset"] is not None:
        if options["window"] is not None:
            raise UsageError("--window and --preset exclude each other")
        name = options["preset"].strip().lower()
        if name not in PRESETS:
            raise UsageError(f"there is no preset {name[:32]!r}", hint=f"one of {', '.join(PRESETS)}")
        found["window"] = name
    elif options["window"] is not None:
        found.update(_window(options["window"]))
    wanted = options["colormap"]
    if wanted is not None:
        by_name = wanted.strip().lower().replace("_", "-") in NAMES
        looks_like_file = not by_name and any(char in wanted for char in "./\\")
        found["colormap"] = read(wanted) if looks_like_file else wanted
    if options["presentation"] is not None:
        found["presentation"] = read(options["presentation"])
    return found


def _window(text: str) -> dict[str, Any]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) in {2, 3}:
        try:
            window = (float(parts[0]), float(parts[1]))
        except ValueError:
            raise UsageError(f"{text[:48]!r} is no window", hint="write center,width: 40,400") from None
        return {"window": window} if len(parts) == 2 else {"window": window, "function": parts[2]}
    if text.strip().isdigit():
        number = int(text)
        if number < 1:
            raise UsageError("the windows of a file are counted from 1")
        return {"window": number - 1}
    return {"window": text}


def parse_frames(text: str, count: int) -> list[int]:
    """``3``, ``2-5``, ``1,4,7-9`` or ``all`` of ``count`` frames, as numbers from 0."""
    if text.strip().lower() == "all":
        return list(range(count))
    found: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None or len(part) > 24:
            raise UsageError(f"{part[:32]!r} is no frame", hint="write 3, 2-5, 1,4 or all; frames count from 1")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= count:
            raise UsageError(f"there is no frame {part.strip()}", hint=f"the image has 1 to {count}")
        found += range(first - 1, last)
    return found


def parse_size(text: str | None) -> tuple[int, int] | None:
    """``512`` or ``640x480``."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})(?:[x,](\d{1,6}))?", text.strip().lower())
    if match is None:
        raise UsageError(f"{text[:32]!r} is no size", hint="write 512 or 640x480")
    return int(match[1]), int(match[2] or match[1])
