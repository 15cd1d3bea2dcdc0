"""``kerma volume PATH... [-o OUT]``: series as volumes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerma.app.collect import Collector
from kerma.cli.options import Command, json_option
from kerma.cli.report import Progress, error_text, json_line
from kerma.cli.showing import progress, table
from kerma.errors import KermaError, UsageError

if TYPE_CHECKING:
    from kerma.app.volumes import Series
    from kerma.pixels.volumes import Volume

_COLUMNS = ("series", "description", "size", "spacing", "axis", "unit", "findings", "file")


@click.command("volume", cls=Command, short_help="Make volumes (NIfTI) of series.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-o", "--output", metavar="OUT", help="A .nii, .nii.gz or .npy file, or a folder for all volumes.")
@click.option("--stored", is_flag=True, help="Keep stored values; NIfTI then says slope and intercept.")
@click.option("--suv", metavar="KIND", help="PET in standardized uptake values: BW, LBM, BSA, ...")
@click.option("--straight", is_flag=True, help="Resample a series with a tilted gantry to straight slices.")
@click.option("--even", is_flag=True, help="Resample a series with gaps to evenly spaced slices.")
@click.option("--strict", is_flag=True, help="Refuse series with gaps, duplicates, uneven spacing or a tilt.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@json_option
def command(
    paths: tuple[str, ...],
    output: str | None,
    stored: bool,
    suv: str | None,
    straight: bool,
    even: bool,
    strict: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Make volumes of the series in files, folders and archives.

    Slices are sorted by where they lie, not by their numbers; repetitions of a place become a fourth axis. Without -o
    the volumes are listed, with what is odd about them. OUT is a file where there is one volume, and a folder where
    there are several; files are then named after series and description.
    """
    from kerma.app.volumes import Wanted, build, listed, series_of, suffix_of

    if suv and stored:
        raise UsageError("SUV are no stored values", hint="leave out --stored")
    folder = output is not None and (output.endswith("/") or Path(output).is_dir())
    if output is not None and not folder:
        suffix_of(output)
    work = _Work(output, folder, force)
    wanted = Wanted(stored=stored, straight=straight, even=even, strict=strict, suv=suv or "")
    with Collector() as collector, progress("Reading") as bar:
        work.bar = bar

        def counted() -> Any:
            for item in collector.walk(list(paths)):
                bar.advance()
                yield item

        for series in series_of(counted(), work.failed_file):
            try:
                for volume in listed(series) if output is None else build(series, wanted, bar.update):
                    work.one(series, volume)
            except (KermaError, OSError) as error:
                work.failed_file(f"series {series.number or series.uid}", error)
        work.finish()
    if not work.rows and not work.failures:
        raise KermaError("no images were found", where=paths[0])
    if as_json:
        for row in work.rows:
            json_line(row)
    elif work.rows:
        table(_COLUMNS, [[str(row[column]) for column in _COLUMNS] for row in work.rows])
    return 1 if work.failures else 0


class _Work:
    """Volumes as they come: a row for each, and a file where that was asked for."""

    def __init__(self, output: str | None, folder: bool, force: bool) -> None:
        self.output = output
        self.folder = folder
        self.force = force
        self.rows: list[dict[str, Any]] = []
        self.failures = 0
        self.bar = Progress()
        self._kept: Volume | None = None
        self._names: set[str] = set()

    def failed_file(self, name: str, error: Exception) -> None:
        """A line for what cannot be taken."""
        self.failures += 1
        self.bar.fail(error_text(error, where=name))

    def one(self, series: Series, volume: Volume) -> None:
        """List a volume, and write it where there may be several."""
        slices, rows, columns = volume.shape
        times = f" x {len(volume.coordinates)}" if volume.axis else ""
        row = {
            "series": series.number or series.uid,
            "description": series.description,
            "size": f"{columns} x {rows} x {slices}{times}",
            "spacing": " x ".join(f"{each:.4g}" for each in reversed(volume.spacing)),
            "axis": volume.axis,
            "unit": volume.unit,
            "findings": "; ".join(map(str, volume.findings)),
            "file": "",
        }
        self.rows.append(row)
        if self.output is not None and self.folder:
            name = self._name(series)
            row["file"] = name
            self._write(volume, Path(self.output) / name)
        elif self.output is not None:
            if self._kept is not None:
                raise click.UsageError(f"{self.output}: there are several volumes for one file; name a folder as OUT")
            self._kept = volume
            row["file"] = self.output

    def finish(self) -> None:
        """Write the only volume, when it is known to be the only one."""
        if self._kept is not None and self.output is not None and not self.failures:
            try:
                self._write(self._kept, Path(self.output))
            except KermaError as error:
                error.where = error.where or self.output
                raise

    def _write(self, volume: Volume, target: Path) -> None:
        from kerma.app.volumes import write

        if self.folder:
            target.parent.mkdir(parents=True, exist_ok=True)
        write(volume, target, force=self.force)

    def _name(self, series: Series) -> str:
        words = re.sub(r"[^A-Za-z0-9]+", "_", series.description).strip("_")[:60]
        base = "_".join(part for part in (str(series.number or "series"), words) if part)
        name, count = base, 1
        while name in self._names:
            count += 1
            name = f"{base}_{count}"
        self._names.add(name)
        return f"{name}.nii.gz"
