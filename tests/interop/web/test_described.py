"""schemathesis makes requests of the OpenAPI document, good ones and bad ones: none is answered with 500 or more."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from tests.interop import peers
from tests.interop.conftest import Start
from tests.interop.processes import python, run

import kerma

from .conftest import Served
from .samples import samples

KINDS = ("echo", "ct", "ecg", "pdf", "sr", "jpeg-xl")


@pytest.fixture(scope="module")
def server(start_shared: Start, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A server of its own, for what is tried deletes and stores too."""
    made = samples(corpus, tmp_path_factory.mktemp("made"))
    peer = start_shared(peers.kerma_serve)
    with kerma.connect(f"KERMA@127.0.0.1:{peer.port}") as client:
        assert all(outcome.ok for outcome in client.store([path for name in KINDS for path in made[name]]))
    return Served(peer, made)


def tried(server: Served, folder: Path, examples: int, *words: str) -> None:
    """Run schemathesis in ``folder``, where its configuration is."""
    argv: list[str | Path] = [Path(python()).parent / "schemathesis", "run", f"{server.url}/openapi.json"]
    options = ["--checks", "not_a_server_error", "--phases", "coverage,fuzzing", "--max-examples", str(examples)]
    quiet = ["--seed", "1", "--warnings", "off", "--no-color", "--suppress-health-check", "all"]
    done = run([*argv, *options, *quiet, *words], cwd=folder, seconds=110)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert "No issues found" in done.stdout
    assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_what_is_there(server: Served, tmp_path: Path) -> None:
    """With the UIDs of what is stored, so that parameters and headers are what is tried."""
    ds = kerma.read(server.samples["echo"].paths[0])
    values = {
        "study": ds.StudyInstanceUID,
        "series": ds.SeriesInstanceUID,
        "instance": ds.SOPInstanceUID,
        "frames": "1",
    }
    lines = [f'"path.{key}" = "{value}"' for key, value in values.items()]
    (tmp_path / "schemathesis.toml").write_text("\n".join(["[parameters]", *lines, ""]))
    tried(server, tmp_path, 5, "--include-path-regex", "/studies/", "--exclude-method", "DELETE")


def test_everything(server: Served, tmp_path: Path) -> None:
    """Every operation that there is, with whatever comes to mind."""
    (tmp_path / "schemathesis.toml").write_text("")
    tried(server, tmp_path, 5)
