"""The configuration: what is taken, what is refused and how the refusal reads."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kerma.app import config as configuration
from kerma.app.kinds import Address
from kerma.app.settings import Config, LimitsSection, PeerSection, rows
from kerma.errors import ConfigError
from kerma.limits import NetworkLimits

WHOLE = """
[server]
aet = "ARCHIVE"              # comment = "no key"
dicom = ["0.0.0.0:104",
         "[::]:104"]
dicom_tls = "[::1]:2762"
data = "store"
open = false
drain = 5

[limits]
max_pdu = 65536
idle = 60.5

[tls]
cert = "/etc/kerma/cert.pem"
verify = false

[archive]
duplicates = "replace"
private_sop_classes = ["1.2.3.4"]

[log]
format = "json"
level = "debug"
patient_data = true

[[peer]]
name = "ct1"
aet = "CT 1"
host = "10.0.0.7"

[[peer]]
name = "pacs"
aet = "PACS"
host = "pacs.example.org"
port = 11112
tls = true
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "kerma.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_everything_is_on_loopback() -> None:
    config = configuration.load()
    assert config == Config()
    assert config.server.dicom == (Address("127.0.0.1", 11112),)
    assert configuration.takes_anyone(config)
    configuration.check_listening(config)


def test_a_whole_file(tmp_path: Path) -> None:
    config = configuration.load(write(tmp_path, WHOLE))
    assert config.server.aet == "ARCHIVE"
    assert config.server.dicom == (Address("0.0.0.0", 104), Address("::", 104))
    assert config.server.dicom_tls == (Address("::1", 2762),)
    assert config.server.data == str(tmp_path / "store"), "relative to the file"
    assert (config.server.drain, config.limits.max_pdu, config.limits.idle) == (5.0, 65536, 60.5)
    assert (config.tls.cert, config.tls.verify) == ("/etc/kerma/cert.pem", False)
    assert (config.archive.duplicates, config.archive.private_sop_classes) == ("replace", ("1.2.3.4",))
    assert (config.log.format, config.log.level, config.log.patient_data) == ("json", "debug", True)
    assert config.peers == (
        PeerSection(name="ct1", aet="CT 1", host="10.0.0.7"),
        PeerSection(name="pacs", aet="PACS", host="pacs.example.org", port=11112, tls=True),
    )
    assert not configuration.takes_anyone(config)
    configuration.check_listening(config)


WRONG = [
    ("[server]\naett = 'X'\n", 2, "no key `aett` in [server]", "did you mean `aet`?"),
    ("[server]\nzzz = 'X'\n", 2, "no key `zzz` in [server]", "known: aet, dicom, "),
    ("[servr]\naet = 'X'\n", 1, "no table [servr]", "did you mean `server`?"),
    ("\n\nopen = true\n", 3, "`open` stands outside of a table", "it belongs below [server]"),
    ("server = 3\n", 1, "`server` is a table: write [server]", ""),
    ("[server]\n\naet = 3\n", 3, "`aet` is 3, but an AE title is wanted", ""),
    ("[server]\naet = 'SEVENTEEN LETTERS'\n", 2, "an AE title has 1 to 16 characters, not 17", ""),
    ("[server]\naet = 'A\\B'\n", 2, "no backslash", ""),
    ("[server]\nopen = 'yes'\n", 2, "true or false is wanted", ""),
    ("[server]\ndicom = 104\n", 2, "a list of addresses HOST:PORT is wanted", ""),
    ("[server]\ndicom = ['127.0.0.1']\n", 2, "an address HOST:PORT is wanted", ""),
    ("[server]\ndicom = ['127.0.0.1:99999']\n", 2, "port 99999 is past 65535", ""),
    ("[limits]\nmax_pdu = 1\n", 2, "a whole number from 4,096 to", ""),
    ("[limits]\nmax_pdu = true\n", 2, "a whole number from 4,096 to", ""),
    ("[limits]\nartim = 0\n", 2, "a number of seconds from 0.1", ""),
    ("[limits]\nidle = nan\n", 2, "a number of seconds from 0", ""),
    ("[archive]\nduplicates = 'overwrite'\n", 2, "one of quarantine, keep-first, replace is wanted", ""),
    ("[archive]\nprivate_sop_classes = ['1.02']\n", 2, "a UID is wanted", ""),
    ("[archive]\ntransfer_syntaxes = ['1.2.3']\n", 2, "no transfer syntax of the standard has this UID", ""),
    ("[[peer]]\nname = 'a'\naet = 'A'\n", 1, "[[peer]] wants `host`", ""),
    ("[[peer]]\nname='a'\naet='A'\nhost='h'\n[[peer]]\nname = 'b'\naet='B'\nhost='h'\nprt = 1\n", 9, "`prt`", "`port`"),
    ("[[peer]]\nname='a'\naet='A'\nhost='h'\nport = 0\n", 5, "a whole number from 1 to 65,535", ""),
    ("[peer]\nname='a'\n", 1, "write [[peer]]", ""),
    ("[server]\naet = \n", 2, "not TOML", ""),
    ("[server]\naet = 'A'\naet = 'B'\n", 3, "not TOML", ""),
]


@pytest.mark.parametrize(("text", "line", "message", "hint"), WRONG, ids=[row[2] for row in WRONG])
def test_what_is_wrong_is_refused_with_its_line(tmp_path: Path, text: str, line: int, message: str, hint: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        configuration.load(path)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.where == f"{path}:{line}"
    assert "\n" not in str(caught.value)


def test_two_peers_of_one_name_are_refused(tmp_path: Path) -> None:
    peer = "[[peer]]\nname='a'\naet='A'\nhost='h'\n"
    with pytest.raises(ConfigError, match="two peers are called 'a'"):
        configuration.load(write(tmp_path, peer * 2))


def test_a_checked_host_is_an_address(tmp_path: Path) -> None:
    peer = "[[peer]]\nname='a'\naet='A'\ncheck_host=true\nhost="
    assert configuration.load(write(tmp_path, f"{peer}'::1'\n")).peers[0].check_host
    with pytest.raises(ConfigError, match="wants an IP address"):
        configuration.load(write(tmp_path, f"{peer}'pacs.example.org'\n"))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        configuration.load(tmp_path / "gone.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(ConfigError, match="not TOML"):
        configuration.load(tmp_path / "latin.toml")
    (tmp_path / "big.toml").write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(ConfigError, match="more than 1 MB"):
        configuration.load(tmp_path / "big.toml")


def test_every_key_can_come_from_the_environment(tmp_path: Path) -> None:
    given = {
        "KERMA_SERVER_AET": "OURS",
        "KERMA_SERVER_DICOM": "127.0.0.1:1, [::1]:2",
        "KERMA_SERVER_OPEN": "yes",
        "KERMA_LIMITS_MAX_BUSY": "7",
        "KERMA_LIMITS_IDLE": "1.5",
        "KERMA_ARCHIVE_DUPLICATES": "keep-first",
        "KERMA_ARCHIVE_TRANSFER_SYNTAXES": "1.2.840.10008.1.2,1.2.840.10008.1.2.1",
        "KERMA_LOG_PATIENT_DATA": "1",
        "KERMA_PEERS": "ct=CT1@10.0.0.7:104, pacs=PACS@[fe80::1]:2762+tls",
        "KERMA_CORPUS": "/somewhere",
        "HOME": "/",
    }
    config = configuration.load(write(tmp_path, "[server]\naet = 'FILE'\ndrain = 3\n"), environ=given)
    assert config.server.aet == "OURS", "the environment wins over the file"
    assert config.server.drain == 3, "the file over the default"
    assert config.server.dicom == (Address("127.0.0.1", 1), Address("::1", 2))
    assert config.server.open is True
    assert (config.limits.max_busy, config.limits.idle) == (7, 1.5)
    assert config.archive.duplicates == "keep-first"
    assert config.archive.transfer_syntaxes == ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
    assert config.log.patient_data is True
    assert config.peers == (
        PeerSection(name="ct", aet="CT1", host="10.0.0.7", port=104),
        PeerSection(name="pacs", aet="PACS", host="fe80::1", port=2762, tls=True),
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("KERMA_SERVER_AETT", "X", "did you mean `KERMA_SERVER_AET`"),
        ("KERMA_SERVR_AET", "X", "did you mean `KERMA_SERVER_AET`"),
        ("KERMA_TLS_NONSENSE", "X", "no variable KERMA_TLS_NONSENSE"),
        ("KERMA_LIMITS_MAX_PDU", "many", "KERMA_LIMITS_MAX_PDU is 'many'"),
        ("KERMA_SERVER_OPEN", "perhaps", "true or false is wanted"),
        ("KERMA_SERVER_DICOM", "nowhere", "an address HOST:PORT is wanted"),
        ("KERMA_PEERS", "PACS@host:104", "write name=AET@HOST:PORT"),
        ("KERMA_PEERS", "x=PACS@host", "an address HOST:PORT is wanted"),
    ],
)
def test_a_wrong_variable_is_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.load(environ={name: text})
    assert message in str(caught.value)
    assert "environment" in str(caught.value)


def test_the_file_may_come_from_the_environment_and_overrides_win(tmp_path: Path) -> None:
    path = write(tmp_path, "[server]\naet = 'FILE'\ndata = '/a'\n")
    config = configuration.load(environ={"KERMA_CONFIG": str(path)}, overrides={"server": {"aet": "LINE"}})
    assert (config.server.aet, config.server.data) == ("LINE", "/a")


@pytest.mark.parametrize("address", ["0.0.0.0:104", "[::]:104", "192.168.0.1:104", "pacs.example.org:104"])
def test_listening_to_others_wants_peers_or_open(tmp_path: Path, address: str) -> None:
    lines = f"[server]\ndicom = ['127.0.0.1:11112', '{address}']\n"
    with pytest.raises(ConfigError, match="open = true"):
        configuration.check_listening(configuration.load(write(tmp_path, lines)))
    anyone = configuration.load(write(tmp_path, lines + "open = true\n"))
    configuration.check_listening(anyone)
    assert configuration.takes_anyone(anyone)
    known = configuration.load(write(tmp_path, lines + "[[peer]]\nname='a'\naet='A'\nhost='h'\n"))
    configuration.check_listening(known)
    assert not configuration.takes_anyone(known)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "localhost:1"])
def test_loopback_needs_neither(address: str) -> None:
    config = configuration.load(environ={"KERMA_SERVER_DICOM": address})
    configuration.check_listening(config)
    assert configuration.takes_anyone(config)


def test_tls_wants_a_certificate_and_listening_an_address() -> None:
    with pytest.raises(ConfigError, match="wants a certificate"):
        configuration.check_listening(configuration.load(environ={"KERMA_SERVER_DICOM_TLS": "[::1]:2762"}))
    with pytest.raises(ConfigError, match="no address to listen on"):
        configuration.check_listening(configuration.load(environ={"KERMA_SERVER_DICOM": ""}))


def test_the_limits_are_those_of_the_network() -> None:
    ours = {field.name: field.default for field in dataclasses.fields(LimitsSection)}
    assert ours == {field.name: field.default for field in dataclasses.fields(NetworkLimits)}


def test_every_row_has_a_help_and_a_default_that_its_kind_takes() -> None:
    for row in rows():
        assert row.help, row.key
        if isinstance(row.default, str | int | float | bool):
            assert row.kind.from_toml(row.default) == row.default, row.key
