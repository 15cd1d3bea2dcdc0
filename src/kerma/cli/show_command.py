"""``kerma show FILE...``: images in the terminal."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from kerma.app.collect import Collector
from kerma.app.picturing import Image, images_below
from kerma.cli.options import Command
from kerma.cli.picture_options import parse_frames, picture_options, renderer_options
from kerma.cli.report import error_text, fail_line, printable
from kerma.cli.terminal_query import cell_size, device_attributes, terminal_size
from kerma.errors import KermaError, UsageError

_PIXELS_A_CELL = 20


@click.command("show", cls=Command, short_help="Draw images in the terminal.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--frame", metavar="N", default="1", show_default=True, help="Which frames, from 1: 3, 2-5, 1,4 or all.")
@picture_options
@click.option("--as", "way", type=click.Choice(["kitty", "sixel", "blocks"]), help="How to draw (default: the best).")
@click.option("--colors", type=click.Choice(["24bit", "256"]), help="Of half blocks (default: by COLORTERM).")
@click.option("--width", type=click.IntRange(2, 1000), metavar="COLUMNS", help="At most so wide.")
@click.option("--height", type=click.IntRange(2, 1000), metavar="LINES", help="At most so high.")
def command(files: tuple[str, ...], frame: str, way: str | None, colors: str | None, **options: Any) -> int:
    """Draw images in the terminal, as large as fits.

    By kitty's graphics or sixel where the terminal says that it has them, else by half blocks in 24-bit or 256 colours.
    Of a folder or an archive all images are shown, one below the other. Without --window a grey image is shown as its
    file tells.
    """
    wanted = renderer_options(options)
    from kerma.pixels.terminal import has_all_colours

    columns, lines = terminal_size()
    screen = _Screen(
        way or _best(),
        has_all_colours(os.environ) if colors is None else colors == "24bit",
        (options["width"] or columns, options["height"] or lines - 2),
        wanted,
    )
    failed = 0

    def fail(name: str, error: BaseException) -> None:
        nonlocal failed
        failed += 1
        fail_line(error_text(error, where=name))

    with Collector(late=True) as collector:
        images = images_below(collector, files, fail)
        for image in images:
            try:
                screen.show(image, frame, heading=len(images) > 1)
            except UsageError:
                raise
            except BrokenPipeError:
                raise
            except (KermaError, OSError) as error:
                fail(image.found.name, error)
    if not images and not failed:
        fail_line(f"{files[0]}: there is no image in it")
        return 1
    return 1 if failed else 0


def _best() -> str:
    """The best way to draw; the terminal is asked only where the environment does not say."""
    from kerma.pixels.terminal import way_of

    known = way_of(os.environ)
    return known if known == "kitty" or os.environ.get("TERM") == "dumb" else way_of(os.environ, device_attributes())


class _Screen:
    """Draws images on the terminal."""

    def __init__(self, way: str, colours: bool, room: tuple[int, int], wanted: dict[str, Any]) -> None:
        self.way = way
        self.colours = colours
        self.room = room
        self.wanted = wanted
        self.cell = cell_size()

    def show(self, image: Image, frame: str, *, heading: bool) -> None:
        """The frames of one image, one below the other."""
        from kerma.pixels import Renderer
        from kerma.pixels.shapes import aspect_of
        from kerma.pixels.terminal import lines

        width, height = self.room
        with image.open() as ds:
            size = (width * _PIXELS_A_CELL, height * 2 * _PIXELS_A_CELL)
            renderer = Renderer(ds, **self.wanted, size=size)
            aspect = 1.0 if "presentation" in self.wanted else aspect_of(ds)
            for number in parse_frames(frame, renderer.count):
                if heading:
                    self._line(f"# {printable(image.found.name)}")
                picture = renderer.frame(number)
                for line in lines(
                    picture, width, height, way=self.way, colours=self.colours, aspect=aspect, cell=self.cell
                ):
                    self._line(line)

    def _line(self, text: str) -> None:
        out = getattr(sys.stdout, "buffer", None)
        if out is None:
            sys.stdout.write(text + "\n")
            return
        sys.stdout.flush()
        out.write(text.encode("utf-8", "replace") + b"\n")
        out.flush()
