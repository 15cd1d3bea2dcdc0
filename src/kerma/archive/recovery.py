"""Start after a crash, and the care of blobs that the index does not know (docs/decisions/0003-durability.md).

Rules:

- Only who has the archive alone recovers it: others may be in the middle of writing.
- What lies in ``incoming/`` was never acknowledged and goes.
- A blob at its final name whose bytes fit it is whole. Where the index does not name it, the crash came between the
  two, or a power cut took the index's last rows: it is indexed again. Where the bytes do not fit the name it was
  never acknowledged: ``lost+found``.
- What was deleted from the index goes from the disk before anything is brought back.
- Nothing older than the mark is looked at: all before it is known to be durable in both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kerma.archive.blobs import BlobName, FileBlobs
from kerma.archive.facts import facts_of, header_syntax
from kerma.archive.index.index import Index
from kerma.archive.index.writer import Entry
from kerma.archive.ingest import Desk, Sealed, make_entry, prepare, settle
from kerma.dataset import Dataset
from kerma.errors import ArchiveError, FormatError, InvalidInstanceError, NotFoundError
from kerma.formats import part10
from kerma.formats.head import HeadScanner

MARK = "mark"
_PIECE = 1 << 18
_MAX_HEAD = 1 << 20


@dataclass(slots=True)
class Recovered:
    """What a start had to do; ``indexed``, ``duplicates``, ``set_aside``, ``purged`` count blobs, ``incoming``
    half-written files.
    """

    incoming: int = 0
    purged: int = 0
    indexed: int = 0
    duplicates: int = 0
    set_aside: int = 0


def recover(desk: Desk, blobs: FileBlobs, index: Index) -> Recovered:
    """Bring blobs and index together after a crash."""
    out = Recovered(incoming=blobs.clear_incoming(), purged=purge(blobs, index))
    mark = index.state(MARK)
    blobs.floor(mark)
    adopt(desk, blobs, index, blobs.list(mark), out)
    names = {item.blob.rpartition("/")[2] for item in index.quarantined()}
    for name in blobs.quarantined():
        if name not in names:  # the crash came between the move and the row
            index.quarantine("", f"quarantine/{name}", "found in quarantine after a crash", "")
    return out


def purge(blobs: FileBlobs, index: Index) -> int:
    """Delete the files of what left the index; how many rows were settled."""
    waiting = index.to_purge()
    done = []
    for blob in waiting:
        if not index.names(blob):
            blobs.delete(blob)
        done.append(blob)
    if done:
        index.purged(done)
    return len(done)


def adopt(desk: Desk, blobs: FileBlobs, index: Index, keys: Iterable[str], out: Recovered) -> None:
    """Index every blob of ``keys`` that is whole and that the index does not name."""
    for key in keys:
        blobs.floor(key[:13])
        name = BlobName.parse(key)
        if name is not None and index.names(key):
            continue
        if name is None or blobs.size(key) != name.size:
            blobs.set_aside(key)
            out.set_aside += 1
            continue
        try:
            entry = entry_of(desk, key)
        except NotFoundError:
            continue  # deleted meanwhile
        except (FormatError, InvalidInstanceError):
            blobs.set_aside(key)
            out.set_aside += 1
            continue
        if settle(desk, entry, "", add=index.adopt).value == "stored":
            out.indexed += 1
            if not blobs.exists(key):  # deleted between the reading and the row
                index.purged(index.remove([key]))
        else:
            out.duplicates += 1


def entry_of(desk: Desk, key: str) -> Entry:
    """The index entry of a blob, read from it; ``FormatError`` or ``InvalidInstanceError`` where it has none."""
    name = BlobName.parse(key)
    if name is None:
        raise ArchiveError("no key of a blob")
    if name.dataset_offset > min(_MAX_HEAD, name.size):
        raise FormatError("the bytes before the data set are too many")
    with desk.blobs.open(key) as source:
        head = part10.split(source.read(0, name.dataset_offset))
        scanner = HeadScanner(head.transfer_syntax_uid, limits=desk.config.limits, bound=desk.config.max_scan)
        at = name.dataset_offset
        while at < name.size and not scanner.done:
            size = min(_PIECE, name.size - at)
            scanner.feed(source.read(at, size))
            at += size
        header = scanner.finish(name.size - name.dataset_offset)
    facts = facts_of(Dataset.from_bytes(header, header_syntax(head.transfer_syntax_uid)), max_text=desk.config.max_text)
    checksum, all_of_it = desk.blobs.digests(key)
    if all_of_it != name.checksum:
        raise FormatError("the bytes are not those that the name tells of")
    ready = prepare(desk, facts, header, head.transfer_syntax_uid)
    return make_entry(
        ready, head.transfer_syntax_uid, Sealed(key, name.dataset_offset, name.size, checksum), scanner.rest
    )
