"""What the servers report, as log lines.

Rules: what a peer did is one line at the end of its association; what went wrong inside is a line of its own, and the
text of a foreign error stays out, for it may hold data.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from kerma.app.logs import Log
from kerma.errors import KermaError
from kerma.net.summary import AssociationSummary


class Reporter:
    """Turns what the server reports into log lines."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def ended(self, summary: AssociationSummary) -> None:
        """One line for each association."""
        line = self._log.warning if summary.failures or summary.end not in {"released", "drained"} else self._log.info
        line(
            "association ended",
            peer=summary.peer,
            calling=summary.calling_aet,
            called=summary.called_aet,
            tls=summary.tls or None,
            operations=_counts(summary.operations),
            failures=_counts(summary.failures),
            received=summary.bytes_received,
            sent=summary.bytes_sent,
            seconds=round(summary.duration, 3),
            end=summary.end,
            detail=summary.detail or None,
        )

    def failed(self, what: str, error: BaseException) -> None:
        """Something that went wrong here. The text of a foreign error may hold data, so only its kind and place are
        written."""
        if isinstance(error, KermaError):
            self._log.warning(what, error=type(error).__name__, reason=str(error))
            return
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        self._log.error(what, error=type(error).__name__, at=place)
        self._log.debug("traceback", frames="".join(traceback.format_list(frames)).replace("\n", " | "))

    def drained(self, clean: bool) -> None:
        """Whether all ended by themselves."""
        if not clean:
            self._log.warning("associations were cut", hint="[server] drain is the time that they have to end")

    def requests_cut(self) -> None:
        """HTTP requests were still running at the end."""
        self._log.warning("requests were cut", hint="[server] drain is the time that they have to end")


def _counts(counts: dict[str, int]) -> str | None:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or None
