"""``kerma wrap FILE... -o OUT``: a new DICOM object around pictures or a document."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from kerma.cli.options import Command, config_option, load_config, parse_keys
from kerma.cli.report import note, printable, result_line
from kerma.errors import UsageError
from kerma.formats.building import KINDS, UNITS, Maker, wrap
from kerma.formats.part10 import read, write
from kerma.standard import elements, vrs
from kerma.values.new_uid import new_uid

_KEY = re.compile(r"[A-Z][A-Za-z0-9]*=.*", re.DOTALL)
_NUMBERS = frozenset(vr for vr in vrs.ALL if vrs.get(vr).size) - {"AT", "OB", "OW", "OD", "OF", "OL", "OV"}
_SHARED = ("patient", "study", "series")


@click.command("wrap", cls=Command, short_help="Make DICOM of pictures, PDF, CDA, STL, OBJ or MTL.")
@click.argument("words", nargs=-1, required=True, metavar="FILE... [KEY=VALUE]...")
@click.option("-o", "--output", metavar="OUT", required=True, help="The file to write.")
@click.option("--patient-from", metavar="DICOM", help="The new object is of the same patient as this file.")
@click.option("--study-from", metavar="DICOM", help="It is in the same study as this file.")
@click.option("--series-from", metavar="DICOM", help="It is in the same series as this file.")
@click.option("--kind", type=click.Choice(["image", *KINDS]), help="What FILE is, where its bytes do not tell.")
@click.option("--title", default="", help="The document's title.")
@click.option("--concept", metavar="CODE,SCHEME,MEANING", help="The document's title as a code.")
@click.option("--unit", type=click.Choice(list(UNITS)), default="mm", show_default=True, help="The unit of a model.")
@click.option("--multi-frame", is_flag=True, help="Make a multi-frame object of a single picture, too.")
@click.option("--frame-time", type=float, metavar="MS", help="The frames are a film with this time between them.")
@click.option("--uid-root", metavar="ROOT", help="Make UIDs under this root (default: the configuration's, else 2.25).")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@config_option
def command(
    words: tuple[str, ...],
    output: str,
    patient_from: str | None,
    study_from: str | None,
    series_from: str | None,
    concept: str | None,
    uid_root: str | None,
    force: bool,
    config_file: str | None,
    **options: Any,
) -> int:
    """Make a new DICOM object around files.

    Pictures become a Secondary Capture image: JPEG and JPEG 2000 as they are, PNG, TIFF, BMP, GIF and others as plain
    samples; several pictures, or pages, become the frames of one object. A PDF, CDA, STL, OBJ or MTL becomes an
    encapsulated document. KEY=VALUE sets an attribute: PatientName='Doe^Jane' PatientID=P1. What nobody says is empty
    where the standard lets it be.
    """
    keys = [word for word in words if _KEY.fullmatch(word)]
    files = [word for word in words if not _KEY.fullmatch(word)]
    if not files:
        raise UsageError("no file to wrap", hint="a file whose name looks like KEY=VALUE is written ./KEY=VALUE")
    _may_write(output, force)
    template, share = _template(patient_from, study_from, series_from)
    root = uid_root if uid_root is not None else load_config(config_file).uids.root
    ds = wrap(
        list(files),
        like=None if template is None else read(template),
        share=share,
        concept=_concept(concept),
        maker=Maker(uid=lambda: new_uid(root)),
        **{name: value for name, value in options.items() if value is not False},
        **_attributes(keys),
    )
    write(ds, output)
    for finding in ds.findings:
        note(f"{printable(files[0])}: {finding.text}")
    result_line(str(ds.SOPInstanceUID))
    return 0


def _may_write(output: str, force: bool) -> None:
    if not force and Path(output).exists():
        raise UsageError("the file is there already", where=output, hint="--force writes over it")


def _template(*given: str | None) -> tuple[str | None, Any]:
    chosen = [(path, share) for path, share in zip(given, _SHARED, strict=True) if path is not None]
    if len(chosen) > 1:
        raise UsageError("only one of --patient-from, --study-from and --series-from can be given")
    return chosen[0] if chosen else (None, "study")


def _concept(text: str | None) -> tuple[str, str, str] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",", 2)]
    if len(parts) != 3 or not all(parts):
        raise UsageError(
            f"{text[:64]!r} is no code", hint="write CODE,SCHEME,MEANING: 18748-4,LN,Diagnostic imaging study"
        )
    return parts[0], parts[1], parts[2]


def _attributes(words: list[str]) -> dict[str, Any]:
    """Keywords with their values; several values are parted by a backslash."""
    found: dict[str, Any] = {}
    for keyword, text in parse_keys(words).items():
        vr = elements.vr_of(elements.parse_tag(keyword)) if "." not in keyword else "SQ"
        if vr == "SQ" or vr in {"OB", "OW", "OD", "OF", "OL", "OV", "UN", "AT"}:
            raise UsageError(f"{keyword} cannot be given here", hint="only attributes of text and numbers")
        split = vrs.get(vr).split or vr in _NUMBERS
        parts: list[Any] = text.split("\\") if split else [text]
        if vr in _NUMBERS:
            parts = [_number(keyword, vr, part) for part in parts]
        found[keyword] = (parts[0] if len(parts) == 1 else parts) if text else None
    return found


def _number(keyword: str, vr: str, text: str) -> int | float | None:
    if not text:
        return None
    try:
        return float(text) if vr in {"FL", "FD"} else int(text)
    except ValueError:
        raise UsageError(f"{keyword} is a number, not {text[:32]!r}") from None
