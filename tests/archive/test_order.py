"""First durable, then findable, then acknowledged: the order of a store (docs/decisions/0003-durability.md)."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kerma.archive import Archive
from kerma.errors import OutOfResourcesError
from kerma.services.providers import StoreOutcome

from .conftest import Make, Store


def test_nothing_is_findable_or_acknowledged_before_the_sync_has_ended(
    archive: Archive, make: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    sync = os.fsync

    def slow(handle: int) -> None:
        begun.set()
        assert go_on.wait(30)
        sync(handle)

    monkeypatch.setattr("kerma.archive.blobs.files.os.fsync", slow)
    with ThreadPoolExecutor(1) as pool:
        try:
            answer = pool.submit(store, archive, make(1))
            assert begun.wait(30)
            assert archive.index.known("1.2.3.1.1.1") is None
            assert not answer.done()
        finally:
            go_on.set()
        assert answer.result(30) is StoreOutcome.STORED
    assert archive.index.known("1.2.3.1.1.1") is not None


def test_one_failed_sync_costs_the_others_of_its_transaction_nothing(
    archive: Archive, make: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync
    broken = [5]

    def fails_once(handle: int) -> None:
        if broken:
            raise OSError(broken.pop(), "Input/output error")
        sync(handle)

    monkeypatch.setattr("kerma.archive.blobs.files.os.fsync", fails_once)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(store, archive, make(number)) for number in range(1, 9)]
        failed = [answer.exception(30) for answer in answers]
    assert [type(error) for error in failed if error is not None] == [OutOfResourcesError]
    report = archive.check()
    assert report.clean
    assert archive.stats().instances == 7
