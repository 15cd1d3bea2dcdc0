"""What C-GET and C-MOVE say of their sub-operations, counted and printed. May touch standard output and error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from kerma.cli.report import Progress, fail_line, json_line, note
from kerma.cli.showing import progress
from kerma.errors import StatusError
from kerma.services.retrieve_scu import Progress as Counts
from kerma.services.retrieve_scu import Received


class Tally:
    """Counts over all retrieves of one command; ``verb`` is what has happened to an instance that arrived. A context
    manager."""

    def __init__(self, verb: str, as_json: bool) -> None:
        self._verb = verb
        self._as_json = as_json
        self._done = 0
        self._failed = 0
        self._asked = 0
        self._bar = Progress()
        self._final: Counts | None = None
        self._refused = 0

    def take(self, events: Iterable[Any], where: Mapping[str, str]) -> None:
        """Follow one retrieve to its end. A refusal of the whole is one failure."""
        self._asked += 1
        self._final, self._refused = None, 0
        with ExitStack() as stack:
            self._bar = stack.enter_context(progress(f"Waiting for what is {self._verb}"))
            try:
                for event in events:
                    if isinstance(event, Received):
                        self._received(event)
                    else:
                        self.counts(event)
            except StatusError as error:
                if self._final is None:
                    self._failed += 1
                    self._bar.fail(f"{_place(where)}: {error}")
        if self._final is not None:
            self._ended(self._final, where)

    def counts(self, event: Counts) -> None:
        """One response with counts."""
        done = event.completed + event.warning + event.failed
        self._bar.update(done, done + event.remaining if event.remaining is not None else None)
        if event.final:
            self._final = event

    def finish(self) -> int:
        """The summary, and the exit status."""
        if not self._asked:
            fail_line("nothing matches (check the keys with `kerma find`)")
            return 1
        if not self._as_json:
            note(f"{self._done} {self._verb}, {self._failed} failed")
        return 1 if self._failed else 0

    def _received(self, event: Received) -> None:
        if not event.ok:
            self._refused += 1
            self._bar.fail(f"{event.sop_instance_uid}: not kept: {event.error or f'status {event.status:04X}'}")
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

    def _ended(self, event: Counts, where: Mapping[str, str]) -> None:
        self._done += event.completed + event.warning
        # A peer may count as done what we could not keep.
        self._failed += max(event.failed, self._refused)
        for uid in event.failed_uids if not self._refused else ():
            fail_line(f"{uid}: the peer could not deliver it")
        if not event.ok:
            counts = f"{event.completed + event.warning} {self._verb}, {event.failed} failed"
            fail_line(f"{_place(where)}: {event.error} ({counts})")
            self._failed += not max(event.failed, self._refused)
        if self._as_json:
            counted = {"completed": event.completed, "failed": event.failed, "warning": event.warning}
            json_line({**where, **counted, "status": f"{event.status:04X}"})


def _place(where: Mapping[str, str]) -> str:
    """The lowest unique key: a UID, or for a patient nothing that names one."""
    return next((value for key, value in reversed(list(where.items())) if key.endswith("UID")), where.get("level", ""))
