"""What C-GET and C-MOVE say of their sub-operations, counted and printed. May touch standard output and error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kerma.cli.report import Progress, fail_line, json_line, note, progress
from kerma.errors import StatusError
from kerma.services.retrieve_scu import Progress as Counts
from kerma.services.retrieve_scu import Received


class Tally:
    """Counts over all retrieves of one command; ``verb`` is what has happened to an instance that arrived."""

    def __init__(self, verb: str, as_json: bool) -> None:
        self._verb = verb
        self._as_json = as_json
        self._done = 0
        self._failed = 0
        self._asked = 0

    def take(self, events: Iterable[Any], where: Mapping[str, str]) -> None:
        """Follow one retrieve to its end; a refusal of the whole is one failure."""
        self._asked += 1
        with progress(f"Waiting for what is {self._verb}") as bar:
            try:
                for event in events:
                    if isinstance(event, Received):
                        self._received(event, bar)
                    elif isinstance(event, Counts):
                        self._counts(event, bar, where)
            except StatusError as error:
                self._failed += 1
                bar.fail(f"{_place(where)}: {error}")

    def finish(self) -> int:
        """The summary, and the exit status."""
        if not self._asked:
            fail_line("nothing matches (check the keys with `kerma find`)")
            return 1
        if not self._as_json:
            note(f"{self._done} {self._verb}, {self._failed} failed")
        return 1 if self._failed else 0

    def _received(self, event: Received, bar: Progress) -> None:
        bar.advance()
        if not event.ok:
            bar.fail(f"{event.sop_instance_uid}: not kept: {event.error or f'status {event.status:04X}'}")
        if self._as_json:
            json_line(
                {
                    "SOPInstanceUID": event.sop_instance_uid,
                    "SOPClassUID": event.sop_class_uid,
                    "TransferSyntaxUID": event.transfer_syntax_uid,
                    "bytes": event.size,
                    "ok": event.ok,
                    "error": event.error,
                }
            )

    def _counts(self, event: Counts, bar: Progress, where: Mapping[str, str]) -> None:
        done = event.completed + event.warning + event.failed
        bar.update(done, done + event.remaining if event.remaining is not None else None)
        if not event.final:
            return
        self._done += event.completed + event.warning
        self._failed += event.failed
        for uid in event.failed_uids:
            bar.fail(f"{uid}: the peer could not deliver it")
        if not event.ok:
            bar.fail(f"{_place(where)}: {event.error} ({event.completed} {self._verb}, {event.failed} failed)")
            self._failed += not event.failed
        if self._as_json:
            counts = {"completed": event.completed, "failed": event.failed, "warning": event.warning}
            json_line({**where, **counts, "status": f"{event.status:04X}"})


def _place(where: Mapping[str, str]) -> str:
    """The lowest unique key: a UID, or for a patient nothing that names one."""
    return next((value for key, value in reversed(where.items()) if key.endswith("UID")), where.get("level", ""))
