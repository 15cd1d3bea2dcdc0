"""Fuzz target for command sets and sessions: ``python tests/fuzz/fuzz_command.py [SECONDS] [SEED]``.

Mutates real command sets and the order of fragments. What must hold is in ``check``: nothing but typed errors, what
was read can be read again from what we write of it, messages begin and end in turn, and a session keeps no more than
its bound.
"""

from __future__ import annotations

import random
import sys
import time

from kerma.dimse import Command, CommandField, DataSlice, MessageBegin, Session
from kerma.dimse.fields import ELEMENTS, MESSAGES, Kind
from kerma.errors import RemoteProtocolError
from kerma.limits import NetworkLimits
from kerma.ul.association import PData
from kerma.ul.negotiation import Context

LIMITS = NetworkLimits(max_command=2_000)
CONTEXTS = {1: Context(1, "1.2.840.10008.1.1", "1.2.840.10008.1.2"), 3: Context(3, "1.2", "1.2.840.10008.1.2")}
_VALUES = {Kind.US: 1, Kind.UI: "1.2.3", Kind.AE: "TITLE", Kind.LO: "text", Kind.AT: (0x00100010, 0x00100020)}
_KIND = dict(ELEMENTS.values())
SEEDS = tuple(
    Command(
        field,
        **{keyword: _VALUES[_KIND[keyword]] for keyword in (*MESSAGES[field].required, *MESSAGES[field].optional)},
    ).encode()
    for field in CommandField
)


def mutated(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
        position = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[position : position + 1] = bytes((chance.choice((0, 1, 2, 0x80, 0xFF, chance.randrange(256))),))
            case 1:
                del data[position : position + chance.randint(1, 10)]
            case 2:
                data[position:position] = chance.randbytes(chance.randint(1, 8))
            case _:
                data[position : position + 4] = b"\xff\xff\xff\xff"
    return bytes(data)


def check(data: bytes, chance: random.Random) -> None:
    command = decoded(data)
    if command is not None:
        # A comment with bytes beyond ASCII is written with question marks.
        if str(command.get("ErrorComment", "")).isascii():
            assert Command.decode(command.encode()) == command, data.hex()
        repr(command)
    fragments(data, chance)


def decoded(data: bytes) -> Command | None:
    try:
        return Command.decode(data)
    except RemoteProtocolError:
        return None


def fragments(data: bytes, chance: random.Random) -> None:
    """The command in pieces, with data or nonsense behind it, as a peer that means harm might send it."""
    session = Session(CONTEXTS, limits=LIMITS)
    is_open = False
    view = memoryview(data)
    try:
        for _ in range(chance.randint(1, 6)):
            cut = chance.randint(0, len(data))
            context = chance.choice((1, 1, 1, 1, 3, 5))
            if chance.random() < 0.7:
                events = [PData(context, True, False, view[:cut]), PData(context, True, True, view[cut:])]
            else:
                events = [PData(context, chance.random() < 0.1, chance.random() < 0.5, view[:cut])]
            for event in events:
                for item in session.receive(event):
                    assert is_open is not isinstance(item, MessageBegin)
                    is_open = isinstance(item, MessageBegin | DataSlice)
            assert session._command is None or len(session._command) <= LIMITS.max_command
    except RemoteProtocolError:
        return


def main(seconds: float, seed: int) -> int:
    chance = random.Random(seed)
    stop = time.monotonic() + seconds
    count = 0
    while time.monotonic() < stop:
        check(mutated(chance), chance)
        count += 1
    return count


if __name__ == "__main__":
    print(main(float((*sys.argv, "10")[1]), int((*sys.argv, "0", "0")[2])), "command sets, nothing found")
