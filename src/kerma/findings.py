"""What a lenient read noticed: never a warning on stderr, never silence."""

from __future__ import annotations

from dataclasses import dataclass

from kerma.errors import format_path


@dataclass(frozen=True, slots=True)
class Finding:
    """One departure from the standard that was understood all the same, or, with severity "error", damage that was
    read around (``Strictness.SALVAGE``).

    ``code`` is a short stable word for programs ("wrong-vr"), ``text`` a sentence for people, ``offset`` counts
    bytes from the start of the source, ``path`` is tag, item index, tag, ..., ``section`` names the paragraph
    ("PS3.5 7.1.2"). Of damage, ``missing`` is how many bytes are not there, and ``kept`` the (start, end) of the
    bytes that belong to no element that is given.
    """

    code: str
    text: str
    offset: int | None = None
    path: tuple[int, ...] = ()
    section: str = ""
    severity: str = "warning"
    missing: int = 0
    kept: tuple[int, int] | None = None

    def __str__(self) -> str:
        text = self.text
        if self.path:
            text += f", in {format_path(self.path)}"
        if self.offset is not None:
            text += f", at offset {self.offset}"
        return f"{text} [{self.section}]" if self.section else text
