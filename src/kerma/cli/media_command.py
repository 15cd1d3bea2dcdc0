"""``kerma media DIR``: the file-set of a medium (DICOMDIR): shown, checked, made and changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from kerma.app.collect import Collector, Found, Unusable
from kerma.app.gather import Passed, Probed, probe, probe_all
from kerma.cli.options import Command, json_option
from kerma.cli.report import Progress, fail_line, note, printable, result_line
from kerma.cli.showing import progress
from kerma.errors import KermaError, UsageError
from kerma.formats import json as dicom_json
from kerma.formats import media

_SHOWN = {
    "PATIENT": ("PatientID", "PatientName"),
    "STUDY": ("StudyDate", "StudyDescription", "StudyInstanceUID"),
    "SERIES": ("Modality", "SeriesNumber", "SeriesDescription", "SeriesInstanceUID"),
}
_LEAF = ("InstanceNumber", "ContentLabel")


@click.command("media", cls=Command, short_help="Show, check, make and change a file-set (DICOMDIR).")
@click.argument("folder", metavar="DIR")
@click.argument("what", nargs=-1, metavar="[WHAT...]")
@click.option("--create", is_flag=True, help="Make a file-set in DIR of the files, folders and archives WHAT.")
@click.option("--add", is_flag=True, help="Add the files, folders and archives WHAT.")
@click.option("--remove", is_flag=True, help="Remove WHAT: UIDs, patient IDs, or File IDs such as IMAGES/IM000001.")
@click.option("--profile", "profile_name", metavar="NAME", help="Keep to an application profile, such as STD-GEN-CD.")
@click.option("--id", "file_set_id", metavar="TEXT", help="The File-set ID to write.")
@click.option("--invent", is_flag=True, help="Invent required keys that instances lack: dates and numbers.")
@click.option("--keep-files", is_flag=True, help="With --remove: leave the files on the medium.")
@click.option("--no-files", is_flag=True, help="Check the DICOMDIR alone, without opening files.")
@json_option
def command(
    folder: str,
    what: tuple[str, ...],
    create: bool,
    add: bool,
    remove: bool,
    profile_name: str | None,
    file_set_id: str | None,
    invent: bool,
    keep_files: bool,
    no_files: bool,
    as_json: bool,
) -> int:
    """Show and check the file-set in DIR, or make or change it.

    Without --create, --add or --remove its records are shown as a tree, and compared with the standard, with the files
    on the medium, and with --profile. With --json every instance is a line of DICOM JSON.

    --create and --add copy WHAT to DIR, byte for byte, under File IDs that are made; what lies in DIR under a valid
    File ID stays where it is. --create without WHAT lists what lies in DIR.
    """
    profile = None if profile_name is None else media.profile(profile_name)
    if create + add + remove > 1:
        raise UsageError("--create, --add and --remove exclude each other", hint="give one of them")
    if create or add:
        if add and not what:
            raise UsageError("nothing to add is named", hint="name files, folders or archives behind DIR")
        fileset = media.FileSet.create(folder, file_set_id=file_set_id or "") if create else media.FileSet.open(folder)
        return _fill(fileset, what, profile, invent=invent, file_set_id=file_set_id)
    if remove:
        return _remove(media.FileSet.open(folder), what, keep_files=keep_files)
    if what:
        raise UsageError("what to do with the names behind DIR?", hint="--add, --create or --remove")
    fileset = media.FileSet.open(folder)
    _show(fileset, as_json=as_json)
    return _check(fileset, profile, files=not no_files)


# -- showing -----------------------------------------------------------------------------------------------------------


def _show(fileset: media.FileSet, *, as_json: bool) -> None:
    if as_json:
        for record in fileset.instances():
            result_line(dicom_json.to_json(record.merged()))
        return
    for depth, record in fileset.walk():
        result_line(printable("  " * depth + _line(record)))


def _line(record: media.Record) -> str:
    """One record for people: what tells it from others, and its file."""
    words = [record.type]
    for keyword in _SHOWN.get(record.type, _LEAF):
        try:
            value = record.dataset.get(keyword)
        except KermaError:
            value = "?"
        if value not in (None, ""):
            words.append(str(value))
    try:
        file_id = record.file_id
    except KermaError:
        file_id = None
    return "  ".join([*words, *(["/".join(file_id)] if file_id else [])])


def _check(fileset: media.FileSet, profile: media.Profile | None, *, files: bool) -> int:
    errors = warnings = 0
    with progress("Checking") as bar:
        for problem in media.verify(fileset, files=files, profile=profile, progress=bar.update):
            if problem.severity == "error":
                errors += 1
                bar.fail(str(problem))
            else:
                warnings += 1
                bar.note(f"warning: {problem}")
    count = len(fileset)
    named = f" {fileset.file_set_id!r}" if fileset.file_set_id else ""
    note(f"file-set{named}: {_count(count, 'file')}, {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    return 1 if errors else 0


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


# -- changing ----------------------------------------------------------------------------------------------------------


def _fill(
    fileset: media.FileSet,
    what: tuple[str, ...],
    profile: media.Profile | None,
    *,
    invent: bool,
    file_set_id: str | None,
) -> int:
    """Add what is named, or what lies on the medium; the DICOMDIR is written once, at the end."""
    before, failed = len(fileset), 0
    with fileset, Collector() as collector, progress("Adding") as bar:
        if file_set_id is not None:
            fileset.file_set_id = file_set_id
        items = probe_all(collector.walk(what)) if what else _lying(fileset)
        for item in items:
            bar.advance()
            failed += not _add(fileset, item, profile, bar, invent=invent, in_place=not what)
        count = len(fileset) - before
        if not count and failed:
            raise KermaError("nothing was added", where=str(fileset.folder), hint="the lines above say why")
    note(f"{count} added, {failed} failed; the file-set has {_count(len(fileset), 'file')}")
    return 1 if failed else 0


def _lying(fileset: media.FileSet) -> Iterator[Probed | Passed | Unusable]:
    """The files on the medium."""
    for path, _ in fileset.medium.files():
        yield probe(Found(path, str(path), named=False))


def _add(
    fileset: media.FileSet,
    item: Probed | Passed | Unusable,
    profile: media.Profile | None,
    bar: Progress,
    *,
    invent: bool,
    in_place: bool,
) -> bool:
    """Add one file; False where it failed, with a line."""
    if isinstance(item, Passed):
        return True
    try:
        if isinstance(item, Unusable):
            raise item.error
        fileset.add(item.found.path, invent=invent, profile=profile, in_place=in_place)
    except KermaError as error:
        if isinstance(item, Probed):
            error.where = item.found.name
        bar.fail(str(error))
        return False
    return True


def _remove(fileset: media.FileSet, what: Iterable[str], *, keep_files: bool) -> int:
    names = list(what)
    if not names:
        raise UsageError("nothing to remove is named", hint="name UIDs, patient IDs or File IDs behind DIR")
    failed = gone = 0
    for name in names:
        records = fileset.find(name)
        if not records:
            failed += 1
            fail_line(f"{name}: no record of the file-set has this UID, patient ID or File ID")
        for record in records:
            gone += len(fileset.remove(record, keep_files=keep_files))
    if gone:
        fileset.save()
    note(f"{gone} removed, {failed} failed; the file-set has {_count(len(fileset), 'file')}")
    return 1 if failed else 0
