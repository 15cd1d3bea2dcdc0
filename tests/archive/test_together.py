"""Everything at once: threads store and delete while another opener checks, mends and rebuilds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from kerma.archive import Archive
from kerma.dataset import Dataset
from kerma.errors import KermaError
from kerma.services.providers import StoreOutcome

Make = Callable[..., Dataset]
Store = Callable[..., StoreOutcome]


def test_care_beside_work(folder: Path, make: Make, store: Store) -> None:
    errors: list[KermaError] = []
    kept: list[set[str]] = [set() for _ in range(3)]
    busy = threading.Barrier(4)
    left = threading.Semaphore(0)

    def work(archive: Archive, thread: int) -> None:
        busy.wait(30)
        try:
            for number in range(40):
                uid = f"1.2.3.{thread + 1}.1.{number}"
                assert store(archive, make(number, study=thread + 1)) is StoreOutcome.STORED
                kept[thread].add(uid)
                if number % 4 == 3:
                    archive.delete("image", f"1.2.3.{thread + 1}.1.{number - 1}")
                    kept[thread].discard(f"1.2.3.{thread + 1}.1.{number - 1}")
        except KermaError as error:
            errors.append(error)
        finally:
            left.release()

    with Archive.open(folder) as one, Archive.open(folder) as other:
        threads = [threading.Thread(target=work, args=(one, thread)) for thread in range(3)]
        for thread in threads:
            thread.start()
        busy.wait(30)
        done = 0
        while done < 3:
            other.reindex()
            other.check(repair=True)
            while left.acquire(blocking=False):
                done += 1
        for thread in threads:
            thread.join(60)
        assert not errors
        report = other.check()
        assert report.clean, report
        found = {str(ds.SOPInstanceUID) for ds in one.find(level="image")}
        assert found == set().union(*kept)
