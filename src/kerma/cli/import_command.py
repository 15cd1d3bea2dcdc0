"""``kerma import PATH...``: files into a local archive."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from kerma.app.collect import Collector, Unusable
from kerma.app.gather import Passed, Probed, probe_all
from kerma.cli.local import local_options, open_local
from kerma.cli.options import Command, json_option
from kerma.cli.report import Progress, fail_line, json_line, note
from kerma.cli.showing import progress
from kerma.errors import KermaError, OutOfResourcesError
from kerma.services.providers import StoreOutcome

if TYPE_CHECKING:
    from kerma.archive import Archive


@click.command("import", cls=Command, short_help="Take files into a local archive.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@local_options
@json_option
def command(paths: tuple[str, ...], data: str | None, config_file: str | None, as_json: bool) -> int:
    """Take files, folders and archives into a local archive, running or not.

    Files are kept byte for byte. What is there already is not stored twice.
    """
    with (
        open_local(data, config_file, make=True) as archive,
        Collector() as collector,
        progress("Importing") as bar,
    ):
        work = Import(archive, bar, as_json)
        for item in probe_all(collector.walk(paths)):
            work.sort_in(item)
    return work.finish()


class Import:
    """Counts what came in and how."""

    def __init__(self, archive: Archive, bar: Progress, as_json: bool) -> None:
        self._archive = archive
        self._bar = bar
        self._as_json = as_json
        self._outcomes: Counter[StoreOutcome] = Counter()
        self._failed = 0
        self._passed = 0

    def sort_in(self, item: Probed | Passed | Unusable) -> None:
        """Take an instance, count anything else."""
        self._bar.advance()
        if isinstance(item, Probed):
            self._take(item)
        elif isinstance(item, Passed):
            self._passed += 1
            if item.reason:
                self._bar.note(f"{item.name}: {item.reason}, passed over")
        else:
            self._failed += 1
            self._bar.fail(str(item.error))

    def _take(self, item: Probed) -> None:
        """Ingest one file. Raises only where nothing more can be taken."""
        name, error, outcome = item.found.name, "", None
        try:
            result = self._archive.ingest(item.found.path)
            outcome = result.outcome
            self._outcomes[outcome] += 1
            if result.warning:
                self._bar.note(f"{name}: {result.warning}")
        except OutOfResourcesError:
            raise
        except KermaError as caught:
            error = f"{caught.message} ({caught.hint})" if caught.hint else caught.message
        if outcome is StoreOutcome.QUARANTINED:
            error = "other bytes are stored under this SOP Instance UID; these are in quarantine"
        if error:
            self._failed += 1
            self._bar.fail(f"{name}: {error}")
        if self._as_json:
            json_line(
                {
                    "name": name,
                    "SOPInstanceUID": item.instance.sop_instance_uid,
                    "outcome": outcome.value if outcome else None,
                    "error": error,
                }
            )

    def finish(self) -> int:
        """The summary, and the exit status."""
        done = sum(self._outcomes.values()) - self._outcomes[StoreOutcome.QUARANTINED]
        if not done and not self._failed:
            fail_line("nothing to import: no DICOM instance was found (check the paths)")
            return 1
        if not self._as_json:
            words = [f"{count} {outcome.value}" for outcome, count in self._outcomes.items()]
            note(", ".join([*words, f"{self._failed} failed", f"{self._passed} passed over"]))
        return 1 if self._failed else 0
