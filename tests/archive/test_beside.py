"""An archive that a process opens beside the one that holds it: no hold of its own, and marks that leave it time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from kerma.archive import Archive
from kerma.archive.blobs.files import bucket_of
from kerma.archive.recovery import MARK
from kerma.dataset import Dataset
from kerma.services.providers import StoreOutcome

Make = Callable[..., Dataset]
Store = Callable[..., StoreOutcome]


def test_it_holds_nothing_and_sees_everything(folder: Path, make: Make, store: Store) -> None:
    main = Archive.open(folder)
    with Archive.open(folder, beside=True) as beside:
        assert beside.recovered is None
        assert store(main, make(1)) is StoreOutcome.STORED
        assert store(beside, make(2)) is StoreOutcome.STORED
        assert len(list(main.find(level="image"))) == len(list(beside.find(level="image"))) == 2
        assert not beside._quiet()
        main.close()
        with Archive.open(folder) as next_one:
            assert next_one.recovered is not None, "whoever starts next is alone"


def test_the_mark_of_one_leaves_time_to_the_others(folder: Path, make: Make, store: Store) -> None:
    with Archive.open(folder) as main, Archive.open(folder, beside=True) as beside:
        before = main.index.state(MARK)
        for archive, number in ((main, 1), (beside, 2)):
            assert store(archive, make(number)) is StoreOutcome.STORED
            archive._mark()
            assert before <= archive.index.state(MARK) <= max(before, bucket_of(time.time() - 120))
    with Archive.open(folder) as again:
        assert again.index.state(MARK) > before, "alone, all is known to be durable"
        assert again.recovered is not None
        assert again.recovered.indexed == 0


def test_no_blob_goes_before_a_mark_that_another_one_made(folder: Path, make: Make, store: Store) -> None:
    """Where the clock was set back since: recovery looks at the buckets from the mark on."""
    with Archive.open(folder) as main, Archive.open(folder, beside=True) as beside:
        later = bucket_of(time.time() + 3600)
        main.index.set_state(MARK, later)
        assert store(beside, make(1)) is StoreOutcome.STORED
        assert store(main, make(2)) is StoreOutcome.STORED
        assert {stored.blob[: len(later)] for stored in main.index.blobs()} == {later}
