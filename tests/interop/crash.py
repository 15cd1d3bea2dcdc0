"""The rounds of the crash tests: kill the server while it is stored into, start it again, see what it acknowledged.

Four ``storescu`` of DCMTK send at once; what they saw answered with success is what the archive must have. The instant
of the kill is random, by a seed that a failing round prints. Instances are made by putting UIDs of one length into one
file's bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import dcmread

from . import peers, studies
from .processes import Peer, find_program, run
from .scu import DcmtkScu

SENDERS = 4
_SENDING = re.compile(r"I: Sending file: (.+)$")
_ANSWER = re.compile(r"I: Received Store Response \((.+)\)$")


def uid(round_number: int, sender: int, number: int) -> str:
    """A UID of fixed length, so that it can be put in place of another one."""
    return f"{studies.ROOT}.{100000 + round_number}.{1 + sender}.{10000 + number}"


@dataclass
class Template:
    """The bytes of one image and where its UIDs are."""

    data: bytes

    @classmethod
    def make(cls, folder: Path, side: int = 128) -> Template:
        one = studies.make_series(folder, 1, rows=side, columns=side)[0]
        ds = dcmread(one.path)
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = cls.uids(0, 0, 0)
        return cls(studies.write(folder / "template.dcm", ds).path.read_bytes())

    @staticmethod
    def uids(round_number: int, sender: int, number: int) -> tuple[str, str, str]:
        instance = uid(round_number, sender, number)
        series = instance.rsplit(".", 1)[0] + ".10"
        return f"{studies.ROOT}.{100000 + round_number}", series, instance

    def write(self, path: Path, round_number: int, sender: int, number: int) -> str:
        """Write the instance of these numbers; returns the digest of its data set."""
        data = self.data
        old, new = self.uids(0, 0, 0), self.uids(round_number, sender, number)
        for before, after in zip(reversed(old), reversed(new), strict=True):
            data = data.replace(before.encode(), after.encode())
        path.write_bytes(data)
        return hashlib.sha256(data[studies.dataset_offset(data) :]).hexdigest()


def acknowledged(output: str) -> set[str]:
    """The names of the files that a verbose ``storescu`` saw answered with success."""
    done, current = set(), ""
    for line in output.splitlines():
        if sending := _SENDING.search(line):
            current = Path(sending[1]).name
        elif (answer := _ANSWER.search(line)) and answer[1] == "Success":
            done.add(current)
    return done


@dataclass
class Crash:
    """One archive that is killed again and again."""

    work: Path
    each: int
    seed: int
    data: Path = field(init=False)
    template: Template = field(init=False)
    wanted: dict[str, str] = field(default_factory=dict)
    """What was acknowledged so far: SOP Instance UID and digest."""
    sent: dict[str, str] = field(default_factory=dict)
    """Everything that was ever sent, acknowledged or not."""
    kills_in_work: int = 0

    def __post_init__(self) -> None:
        self.data = self.work / "data"
        self.template = Template.make(self.work / "template")
        self.random = random.Random(self.seed)

    def server(self) -> Peer:
        folder = self.work / "server"
        folder.mkdir(exist_ok=True)
        return peers.kerma_serve(folder, data=self.data)

    def round(self, number: int) -> None:
        """Store, kill, start again, check."""
        folders = self._make_files(number)
        server = self.server().start()
        logs = [self.work / f"sender{sender}.log" for sender in range(SENDERS)]
        try:
            senders = [self._sender(server, *pair) for pair in zip(folders, logs, strict=True)]
            with contextlib.suppress(subprocess.TimeoutExpired):
                # A random instant in about the time that all of it takes, or the end of one sender.
                self.random.choice(senders).wait(timeout=self.random.uniform(0.0, 0.003 * self.each * SENDERS))
            self.kills_in_work += any(one.poll() is None for one in senders)
            server.kill()
            for one in senders:
                one.wait(timeout=60)
        finally:
            server.stop()
        for sender, log in enumerate(logs):
            self._note_acknowledged(number, sender, acknowledged(log.read_text(errors="replace")))
        self._check(number)
        shutil.rmtree(self.work / "send")

    def _make_files(self, number: int) -> list[Path]:
        folders = []
        for sender in range(SENDERS):
            folder = self.work / "send" / str(sender)
            folder.mkdir(parents=True)
            for at in range(self.each):
                self.sent[uid(number, sender, at)] = self.template.write(folder / f"{at:05d}", number, sender, at)
            folders.append(folder)
        return folders

    def _sender(self, server: Peer, folder: Path, log: Path) -> subprocess.Popen[bytes]:
        argv = [find_program("storescu"), "-v", "-pdu", "131072", "-aec", "KERMA", server.host, str(server.port)]
        with log.open("wb") as out:
            return subprocess.Popen(
                [*argv, "+sd", str(folder)], stdout=out, stderr=subprocess.STDOUT, env={**peers.DCMTK_ENV}
            )

    def _note_acknowledged(self, number: int, sender: int, names: set[str]) -> None:
        for name in names:
            instance = uid(number, sender, int(name))
            self.wanted[instance] = self.sent[instance]

    def _check(self, number: int) -> None:
        """After the restart: all of this round's acknowledged are found and whole, the others whole or absent."""
        server = self.server().start()
        try:
            study = f"{studies.ROOT}.{100000 + number}"
            found = self._found(server, study)
            fetched = self._fetched(server, study)
        finally:
            assert server.stop() == 0, server.output()[-2000:]
        here = {one: value for one, value in self.wanted.items() if one.startswith(study + ".")}
        told = f"round {number}, seed {self.seed}"
        assert set(here) <= found, f"{told}: acknowledged but not found: {set(here) - found}"
        assert found == set(fetched), f"{told}: found but not fetched: {found ^ set(fetched)}"
        broken = {one for one, value in fetched.items() if value != self.sent[one]}
        assert not broken, f"{told}: not the bytes that were sent: {broken}"
        self.check_is_clean(told)

    def _found(self, server: Peer, study: str) -> set[str]:
        out = self.work / "rsp"
        instances: set[str] = set()
        for series in DcmtkScu().find(server, out / "s", "series", {"StudyInstanceUID": study}, ["SeriesInstanceUID"]):
            keys = {"StudyInstanceUID": study, "SeriesInstanceUID": str(series.SeriesInstanceUID)}
            folder = out / str(series.SeriesInstanceUID)
            images = DcmtkScu().find(server, folder, "image", keys, ["SOPInstanceUID"])
            instances |= {str(image.SOPInstanceUID) for image in images}
        shutil.rmtree(out, ignore_errors=True)
        return instances

    def _fetched(self, server: Peer, study: str) -> dict[str, str]:
        out = self.work / "got"
        done = DcmtkScu().get(server, out, "study", {"StudyInstanceUID": study})
        assert done.returncode == 0, done.stderr
        found = studies.received(out)
        shutil.rmtree(out)
        return found

    def check_is_clean(self, told: str) -> None:
        done = run([peers.kerma_program(), "check", "--data", self.data])
        assert done.returncode == 0, f"{told}: {done.stdout}\n{done.stderr}"

    def check_all(self) -> None:
        """Every instance that was ever acknowledged is in the archive with its bytes."""
        kept = studies.received(self.data)
        lost = {one for one, value in self.wanted.items() if kept.get(one) != value}
        assert not lost, f"seed {self.seed}: lost {sorted(lost)[:10]} of {len(self.wanted)}"


def soak(work: Path, rounds: int, each: int, seed: int) -> Crash:
    """Many rounds; used by the tests here, short and long."""
    crash = Crash(work, each, seed)
    for number in range(1, rounds + 1):
        crash.round(number)
    crash.check_all()
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(work)
    return crash
