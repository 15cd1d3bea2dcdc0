"""``kerma render FILE OUT``: an image as a picture, several as a contact sheet or a film."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from kerma.app.collect import Collector
from kerma.app.picturing import Image, images_below
from kerma.cli.options import Command
from kerma.cli.picture_options import arrays_at_hand, parse_frames, parse_size, picture_options, renderer_options
from kerma.cli.report import error_text, fail_line
from kerma.cli.showing import progress
from kerma.errors import KermaError, UsageError
from kerma.pixels import extras


@click.command("render", cls=Command, short_help="Make pictures, films and contact sheets.")
@click.argument("source", metavar="FILE")
@click.argument("target", metavar="OUT")
@click.option("--frame", metavar="N", help="Which frames, from 1: 3, 2-5, 1,4 or all (default: 1, or all for a film).")
@picture_options
@click.option("--size", metavar="N or WxH", help="Fit into so many pixels; a picture is never made larger ...")
@click.option("--enlarge", is_flag=True, help="... unless this is said.")
@click.option("--square", is_flag=True, help="Stretch pixels that are not square.")
@click.option("--quality", type=click.IntRange(1, 100), default=90, show_default=True, help="Of JPEG, WebP and MP4.")
@click.option("--rate", type=click.FloatRange(0.1, 1000), metavar="FPS", help="Frames a second (default: the file's).")
@click.option("--columns", type=click.IntRange(1, 1000), help="Pictures beside each other on a contact sheet.")
@click.option("--tile", type=click.IntRange(16, 2048), default=160, show_default=True, help="Pixels of one of them.")
@click.option("--labels/--no-labels", default=True, show_default=True, help="Series and instance number below each.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def command(source: str, target: str, frame: str | None, force: bool, **options: Any) -> int:
    """Make a picture of an image.

    OUT is .png, .jpg, .webp, .tif or .bmp for a picture, .gif, .webp or .mp4 for a film of several frames. Several
    frames in a picture become a contact sheet, and so do the images of a folder or an archive; of a film, they are the
    frames.
    Without --window a grey image is shown as its file tells. Nothing is written over a file that is there, unless
    --force says so, and no file is ever half written.
    """
    arrays_at_hand()
    from kerma.pixels.pictures import FILMS, form_of

    form = form_of(target)
    if not force and Path(target).exists():
        raise UsageError("the file is there already", where=target, hint="--force writes over it")
    wanted = {**renderer_options(options), "enlarge": options["enlarge"], "square": options["square"]}
    extras.pillow("Image")
    if form == "MP4":
        extras.av()
    with Collector(late=True) as collector:
        work = _Work(target, form in FILMS, wanted, options)
        images = images_below(collector, [source], work.fail)
        if not images:
            if not work.failed:
                fail_line(f"{source}: there is no image in it")
            return 1
        if len(images) == 1:
            work.one(images[0], frame)
        elif frame is not None:
            raise UsageError("--frame is for one image", hint=f"{source} holds {len(images)}")
        else:
            work.several(images)
    return 1 if work.failed else 0


class _Work:
    """Renders to one file; counts what failed."""

    def __init__(self, target: str, moving: bool, wanted: dict[str, Any], options: dict[str, Any]) -> None:
        self.target = target
        self.moving = moving
        self.wanted = wanted
        self.options = options
        self.size = parse_size(options["size"])
        self.failed = 0

    def fail(self, name: str, error: BaseException) -> None:
        """One line; the others go on."""
        self.failed += 1
        fail_line(error_text(error, where=name))

    def one(self, image: Image, frame: str | None) -> None:
        """An image: a frame as a picture, several as a film or a sheet."""
        from kerma.pixels import Renderer, contact_sheet, save_film, save_picture
        from kerma.pixels.pictures import counted, frame_milliseconds

        with image.open() as ds:
            renderer = Renderer(ds, **self.wanted, size=self.size)
            numbers = parse_frames(frame or ("all" if self.moving else "1"), renderer.count)
            if len(numbers) == 1:
                save_picture(renderer.frame(numbers[0]), self.target, quality=self.options["quality"])
                return
            with progress("Rendering", len(numbers)) as bar:
                if self.moving:
                    moving = Renderer(ds, **self.wanted, size=self.size, steady=True)
                    save_film(
                        counted(moving.frames(numbers), bar.advance),
                        self.target,
                        milliseconds=self._milliseconds(frame_milliseconds(ds)),
                        quality=self.options["quality"],
                    )
                    return
                small = Renderer(ds, **self.wanted, size=self.options["tile"])
                pictures = ((small.frame(number), str(number + 1)) for number in numbers)
                self._save_sheet(contact_sheet(_advancing(pictures, bar), **self._sheet()))

    def several(self, images: list[Image]) -> None:
        """The images of a folder: a contact sheet, or a film of them."""
        from kerma.pixels import contact_sheet, save_film

        with progress("Rendering", len(images)) as bar:
            if self.moving:
                frames = (picture for picture, _ in self._pictures(images, self.size, bar))
                save_film(
                    _same_size(frames),
                    self.target,
                    milliseconds=self._milliseconds(100.0),
                    quality=self.options["quality"],
                )
            else:
                tile = self.options["tile"]
                self._save_sheet(contact_sheet(self._pictures(images, (tile, tile), bar), **self._sheet()))

    def _pictures(self, images: list[Image], size: tuple[int, int] | None, bar: Any) -> Iterator[tuple[Any, str]]:
        """The middle frame of each image, with its label. What fails is a line."""
        from kerma.pixels import Renderer

        for image in images:
            try:
                with image.open() as ds:
                    renderer = Renderer(ds, **self.wanted, size=size)
                    picture = renderer.frame(renderer.count // 2)
                yield picture, image.label
            except UsageError:
                raise  # an option that cannot be meant is so for all of them
            except (KermaError, OSError) as error:
                self.failed += 1
                bar.fail(error_text(error, where=image.found.name))
            bar.advance()

    def _milliseconds(self, told: float) -> float:
        rate = self.options["rate"]
        return told if rate is None else 1000 / rate

    def _sheet(self) -> dict[str, Any]:
        return {key: self.options[key] for key in ("columns", "tile", "labels")}

    def _save_sheet(self, sheet: Any) -> None:
        from kerma.pixels import save_picture
        from kerma.pixels.shapes import fitted

        save_picture(fitted(sheet, self.size), self.target, quality=self.options["quality"])


def _advancing(pictures: Iterator[Any], bar: Any) -> Iterator[Any]:
    for each in pictures:
        yield each
        bar.advance()


def _same_size(frames: Iterator[Any]) -> Iterator[Any]:
    """Frames of the first one's size; others are fitted into it on black."""
    from kerma.pixels.shapes import as_rgb, fitted, on_black

    size: tuple[int, int] | None = None
    for frame in frames:
        rows, columns = frame.shape[:2]
        if size is None:
            size = columns, rows
        same = frame if (columns, rows) == size else on_black(fitted(frame, size), size)
        yield as_rgb(same)
