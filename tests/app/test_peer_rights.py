"""What a known peer may do by DICOM, end to end: associations to a server with peers of different rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.archive.conftest import make_instance, store_instance

import kerma
from kerma.app.access_rules import gate
from kerma.app.config import check_http, load
from kerma.app.kinds import Address
from kerma.app.peer_rights import providers_for
from kerma.app.serving import server_config
from kerma.app.settings import AccessSection, Config, PeerSection, ServerSection
from kerma.archive import Archive
from kerma.archive.access import Access
from kerma.archive.permissions import Right
from kerma.errors import ConfigError
from kerma.net.client import Client
from kerma.net.server import Server
from kerma.services.dispatch import Providers

Connect = Callable[[str], Client]
PEERS = (
    PeerSection("all", "ALL", "127.0.0.1"),
    PeerSection("viewer", "VIEWER", "127.0.0.1", rights=("read",)),
    PeerSection("modality", "MODALITY", "127.0.0.1", rights=("write",)),
    PeerSection("ward", "WARD", "127.0.0.1", rights=("read,write@patient:P1",)),
    PeerSection("trial", "TRIAL", "127.0.0.1", rights=("read@label:trial",), check_host=True),
    PeerSection("elsewhere", "ELSEWHERE", "192.0.2.1", rights=("read",), check_host=True),
)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "data") as archive:
        store_instance(archive, make_instance(1, study=1, PatientID="P1"))
        store_instance(archive, make_instance(1, study=2, PatientID="P2"))
        archive.set_labels("1.2.3.2", ["trial"])
        yield archive


@pytest.fixture
def connect(archive: Archive) -> Iterator[Connect]:
    config = Config(server=ServerSection(dicom=(Address("127.0.0.1", 0),), http=(), open=False), peers=PEERS)
    providers = Providers(storage=archive, find=archive, retrieve=archive)
    with Server(server_config(config), providers, providers_for=providers_for(config, archive, providers)) as server:
        host, port = server.addresses[0]
        yield lambda aet: kerma.connect(f"KERMA@{host}:{port}", aet=aet)


def found(connect: Connect, aet: str) -> list[str]:
    with connect(aet) as peer:
        return sorted(str(match.StudyInstanceUID) for match in peer.find(level="study", StudyInstanceUID=""))


def stored(connect: Connect, aet: str, **values: object) -> int:
    with connect(aet) as peer:
        (outcome,) = peer.store([make_instance(7, **values)])  # type: ignore[arg-type]
        return int(outcome.status or 0)


def fetched(connect: Connect, aet: str, study: str) -> int:
    with connect(aet) as peer:
        return len(list(peer.get(StudyInstanceUID=study)))


def test_each_peer_finds_and_gets_what_it_may_see(connect: Connect) -> None:
    assert found(connect, "ALL") == found(connect, "VIEWER") == ["1.2.3.1", "1.2.3.2"]
    assert found(connect, "WARD") == ["1.2.3.1"]
    assert found(connect, "TRIAL") == ["1.2.3.2"]
    assert fetched(connect, "WARD", "1.2.3.1") == 1
    assert fetched(connect, "WARD", "1.2.3.2") == 0
    assert fetched(connect, "TRIAL", "1.2.3.2") == 1
    with pytest.raises(kerma.errors.StatusError) as caught:
        found(connect, "MODALITY")
    assert caught.value.status == 0x0124, "refused: not authorized (PS3.7 C.5.3)"


def test_each_peer_stores_where_it_may(connect: Connect, archive: Archive) -> None:
    assert stored(connect, "MODALITY", study=5, PatientID="P5") == 0
    assert stored(connect, "ALL", study=6, PatientID="P6") == 0
    assert stored(connect, "WARD", study=1, PatientID="P1") == 0
    for aet, values in (
        ("VIEWER", {"study": 8}),
        ("TRIAL", {"study": 8}),
        ("WARD", {"study": 8, "PatientID": "P2"}),
        ("WARD", {"study": 2, "PatientID": "P1"}),
    ):
        assert stored(connect, aet, **values) == 0x0124, aet
    assert archive.stats().instances == 5


def test_an_unknown_peer_and_a_false_address_do_not_get_in(connect: Connect) -> None:
    for aet in ("STRANGER", "ELSEWHERE"):
        with pytest.raises(kerma.errors.NetworkError):
            found(connect, aet)


def test_without_rights_in_the_configuration_nothing_is_asked_for(archive: Archive) -> None:
    providers = Providers(storage=archive)
    assert providers_for(Config(peers=PEERS[:1]), archive, providers) is None


# -- the configuration -----------------------------------------------------------------------------------------------


def _load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "kerma.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_access_is_read_from_the_configuration(tmp_path: Path) -> None:
    config = _load(
        tmp_path,
        """
        [access]
        login = "required"
        issuer = "https://id.example/realm"
        audience = "kerma"
        algorithms = ["RS256"]
        roles = ["doctor=read,write", "student=read@label:teaching"]
        proxies = ["10.0.0.1"]
        [[peer]]
        name = "ct1"
        aet = "CT1"
        host = "10.0.0.7"
        rights = ["write"]
        """,
    )
    assert config.access.roles == ("doctor=read,write", "student=read@label:teaching")
    assert config.peers[0].rights == ("write",)
    with Access(tmp_path) as access:
        made = gate(config, access)
        assert made.rules.required
        assert not made.open_house


@pytest.mark.parametrize(
    "line",
    ['login = "never"', 'anonymous = ["fly"]', 'issuer = "http://id.example"', 'roles = ["doctor"]',
     'algorithms = ["HS256"]', 'algorithms = ["none"]', 'proxies = ["x"]', "session = 5"],
)  # fmt: skip
def test_a_wrong_rule_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=r"kerma\.toml:2"):
        _load(tmp_path, f"[access]\n{line}\n")


def _http(open_: bool | None = None, host: str = "0.0.0.0", **access: object) -> Config:
    server = ServerSection(http=(Address(host, 8080),), open=open_)
    return Config(server=server, access=AccessSection(**access))  # type: ignore[arg-type]


def test_other_machines_want_a_rule(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="login"):
        check_http(_http())
    with pytest.raises(ConfigError, match="audience"):
        check_http(_http(issuer="https://id.example"))
    for config in (_http(True), _http(login="required"), _http(anonymous=("read",)), _http(host="127.0.0.1")):
        check_http(config)
    with Access(tmp_path) as access:
        assert [grant.rights for grant in gate(_http(True), access).rules.anonymous] == [Right.READ | Right.WRITE]
        assert gate(_http(True, "127.0.0.1"), access).rules.anonymous == ()
        assert gate(_http(True, login="required"), access).rules.anonymous == ()
        assert gate(_http(True, "127.0.0.1"), access).open_house
