"""docs/pixels-agreement.md, made of the table of expected samples."""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict

from tests.pixels.oracle_peers import PEERS
from tests.pixels.oracle_reasons import REASONS, WITHIN, agreed, differences, why
from tests.pixels.oracle_table import Line, lossy, marks

from kerma.standard import transfer_syntaxes

ROOT_UID = "1.2.840.10008.1.2"
TITLES = {
    "pydicom": "pydicom",
    "pydicom/pylibjpeg": "pylibjpeg",
    "pydicom/pyjpegls": "pyjpegls",
    "pydicom/pydicom": "pydicom's RLE",
    "gdcm": "GDCM",
    "dcmtk": "DCMTK",
    "openjph": "OpenJPH",
}
_HEAD = """# Who agrees on the pixels

The corpus has {images} images that somebody decodes: Kerma {ours} of them. Each was decoded by pydicom with each of its
plug-ins (pylibjpeg, pyjpegls, its own RLE), by GDCM and by DCMTK, and compared sample for sample, over all frames, with
what Kerma gives. Lossless images are equal or stand below with the reason; streams with loss are within {within} steps.
`python -m tests.pixels.oracle_make` writes this page and the table behind it (a digest for each frame); the tests hold
Kerma to that table, so that a codec that changes a sample is seen without a peer.

{agreed} images are agreed on by at least one peer, {many} by two or more.

| | images | {titles} |
|---|---|{rules}|
"""
_TELL = """
A cell: how many the peer has like Kerma / otherwise / decodes while Kerma refuses; empty: the peer has none of them.
GDCM crashed on {crashed} files, and hands out no image of objects that its reader does not take for one.

## Differences, and what settles them

"""
_ALONE = """## Images that only Kerma decodes

Not counted are those of the fuzzing corpus ({fuzzed}). What is known of these: high-throughput streams that lie in the
pixel data without items (PS3.5 A.4 wants items; Kerma gives the frame and a finding), transfer syntaxes that no peer
has (their twins in other syntaxes have the same samples, which a test compares), cut files whose frames are whole.

"""


def page(lines: list[Line]) -> str:
    """The whole page."""
    text = _HEAD.format(
        images=len(lines),
        ours=sum(bool(line["syntax"]) for line in lines),
        within=WITHIN,
        agreed=sum(len(agreed(line)) > 0 for line in lines),
        many=sum(len(agreed(line)) > 1 for line in lines),
        titles=" | ".join(TITLES[peer] for peer in PEERS),
        rules="|".join("---" for _ in PEERS),
    )
    kinds: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        kinds[line["syntax"]].append(line)
    for syntax, some in sorted(kinds.items(), key=lambda pair: (pair[0] == "", _number(pair[0]))):
        cells = " | ".join(_cell(some, peer) for peer in PEERS)
        text += f"| {_name(syntax)} | {len(some)} | {cells} |\n"
    text += _TELL.format(crashed=sum("crashed" in marks(line).values() for line in lines))
    return text + _settled(lines) + _alone(lines)


def _number(syntax: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 1 << 30 for part in syntax.strip(".").split("."))


def _name(syntax: str) -> str:
    if not syntax:
        return "refused by Kerma"
    uid = ROOT_UID if syntax == ".0" else ROOT_UID + syntax
    row = transfer_syntaxes.get(uid)
    name = f"{row.name} ({uid})" if row else "unknown, taken for uncompressed"
    return f"{name}{', with loss' if lossy(syntax) else ''}"


def _cell(lines: list[Line], peer: str) -> str:
    same = sum(peer in agreed(line) for line in lines)
    other = [word for _, who, word in differences(lines) if who == peer]
    refused = other.count("decodes")
    if not same and not other:
        return ""
    return f"{same} / {len(other) - refused} / {refused}"


def _settled(lines: list[Line]) -> str:
    groups: defaultdict[str, list[tuple[Line, str, str]]] = defaultdict(list)
    for line, peer, word in differences(lines):
        groups[why(line, peer)].append((line, peer, word))
    text = ""
    for reason, said in REASONS.items():
        if reason not in groups:
            continue
        text += "\n".join(textwrap.wrap(said, 118)) + "\n\n"
        files: defaultdict[str, list[str]] = defaultdict(list)
        for line, peer, word in groups[reason]:
            files[line["file"]].append(f"{TITLES[peer]} {_word(word)}")
        text += "".join(f"- `{name}`: {', '.join(words)}\n" for name, words in files.items()) + "\n"
    return text


def _word(word: str) -> str:
    if word[0] != "~":
        return {"shape": "has another shape", "decodes": "decodes"}[word]
    steps, _, share = word[1:].partition(" in ")
    return f"differs by up to {steps} in {float(share):.2%} of the samples"


def _alone(lines: list[Line]) -> str:
    alone = [line for line in lines if line["syntax"] and not any(word[0] in "=~s" for word in marks(line).values())]
    fuzzed = Counter("fuzzing-corpus" in line["file"] for line in alone)
    text = _ALONE.format(fuzzed=fuzzed[True])
    return text + "".join(
        f"- `{line['file']}`: {line['shape']}\n" for line in alone if "fuzzing-corpus" not in line["file"]
    )
