"""``kerma access``: users, keys, links and labels from the command line, and what they open."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
from tests.archive.conftest import make_instance, store_instance
from tests.cli.conftest import Run, Start

from kerma.archive import Archive
from kerma.archive.access import Access
from kerma.archive.permissions import Right
from kerma.query.model import Area

PASSWORD = "correct horse battery"


def test_a_user_is_made_changed_listed_and_removed(kerma: Run, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    made = kerma(
        "access", "user", "ann", "--rights", "read", "--rights", "write@label:x", "--password-file", "password"
    )
    assert (made.status, made.out, made.err) == (0, "", "")
    listed = kerma("access", "users", "--json")
    assert json.loads(listed.out) == {"name": "ann", "rights": ["read", "write@label:x"]}
    assert kerma("access", "user", "ann", "--rights", "all", "--keep-password").status == 0
    with Access(tmp_path / "kerma-data") as access:
        user = access.users.check("ann", PASSWORD, "127.0.0.1", access.now())
        assert user is not None
        assert user.principal.rights is Right.ALL
    assert kerma("access", "remove-user", "ann").status == 0
    gone = kerma("access", "remove-user", "ann")
    assert gone.status == 1
    assert gone.err == "kerma: ann: there is no such user\n"


def test_asking_makes_no_archive_where_none_is(kerma: Run, tmp_path: Path) -> None:
    for what in (("users",), ("keys",), ("links",), ("revoke", "x"), ("link", "study:1.2"), ("label", "1.2")):
        asked = kerma("access", *what, "--data", "typo")
        assert (asked.status, asked.err) == (2, "kerma: typo: no archive is there (name its folder with --data)\n")
    assert not (tmp_path / "typo").exists()


def test_a_password_that_is_too_short_is_refused(kerma: Run, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("short\n", encoding="utf-8")
    refused = kerma("access", "user", "ann", "--rights", "read", "--password-file", "password")
    assert refused.status == 2
    assert "10 to 1,024 characters" in refused.err
    assert "short" not in refused.err.replace("shorter", "")


def test_a_key_is_shown_once_and_ends(kerma: Run, tmp_path: Path) -> None:
    made = kerma("access", "key", "--rights", "read@patient:P1", "--from", "10.0.0.0/8", "--days", "3", "--note", "CT")
    assert made.status == 0
    token = made.out.strip()
    with Access(tmp_path / "kerma-data") as access:
        key = access.keys.find(token)
        assert key is not None
        assert key.principal.areas(Right.READ) == (Area("P1"),)
    listed = json.loads(kerma("access", "keys", "--json").out)
    assert (listed["id"], listed["state"], listed["from"]) == (key.id, "works", ["10.0.0.0/8"])
    assert token not in kerma("access", "keys").out
    assert kerma("access", "revoke", key.id).status == 0
    assert json.loads(kerma("access", "keys", "--json").out)["state"] == "revoked"
    assert kerma("access", "revoke", key.id).status == 1
    assert kerma("access", "key").status == 2
    assert kerma("access", "key", "--rights", "fly").status == 2


def test_a_link_is_for_one_thing(kerma: Run, tmp_path: Path) -> None:
    Archive.open(tmp_path / "kerma-data").close()
    made = kerma("access", "link", "study:1.2.3", "--days", "2", "--base", "https://pacs.example/")
    assert made.status == 0
    assert made.out.startswith("https://pacs.example/share/kermalink_")
    with Access(tmp_path / "kerma-data") as access:
        link = access.links.find(made.out.strip().rpartition("/")[2])
        assert link is not None
        assert link.principal.areas(Right.READ) == (Area(study="1.2.3"),)
    assert kerma("access", "link", "label:x").status == 2
    assert kerma("access", "revoke", link.id).status == 0
    assert "revoked" in kerma("access", "links").out


def test_labels_of_a_study(kerma: Run, tmp_path: Path) -> None:
    with Archive.open(tmp_path / "kerma-data") as archive:
        store_instance(archive, make_instance(1))
    assert kerma("access", "label", "1.2.3.1", "b", "a").out == "a\nb\n"
    assert kerma("access", "label", "1.2.3.1").out == "a\nb\n"
    assert kerma("access", "label", "1.2.3.1", "--none").out == ""
    assert kerma("access", "label", "1.2.3.9", "a").status == 1
    assert kerma("access", "label", "1.2.3.1", "a", "--none").status == 2


def test_a_server_that_runs_closes_with_the_first_key(kerma: Run, start: Start, study: Path) -> None:
    assert kerma("import", study).status == 0
    server = start("serve", "--dicom", "127.0.0.1:0", "--http", "127.0.0.1:0", env={"KERMA_WEB_PROCESSES": "2"})
    found = re.search(r"http://127\.0\.0\.1:\d+", server.ready)
    assert found is not None
    path = "/dicomweb/studies/1.2.3"
    with httpx.Client(base_url=found[0], timeout=30) as web:
        assert web.get(path).status_code == 200
        assert web.get(path, headers={"Host": "evil.example"}).status_code == 403
        assert web.delete(path, headers={"Origin": "https://evil.example"}).status_code == 403
        token = kerma("access", "key", "--rights", "read").out.strip()
        link = kerma("access", "link", "series:1.2.3.2").out.strip()
    for _ in range(8):  # whichever process answers
        with httpx.Client(base_url=found[0], timeout=30) as web:
            assert web.get(path).status_code == 401
            assert web.get(path, headers={"Host": "pacs.example", "X-API-Key": token}).status_code == 200
            assert web.delete(path, headers={"X-API-Key": token}).status_code == 403
            assert web.get(link).status_code == 303
            assert web.get("/dicomweb/studies/1.2.3/series/1.2.3.2").status_code == 200
            assert web.get("/dicomweb/studies/1.2.3/series/1.2.3.1").status_code == 404
    ended = server.stop()
    assert ended.status == 0
    assert token not in ended.err
    assert link.rpartition("/")[2] not in ended.err
