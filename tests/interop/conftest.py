"""Fixtures of the interop tests: running peers, studies, certificates.

A peer that is not installed skips exactly the tests that need it; with ``KERMA_REQUIRE_PEERS=1`` it fails them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from . import peers, studies
from .processes import MissingPeerError, Peer, find_program

Start = Callable[..., Peer]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in Path(item.path).parents:
            item.add_marker(pytest.mark.interop)


def missing(reason: str) -> None:
    if os.environ.get("KERMA_REQUIRE_PEERS") == "1":
        pytest.fail(f"{reason}, and KERMA_REQUIRE_PEERS=1 says that it must be")
    pytest.skip(reason)


@pytest.fixture
def program() -> Callable[[str], str]:
    """The path of a peer's program, or the test is skipped (failed where peers are required)."""

    def find(name: str) -> str:
        try:
            return find_program(name)
        except MissingPeerError as error:
            missing(str(error))
            raise

    return find


@contextlib.contextmanager
def starter(folder: Path) -> Iterator[Start]:
    """A function that starts peers of ``peers.py`` in folders of their own; all are ended, whatever happened."""
    with contextlib.ExitStack() as stack:
        count = 0

        def begin(make: Callable[..., Peer], *args: object, **options: object) -> Peer:
            nonlocal count
            count += 1
            place = folder / f"peer{count}"
            place.mkdir()
            try:
                peer = make(place, *args, **options)
            except MissingPeerError as error:
                missing(str(error))
                raise
            stack.callback(peer.stop)
            return peer.start()

        yield begin


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with starter(tmp_path) as begin:
        yield begin


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """As ``start``, for peers that all tests of a module share."""
    with starter(tmp_path_factory.mktemp("shared")) as begin:
        yield begin


@pytest.fixture(scope="session")
def ct_series(tmp_path_factory: pytest.TempPathFactory) -> list[studies.Made]:
    """Five small CT images of one series, explicit VR little endian."""
    return studies.make_series(tmp_path_factory.mktemp("ct"), 5)


@pytest.fixture(scope="session")
def mixed_study(tmp_path_factory: pytest.TempPathFactory) -> list[studies.Made]:
    """Two images in each of six transfer syntaxes in one study."""
    return studies.make_mixed_study(tmp_path_factory.mktemp("mixed"))


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> peers.TLSFiles:
    """A test authority with a server's and a client's certificate."""
    import trustme

    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name in ("server", "client"):
        leaf = authority.issue_cert("127.0.0.1", "localhost", "::1", common_name=name)
        leaf.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        for index, blob in enumerate(leaf.cert_chain_pems):
            blob.write_to_path(str(folder / f"{name}.pem"), append=index > 0)
    return peers.TLSFiles(
        folder / "ca.pem", folder / "server.pem", folder / "server.key", folder / "client.pem", folder / "client.key"
    )
