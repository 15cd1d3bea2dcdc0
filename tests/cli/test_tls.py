"""TLS and IPv6 from the command line and from the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from .conftest import Run, Start


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, certificates of a server and a caller, and an authority that nobody knows."""
    folder = tmp_path_factory.mktemp("tls")
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    stranger.cert_pem.write_to_path(str(folder / "other.pem"))
    for name, issued in (
        ("server", authority.issue_cert("localhost", "127.0.0.1", "::1")),
        ("caller", authority.issue_cert("caller.example.org")),
        ("elsewhere", authority.issue_cert("elsewhere.example.org")),
    ):
        issued.private_key_and_cert_chain_pem.write_to_path(str(folder / f"{name}.pem"))
    return folder


def test_the_certificate_of_the_server_is_checked(start: Start, kerma: Run, files: Path) -> None:
    server = start("serve", "--dicom-tls", "127.0.0.1:0", "--tls-cert", files / "server.pem", "--config", "k.toml")
    assert "(TLS)" in server.ready
    echo = ("echo", server.peer, "--tls")
    assert kerma(*echo, "--tls-ca", files / "ca.pem").status == 0
    assert kerma(*echo, "--tls-insecure").status == 0
    refused = kerma(*echo, "--tls-ca", files / "other.pem")
    assert refused.status == 1
    assert "certificate" in refused.err.lower()
    assert refused.err.count("\n") == 1
    plain = kerma("echo", server.peer)
    assert plain.status == 1
    assert plain.err.count("\n") == 1
    assert server.stop().status == 0


@pytest.fixture(autouse=True)
def no_plain_port(tmp_path: Path) -> None:
    (tmp_path / "k.toml").write_text("[server]\ndicom = []\n")


def test_a_server_that_names_another_host(start: Start, kerma: Run, files: Path, tmp_path: Path) -> None:
    server = start("serve", "--dicom-tls", "127.0.0.1:0", "--tls-cert", files / "elsewhere.pem", "--config", "k.toml")
    echo = ("echo", server.peer, "--tls", "--tls-ca", files / "ca.pem")
    assert kerma(*echo).status == 1
    (tmp_path / "lenient.toml").write_text("[tls]\ncheck_hostname = false\n")
    assert kerma(*echo, "--config", "lenient.toml").status == 0


def test_callers_must_show_a_certificate_where_authorities_are_given(
    start: Start, kerma: Run, files: Path, tmp_path: Path
) -> None:
    (tmp_path / "server.toml").write_text(
        "[server]\ndicom = []\ndicom_tls = '[::1]:0'\n"
        f"[tls]\ncert = '{files / 'server.pem'}'\nca = '{files / 'ca.pem'}'\n"
    )
    server = start("serve", "--config", "server.toml")
    assert "on [::1]:" in server.ready
    (tmp_path / "caller.toml").write_text(
        f"[tls]\ncert = '{files / 'caller.pem'}'\nca = '{files / 'ca.pem'}'\n"
        f"[[peer]]\nname = 'safe'\naet = 'KERMA'\nhost = '::1'\nport = {server.port}\ntls = true\n"
    )
    assert kerma("echo", "safe", "--config", "caller.toml").status == 0
    peer = f"KERMA@[::1]:{server.port}"
    without = kerma("echo", peer, "--tls", "--tls-ca", files / "ca.pem")
    assert without.status == 1
    assert without.err.count("\n") == 1


@pytest.mark.parametrize(("option", "message"), [("--tls-cert", "certificate"), ("--tls-ca", "authorities")])
def test_files_that_are_no_certificates(kerma: Run, tmp_path: Path, option: str, message: str) -> None:
    (tmp_path / "bad.pem").write_text("nothing")
    result = kerma("echo", "KERMA@127.0.0.1:9", "--tls", option, "bad.pem")
    assert result.status in {1, 2}
    assert result.err.count("\n") == 1
    assert message in result.err or "127.0.0.1:9" in result.err
