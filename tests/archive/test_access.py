"""Users, sessions, keys and links: what is kept, what is compared, what ends when."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kerma.archive import Archive
from kerma.archive.access import Access
from kerma.archive.access.failures import TooManyAttemptsError
from kerma.archive.access.guarded import Guarded
from kerma.archive.access.keys import in_networks
from kerma.archive.permissions import Principal, Right, parse_grants
from kerma.errors import AccessError, NotFoundError, OutOfResourcesError, UsageError
from kerma.query.identifier import from_keys
from kerma.query.model import Area
from kerma.services.providers import StoreOutcome, StoreRequest
from tests.archive.conftest import EXPLICIT, make_instance, store_bytes, store_instance

HOME = "192.0.2.1"
PASSWORD = "correct horse battery"


class Clock:
    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(tmp_path: Path, clock: Clock) -> Iterator[Access]:
    with Access(tmp_path, clock=clock) as access:
        yield access


def test_files_are_for_the_owner_only_and_hold_no_secret(access: Access, tmp_path: Path) -> None:
    _, token = access.keys.make(["read"], access.now())
    access.users.put("ann", access.now(), password=PASSWORD, grants=["read"])
    session = access.users.begin("ann", access.now())
    access.links.make(Area(study="1.2"), access.now() + 60, access.now())
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("access.db*"))
    for secret in (token[-20:], PASSWORD, session):
        assert secret.encode() not in kept
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_a_key_is_found_by_its_token_alone(access: Access, clock: Clock) -> None:
    name, token = access.keys.make(["read@patient:P1"], access.now(), note="CT", networks=["10.0.0.0/8"])
    key = access.keys.find(token)
    assert key is not None
    assert key.id == name
    assert key.note == "CT"
    assert key.principal.areas(Right.READ) == (Area("P1"),)
    assert in_networks("10.2.3.4", key.networks)
    assert in_networks("::ffff:10.2.3.4", key.networks)
    assert not in_networks("11.2.3.4", key.networks)
    assert not in_networks("fe80::1%eth0", key.networks)
    assert not in_networks("", key.networks)
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")
    for wrong in (changed, token[:-1], token + "x", name, "", "kerma_" + "0" * 12 + token[18:]):
        assert access.keys.find(wrong) is None


def test_keys_end(access: Access, clock: Clock) -> None:
    name, token = access.keys.make(["read"], access.now(), expires_at=access.now() + 10)
    key = access.keys.find(token)
    assert key is not None
    assert key.works(access.now())
    clock.time += 10
    assert not key.works(access.now())
    other, token = access.keys.make(["read"], access.now())
    access.keys.revoke(other, access.now())
    revoked = access.keys.find(token)
    assert revoked is not None
    assert not revoked.works(access.now())
    with pytest.raises(NotFoundError):
        access.keys.revoke(other, access.now())
    assert [item.id for item in access.keys.all()] == [name, other]


@pytest.mark.parametrize("grants", [[], ["rread"]])
def test_a_key_needs_rights(access: Access, grants: list[str]) -> None:
    with pytest.raises(UsageError):
        access.keys.make(grants, access.now())
    with pytest.raises(UsageError):
        access.keys.make(["read"], access.now(), expires_at=access.now())
    with pytest.raises(UsageError):
        access.keys.make(["read"], access.now(), networks=["10.0.0.0/99"])


def test_rules_are_there_once_somebody_has_a_password_or_a_key(access: Access, tmp_path: Path) -> None:
    assert not access.has_rules()
    access.links.make(Area(study="1.2"), access.now() + 60, access.now())
    assert not access.has_rules()
    with Access(tmp_path) as other:
        name, _ = other.keys.make(["read"], other.now())
        assert other.has_rules()
        assert access.has_rules(), "another process made it"
        other.keys.revoke(name, other.now())
        assert access.has_rules(), "taking the last key away does not open the archive"


def test_a_user_and_the_sessions(access: Access, clock: Clock) -> None:
    with pytest.raises(UsageError):
        access.users.put("ann", access.now(), password="short", grants=["read"])
    with pytest.raises(UsageError):
        access.users.put("ann", access.now(), password=PASSWORD)
    with pytest.raises(UsageError):
        access.users.put("../x", access.now(), password=PASSWORD, grants=["read"])
    access.users.put("ann", access.now(), password=PASSWORD, grants=["read", "write@label:x"])
    assert access.users.check("ann", PASSWORD + "!", HOME, access.now()) is None
    assert access.users.check("bob", PASSWORD, HOME, access.now()) is None
    assert access.users.check("ann", "x" * 10_000, HOME, access.now()) is None
    user = access.users.check("ann", PASSWORD, HOME, access.now())
    assert user is not None
    assert user.principal.rights is Right.READ
    secret = access.users.begin("ann", access.now(), 100)
    found = access.users.session(secret)
    assert found is not None
    assert found[0] == user
    assert found[1] == access.now() + 100
    access.users.end(secret)
    assert access.users.session(secret) is None
    assert access.users.session("x") is None
    secret = access.users.begin("ann", access.now())
    access.users.put("ann", access.now(), grants=["read"])
    assert access.users.session(secret) is None, "changed rights end the sessions"
    secret = access.users.begin("ann", access.now())
    access.users.remove("ann")
    assert access.users.session(secret) is None
    assert access.users.all() == []
    with pytest.raises(NotFoundError):
        access.users.remove("ann")


def test_failures_make_the_next_attempt_wait_and_lock_nobody_out_elsewhere(access: Access, clock: Clock) -> None:
    access.users.put("ann", access.now(), password=PASSWORD, grants=["read"])
    for _ in range(5):
        assert access.users.check("ann", "wrong password", HOME, access.now()) is None
    with pytest.raises(TooManyAttemptsError) as caught:
        access.users.check("ann", PASSWORD, HOME, access.now())
    assert caught.value.wait == 1
    assert access.users.check("ann", PASSWORD, "192.0.2.2", access.now()) is not None
    clock.time += 1
    assert access.users.check("ann", "wrong password", HOME, access.now()) is None
    with pytest.raises(TooManyAttemptsError) as caught:
        access.users.check("ann", PASSWORD, HOME, access.now())
    assert caught.value.wait == 2
    clock.time += 2
    assert access.users.check("ann", PASSWORD, HOME, access.now()) is not None
    assert access.users.check("ann", "wrong password", HOME, access.now()) is None, "counted anew"
    assert access.users.check("ann", PASSWORD, HOME, access.now()) is not None


def test_a_link_is_signed_and_ends(access: Access, clock: Clock, tmp_path: Path) -> None:
    end = access.now() + 3600
    name, token = access.links.make(Area(study="1.2.3"), end, access.now(), note="for a colleague", made_by="ann")
    link = access.links.find(token)
    assert link is not None
    assert link.id == name
    assert link.works(access.now())
    assert link.principal.rights is Right.NONE
    assert link.principal.areas(Right.READ) == (Area(study="1.2.3"),)
    assert link.principal.anywhere is Right.READ
    longer = token.replace(str(end), str(end + 1000))
    for wrong in (longer, token[:-1], token[:-1] + "_", "", "kermalink_" + token):
        assert access.links.find(wrong) is None
    clock.time = end
    assert not link.works(access.now())
    with Access(tmp_path, clock=clock) as other:
        assert other.links.find(token) is not None, "the key is kept"
        other.links.revoke(name, other.now())
    found = access.links.find(token)
    assert found is not None
    assert found.revoked_at == access.now()


def test_a_link_without_a_place_or_an_end_is_refused(access: Access) -> None:
    now = access.now()
    for area, end in ((Area(), now + 60), (Area(labels=("x",)), now + 60), (Area("P"), now), (Area("P"), now + 10**9)):
        with pytest.raises(UsageError):
            access.links.make(area, end, now)


def test_a_damaged_key_of_links_is_told(access: Access, tmp_path: Path) -> None:
    (tmp_path / "access.key").write_bytes(b"short")
    with pytest.raises(OutOfResourcesError, match="damaged"):
        access.links.make(Area("P"), access.now() + 60, access.now())


# -- an archive as somebody may use it -------------------------------------------------------------------------------


def _store(guarded: Guarded, number: int = 1, **values: object) -> StoreOutcome:
    ds = make_instance(number, **values)  # type: ignore[arg-type]
    request = StoreRequest(str(ds.SOPClassUID), str(ds.SOPInstanceUID), EXPLICIT)
    return store_bytes(guarded, ds.to_bytes(EXPLICIT), request)  # type: ignore[arg-type]


def _guarded(archive: Archive, *grants: str) -> Guarded:
    return Guarded(archive, Principal.of("x", parse_grants(grants)))


def test_whoever_may_write_one_patient_writes_no_other(archive: Archive) -> None:
    store_instance(archive, make_instance(1, study=9, PatientID="P9"))
    limited = _guarded(archive, "write@patient:P1")
    assert _store(limited, 1) is StoreOutcome.STORED
    assert _store(limited, 2) is StoreOutcome.STORED
    refused = (
        {"PatientID": "P2"},
        {"PatientID": None},
        {"study": 9},  # into another patient's study
        {"SOPInstanceUID": "1.2.3.9.1.1"},  # over another patient's instance
    )
    for values in refused:
        with pytest.raises(AccessError):
            _store(limited, 3, **values)
    assert archive.stats().instances == 3
    with pytest.raises(AccessError):
        list(limited.search(from_keys("study", {})))
    with pytest.raises(AccessError):
        _store(_guarded(archive, "read"), 4)
    assert _store(_guarded(archive, "write"), 4, PatientID="P7", study=7) is StoreOutcome.STORED


def test_whoever_may_write_a_label_adds_to_its_studies(archive: Archive) -> None:
    store_instance(archive, make_instance(1))
    archive.set_labels("1.2.3.1", ["trial"])
    limited = _guarded(archive, "read,write@label:trial")
    assert _store(limited, 2) is StoreOutcome.STORED
    with pytest.raises(AccessError):
        _store(limited, 1, study=2)
    assert len(limited.instances(from_keys("study", {}))) == 2


def test_labels_are_checked(archive: Archive) -> None:
    store_instance(archive, make_instance(1))
    assert archive.set_labels("1.2.3.1", ["b", "a ", "a"]) == ("a", "b")
    assert archive.labels("1.2.3.1") == ("a", "b")
    assert archive.set_labels("1.2.3.1", []) == ()
    for wrong in ([""], ["a;b"], ["x" * 65], [f"l{number}" for number in range(65)]):
        with pytest.raises(UsageError):
            archive.set_labels("1.2.3.1", wrong)
    with pytest.raises(NotFoundError):
        archive.set_labels("1.2.3.77", ["a"])
