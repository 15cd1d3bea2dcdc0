"""File IDs and where they lead (PS3.10 8.1, 8.2, 8.5; PS3.12 for how media spell them).

A File ID is up to eight components of up to eight characters A-Z, 0-9 and underscore, written as the values of
Referenced File ID (0004,1500). It comes from outside, so it becomes a path by one function alone, ``Medium.path``.

Rules:

- A component that is empty, "." or "..", or holds a separator, a colon or a control character is refused whatever the
  system would make of it: no File ID leaves the medium.
- What a component names is looked up in its folder, exactly first, then as media are often mounted: in another case, or
  with the version ";1" or final dot of ISO 9660.
- A link may stand on the way only if what it points at lies on the medium as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kerma.errors import FormatError, UsageError

DICOMDIR = "DICOMDIR"
MAX_COMPONENTS = 8
_COMPONENT = re.compile(r"[A-Z0-9_]{1,8}")
_HARMFUL = re.compile(r"[\x00-\x1f\x7f/\\:]")

FileID = tuple[str, ...]


class UnsafePathError(FormatError):
    """A File ID that would leave the medium. Nothing was opened."""


def faults(file_id: FileID) -> list[str]:
    """How ``file_id`` departs from PS3.10 8.2 and 8.5, as sentences; none for a right one."""
    found = []
    if len(file_id) > MAX_COMPONENTS:
        found.append(f"{len(file_id)} components, where eight are the most")
    for part in file_id:
        if not _COMPONENT.fullmatch(part):
            why = "longer than eight characters" if re.fullmatch(r"[A-Z0-9_]+", part) else "not of A-Z, 0-9 and _"
            found.append(f"the component {shown(part)} is {why}")
    return found


def shown(text: str) -> str:
    """A name from outside for a message: short and printable."""
    return repr(text if len(text) <= 32 else text[:32] + "...")


def parse(values: Sequence[str]) -> FileID:
    """The components of a Referenced File ID as it was read. A separator within one value, which some writers use,
    parts it.
    """
    parts: list[str] = []
    for value in values:
        parts += re.split(r"[/\\]", value) if re.search(r"[^/\\][/\\]", value) else [value]
    return tuple(parts)


def checked(file_id: FileID) -> FileID:
    """``file_id``, or ``UnsafePathError`` where a component could lead elsewhere than into its own folder."""
    for part in file_id:
        if not part.strip(". ") or _HARMFUL.search(part) or len(part) > 255:
            raise UnsafePathError(
                f"the component {shown(part)} of a File ID could lead off the medium",
                hint="the DICOMDIR is broken or hostile; this file is not opened",
            )
    if not file_id:
        raise UnsafePathError("a File ID without components")
    return file_id


class Medium:
    """The folder that holds a DICOMDIR. Folders are listed once, and again after ``forget``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real = os.path.realpath(root)
        self._names: dict[str, dict[str, str]] = {}
        self._safe: set[str] = {self._real}

    def path(self, file_id: FileID) -> Path | None:
        """The path that ``file_id`` names, None where nothing is there; ``UnsafePathError`` where it leaves the medium,
        by its text or by a link.
        """
        current = self._real
        for part in checked(file_id):
            name = self._name_in(current, part)
            if name is None:
                return None
            following = os.path.join(current, name)
            if following not in self._safe:
                self._refuse_leaving(following)
            current = following
        return Path(current)

    def target(self, file_id: FileID) -> Path:
        """Where a new file of that ID goes; its folders are made. ``UnsafePathError`` as ``path``."""
        current = self._real
        for part in checked(file_id)[:-1]:
            name = self._name_in(current, part) or part
            following = os.path.join(current, name)
            if following not in self._safe:
                os.makedirs(following, exist_ok=True)
                self._refuse_leaving(following)
            self._know(current, name)
            current = following
        self._know(current, file_id[-1])
        return Path(current) / file_id[-1]

    def root_file(self, name: str) -> Path:
        """A file in the root of the medium, as ``path`` gives it."""
        return Path(self._real) / name

    def id_of(self, path: Path) -> FileID | None:
        """The File ID that names ``path`` as it lies on the medium; None where it lies elsewhere or its name is none.

        Names in lower case, as media are often mounted, count as what they stand for.
        """
        try:
            inside = Path(os.path.realpath(path)).relative_to(self._real)
        except ValueError:
            return None
        parts = tuple(part.upper() for part in inside.parts)
        return parts if parts and not faults(parts) else None

    def files(self) -> Iterator[tuple[Path, FileID]]:
        """Every file on the medium with its path's parts, in the order of names; links are not followed."""
        waiting: list[tuple[str, FileID]] = [(self._real, ())]
        while waiting:
            folder, above = waiting.pop()
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
            for entry in reversed(entries):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, (*above, entry.name)))
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    yield Path(entry.path), (*above, entry.name)

    def forget(self) -> None:
        """Look at the folders anew."""
        self._names.clear()
        self._safe = {self._real}

    def _refuse_leaving(self, path: str) -> None:
        """The links of ``path`` may lead about on the medium, not off it."""
        real = os.path.realpath(path)
        if os.path.commonpath([real, self._real]) != self._real:
            raise UnsafePathError("a File ID leads off the medium by a link", where=path, hint="replace it by the file")
        if os.path.isdir(path):
            self._safe.add(path)

    def _know(self, folder: str, name: str) -> None:
        """A name that is there from now on."""
        if folder not in self._names:
            self._names[folder] = self._listing(folder)
        self._names[folder][name.upper()] = self._names[folder][name] = name

    def _name_in(self, folder: str, part: str) -> str | None:
        names = self._names.get(folder)
        if names is None:
            names = self._names[folder] = self._listing(folder)
        for spelling in (part, part.upper(), part.upper() + ";1", part.upper() + ".", part.upper() + ".;1"):
            if spelling in names:
                return names[spelling]
        return None

    @staticmethod
    def _listing(folder: str) -> dict[str, str]:
        """Names by themselves and by their upper case; the exact one wins."""
        try:
            found = os.listdir(folder)
        except OSError:
            return {}
        names = {name.upper(): name for name in found}
        names.update({name: name for name in found})
        return names


def numbered(prefix: str, number: int) -> str:
    """A component of eight characters: ``prefix`` and ``number``."""
    text = f"{prefix}{number:0{8 - len(prefix)}d}"
    if len(text) > 8:
        raise UsageError("a folder of the file-set has no more File IDs to give", hint="begin another file-set")
    return text
