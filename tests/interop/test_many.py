"""Many associations at once: 1,000 idle ones and 64 busy ones. Their cost is measured in bench/."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from . import peers, studies
from .conftest import Start
from .raw import ASSOCIATE_AC, RELEASE_RP, Raw, associate_rq

IDLE = 1_000
BUSY = 64


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process hold as many sockets as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this machine allows {hard} open files in one process")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_thousand_idle_associations_are_accepted_and_answer(start: Start) -> None:
    server = start(peers.kerma_serve)
    process = psutil.Process(server.pid)
    threads = process.num_threads()
    idle: list[Raw] = []
    try:
        for _ in range(IDLE):
            raw = Raw.connect(server.host, server.port)
            assert raw.associate() == ASSOCIATE_AC
            idle.append(raw)
        assert process.num_threads() - threads < 80  # none of them costs a thread
        assert [raw.echo() for raw in idle] == [0] * IDLE
        assert [raw.release() for raw in idle] == [RELEASE_RP] * IDLE
    finally:
        for raw in idle:
            raw.sock.close()


def test_64_busy_associations_all_complete(start: Start, tmp_path: Path) -> None:
    server = start(peers.kerma_serve)
    each = 6
    made = [
        studies.make_series(tmp_path / f"{n}", each, study=1000 + n, rows=128, columns=128, syntax=studies.IMPLICIT_LE)
        for n in range(BUSY)
    ]
    wanted = {one.sop_instance_uid: one.digest for series in made for one in series}

    def send(series: list[studies.Made]) -> list[int]:
        with Raw.connect(server.host, server.port, timeout=100) as raw:
            assert raw.associate(((studies.CT, (studies.IMPLICIT_LE,)),)) == ASSOCIATE_AC
            statuses = [raw.store(studies.CT, one.sop_instance_uid, studies.dataset_bytes(one.path)) for one in series]
            assert raw.release() == RELEASE_RP
        return statuses

    with ThreadPoolExecutor(BUSY) as pool:
        statuses = list(pool.map(send, made))
    assert statuses == [[0] * each] * BUSY
    assert studies.received(server.extra["data"]) == wanted


def test_more_associations_than_allowed_are_rejected_until_one_ends(start: Start) -> None:
    server = start(peers.kerma_serve, sections={"limits": {"max_associations": 3}})
    open_ones = [Raw.connect(server.host, server.port) for _ in range(3)]
    assert [raw.associate() for raw in open_ones] == [ASSOCIATE_AC] * 3
    with Raw.connect(server.host, server.port) as late:
        late.send(associate_rq())
        kind, body = late.receive()
        assert (kind, body[1], body[2], body[3]) == (3, 2, 3, 2)  # transient, presentation provider, local limit
    assert open_ones[0].release() == RELEASE_RP
    open_ones[0].sock.close()
    # The slot is free when the server has seen the end; one that is rejected as transient may ask again.
    for _ in range(1000):
        with Raw.connect(server.host, server.port) as again:
            if again.associate() == ASSOCIATE_AC:
                break
    else:
        pytest.fail("the slot of a released association was never free again")
    for raw in open_ones[1:]:
        raw.sock.close()
