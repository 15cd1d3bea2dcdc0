"""What is asked of all three: metadata, frames, one large instance, a store of many, a frame of a long object."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.request import Request, urlopen

from bench import memory
from bench.harness import Outcome, Race
from bench.network_common import Images, settle
from bench.web import load, long_frames
from bench.web.servers import Contestant, Static

JSON = "application/dicom+json"
FRAME = "multipart/related; type=application/octet-stream; transfer-syntax=*"
FILES = 'multipart/related; type="application/dicom"'
STORE = {"Content-Type": f'{FILES}; boundary="kerma-bench"', "Accept": JSON}
_PARTS = 100


def body_of(files: Sequence[Path], path: Path) -> Path:
    """A STOW-RS body with these files."""
    with path.open("wb") as out:
        for file in files:
            out.write(b"--kerma-bench\r\nContent-Type: application/dicom\r\n\r\n" + file.read_bytes() + b"\r\n")
        out.write(b"--kerma-bench--\r\n")
    return path


def bodies(images: Images, work: Path) -> list[Path]:
    """All images, a hundred to a body."""
    out = []
    for folder in images.folders:
        files = sorted(folder.iterdir())
        for at in range(0, len(files), _PARTS):
            out.append(body_of(files[at : at + _PARTS], work / f"body-{folder.name}-{at}.bin"))
    return out


def stow(server: Contestant, sent: Sequence[Path]) -> float:
    """Seconds to store bodies one after the other."""
    return sum(load.send(f"{server.base}/studies", body, STORE) for body in sent)


def series_urls(server: Contestant, study: str) -> list[str]:
    """The addresses of the series of a study, asked from the server."""
    found = get_json(f"{server.base}/studies/{study}/series")
    return [f"{server.base}/studies/{study}/series/{one['0020000E']['Value'][0]}" for one in found]


def get_json(url: str) -> list[dict[str, dict[str, list[str]]]]:
    with urlopen(Request(url, headers={"Accept": JSON}), timeout=900) as answer:
        found: list[dict[str, dict[str, list[str]]]] = json.loads(answer.read())
    return found


def frame_urls(server: Contestant, series: str) -> list[str]:
    found = get_json(f"{series}/instances")
    return [f"{series}/instances/{one['00080018']['Value'][0]}/frames/1" for one in found]


def copied(url: str, accept: str, static: Static, name: str, *, zipped: bool = False) -> None:
    """Give nginx what another server answers."""
    target = static.files / name
    target.parent.mkdir(parents=True, exist_ok=True)
    load.fetch(url, {"Accept": accept}, into=target)
    if zipped:
        target.with_name(f"{target.name}.gz").write_bytes(gzip.compress(target.read_bytes(), 6))


def metadata(servers: tuple[Contestant, Contestant, Static], study: str, count: int, rounds: int) -> list[Race]:
    """Metadata of whole series, first and again, gzip taken where the server gives it."""
    ours, theirs, static = servers
    asked = {"Accept": JSON, "Accept-Encoding": "gzip"}
    first = Race(f"metadata of a series of {count} CT, first time", unit="ms", scale=1e3)
    again = Race(f"metadata of a series of {count} CT, again", unit="ms", scale=1e3)
    urls = {id(server): series_urls(server, study) for server in (ours, theirs)}

    def of(server: Contestant, number: int) -> str:
        return f"{urls[id(server)][number]}/metadata"

    turn = {id(ours): 0, id(theirs): 0}

    def fresh(server: Contestant) -> Outcome:
        number = turn[id(server)]
        turn[id(server)] += 1
        return Outcome(load.fetch(of(server, number), asked))

    first.add("kerma serve", lambda: fresh(ours))
    first.add("orthanc", lambda: fresh(theirs), target=20)
    first.run(min(rounds, len(urls[id(ours)])), warm=0)
    copied(of(ours, 0), JSON, static, "metadata", zipped=True)
    again.add("kerma serve", lambda: Outcome(load.fetch(of(ours, 0), asked)))
    again.add("orthanc", lambda: Outcome(load.fetch(of(theirs, 0), asked)), target=20)
    again.add("nginx", lambda: Outcome(load.fetch(f"{static.base}/metadata", asked)), note="the same bytes", target=0.5)
    again.run(rounds)
    return [first, again]


def frames(servers: tuple[Contestant, Contestant, Static], study: str, work: Path, rounds: int) -> list[Race]:
    """One frame a request, 32 at once."""
    ours, theirs, static = servers
    mine = frame_urls(ours, series_urls(ours, study)[0])
    other = frame_urls(theirs, series_urls(theirs, study)[0])
    for number, url in enumerate(mine):
        copied(url, FRAME, static, f"frames/{number}")
    races = []
    for http2 in (False, True):
        name = "HTTP/2" if http2 else "HTTP/1.1"
        race = Race(f"{len(mine)} frames of 512 KB one by one, 32 at once, {name}", unit="ms per frame", scale=1e3)
        race.per = len(mine)
        base = static.h2 if http2 else static.base
        files = [f"{base}/frames/{number}" for number in range(len(mine))]

        def ask(urls: list[str], http2: bool = http2) -> Outcome:
            return Outcome(load.many(urls, work, FRAME, http2=http2))

        race.add("kerma serve", lambda ask=ask: ask(mine))  # type: ignore[misc]
        race.add(
            "orthanc", lambda: Outcome(load.many(other, work, FRAME, http2=False)), note="HTTP/1.1 alone", target=5
        )
        race.add("nginx", lambda ask=ask, files=files: ask(files), note="the same bytes", target=1 / 3)  # type: ignore[misc]
        race.run(rounds)
        races.append(race)
    return races


def storing(servers: tuple[Contestant, Contestant, Static], work: Path, images: Images, rounds: int) -> Race:
    """STOW-RS of images that were not there; each round has a series of its own."""
    ours, theirs, _ = servers
    race = Race(f"STOW of {images.each} CT of 512 KB, 100 a request", unit="ms per image", per=images.each, scale=1e3)
    each = [bodies(Images([folder], images.each, images.study), work) for folder in images.folders]
    turn = {id(ours): 0, id(theirs): 0}

    def store(server: Contestant) -> Outcome:
        number = turn[id(server)]
        turn[id(server)] += 1
        settle()
        return Outcome(stow(server, each[number]))

    race.add("kerma serve", lambda: store(ours), note="synced and indexed")
    race.add("orthanc", lambda: store(theirs), note="indexed", target=5)
    race.run(min(rounds, len(each)), warm=0)
    return race


def large(servers: tuple[Contestant, Contestant, Static], work: Path, size: int, rounds: int) -> list[Race]:
    """One instance of a gigabyte, in and out."""
    ours, _, static = servers
    made = memory.make_big(work / "big.dcm", size)
    body = body_of([made.path], work / "big.bin")
    put = Race(f"store of one instance of {size / 2**30:.1f} GB", unit="s", scale=1)
    out = Race(f"one instance of {size / 2**30:.1f} GB", unit="s", scale=1)
    (static.files / "big").symlink_to(body)
    number = [0]

    def stored() -> Outcome:
        number[0] += 1
        one = work / f"big-{number[0]}.bin"
        _renamed(body, one, made.sop_instance_uid, f"{made.sop_instance_uid[:-4]}{9000 + number[0]}")
        settle()
        try:
            return Outcome(load.send(f"{ours.base}/studies", one, STORE))
        finally:
            one.unlink()

    def putted() -> Outcome:
        number[0] += 1
        settle()
        return Outcome(load.send(f"{static.base}/put-{number[0]}", body, {}, method="PUT"))

    put.add("kerma serve", stored, note="synced and indexed")
    put.add("nginx", putted, note="PUT, not synced", target=0.5)
    put.run(rounds)
    load.send(f"{ours.base}/studies", body, STORE)
    url = f"{ours.base}/studies/{made.study_uid}/series/{made.series_uid}/instances/{made.sop_instance_uid}"
    out.add("kerma serve", lambda: Outcome(load.fetch(url, {"Accept": FILES})))
    out.add("nginx", lambda: Outcome(load.fetch(f"{static.base}/big")), note="the same bytes", target=0.5)
    out.run(rounds)
    return [put, out]


def _renamed(source: Path, target: Path, old: str, new: str) -> None:
    """A copy with another UID of the same length."""
    with source.open("rb") as file, target.open("wb") as out:
        out.write(file.read(1 << 20).replace(old.encode(), new.encode()))
        shutil.copyfileobj(file, out, 1 << 20)


def long_objects(server: Contestant, work: Path, rounds: int) -> list[Race]:
    """A frame of an object of 100,000 frames against that of an object with one: native and encapsulated."""
    races = []
    for name, made in long_frames.pairs(work):
        for number, path in enumerate(made):
            load.send(f"{server.base}/studies", body_of([path], work / f"{name}-{number}.bin"), STORE)
        urls = long_frames.urls(server.base, made)
        race = Race(f"a frame of an object of {long_frames.COUNT:,} frames, {name}", unit="ms per request", scale=1e3)
        race.per = len(urls[0])
        race.add("the last frames of 100,000", lambda urls=urls: Outcome(load.many(urls[0], work, FRAME, http2=False)))  # type: ignore[misc]
        race.add("of one", lambda urls=urls: Outcome(load.many(urls[1], work, FRAME, http2=False)), target=0.8)  # type: ignore[misc]
        race.run(rounds)
        races.append(race)
    return races
