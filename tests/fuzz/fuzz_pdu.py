"""Fuzz target for the upper layer: ``python tests/fuzz/fuzz_pdu.py [SECONDS] [SEED]``.

Mutates real associations and cuts them anywhere. What must hold is in ``check``: nothing but typed errors, cuts do
not change the events, what was read can be written and read again, and nothing is kept beyond the bounds.
"""

from __future__ import annotations

import random
import sys
import time

from kerma.errors import RemoteProtocolError
from kerma.limits import NetworkLimits
from kerma.ul import pdu
from kerma.ul.association import PData, UpperLayer
from kerma.ul.items import (
    ExtendedNegotiation,
    PresentationContextAC,
    PresentationContextRQ,
    RoleSelection,
    UserIdentityRQ,
    UserInformation,
)
from kerma.ul.negotiation import Policy, accepted, negotiate

LIMITS = NetworkLimits(max_pdu=4_096, max_associate_pdu=8_192)
CLASS, SYNTAX = "1.2.840.10008.1.1", "1.2.840.10008.1.2"
POLICY = Policy({CLASS: (SYNTAX,)}, roles={CLASS: (True, True)}, extended={CLASS: lambda asked: asked})
USER = UserInformation(
    4_096,
    "1.2.3",
    "FUZZ",
    pdu.AsynchronousOperationsWindow(1, 1),
    (RoleSelection(CLASS, True, True),),
    (ExtendedNegotiation(CLASS, b"\1\0"),),
    (pdu.CommonExtendedNegotiation(CLASS, "1.2", ("1.3", "1.4")),),
    UserIdentityRQ(2, b"user", b"pass", True),
)
REQUEST = pdu.AssociateRQ("CALLED", "CALLING", (PresentationContextRQ(1, CLASS, (SYNTAX,)),), USER)
SEEDS: tuple[bytes, ...] = (
    REQUEST.encode(),
    pdu.AssociateAC("CALLED", "CALLING", (PresentationContextAC(1, 0, SYNTAX),), USER).encode(),
    pdu.PDataTF(
        (pdu.PresentationDataValue(1, True, True, bytes(30)), pdu.PresentationDataValue(1, False, True, bytes(99)))
    ).encode(),
    pdu.AssociateRJ(1, 1, 1).encode(),
    pdu.ReleaseRQ().encode(),
    pdu.ReleaseRP().encode(),
    pdu.Abort(0, 0).encode(),
)


def mutated(chance: random.Random) -> bytes:
    """A stream of PDUs with some bytes changed, taken out or put in."""
    data = bytearray(b"".join(chance.choice(SEEDS) for _ in range(chance.randint(1, 4))))
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        position = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[position : position + 1] = bytes((chance.choice((0, 1, 2, 0x7F, 0xFF, chance.randrange(256))),))
            case 1:
                del data[position : position + chance.randint(1, 8)]
            case 2:
                data[position:position] = chance.randbytes(chance.randint(1, 8))
            case _:
                data[position : position + 4] = chance.choice((b"\xff\xff\xff\xff", bytes(4), b"\0\0\x10\0"))
    return bytes(data)


def machine(start: int) -> UpperLayer:
    if start == 0:
        return UpperLayer("acceptor", LIMITS)
    if start == 1:
        ul = UpperLayer("requestor", LIMITS)
        ul.associate(REQUEST)
    else:
        ul = UpperLayer("acceptor", LIMITS)
        ul.receive(SEEDS[0])
        answer = negotiate(REQUEST, POLICY)
        assert isinstance(answer, pdu.AssociateAC)
        ul.accept(answer)
    if start == 3:
        ul.release()
    return ul


def run(stream: bytes, start: int, sizes: list[int]) -> tuple[object, ...]:
    """Everything that can be seen of a machine that got ``stream`` in pieces of ``sizes``."""
    ul = machine(start)
    seen: list[object] = []
    payload = bytearray()
    position = 0
    for size in sizes:
        if position >= len(stream):
            break
        for event in ul.receive(stream[position : position + size]):
            if isinstance(event, PData):
                payload += bytes((event.context_id, event.is_command)) * len(event.data) + event.data
                assert event.context_id <= 255
            else:
                seen.append(event)
            if isinstance(event, pdu.AssociateRQ):
                answer = negotiate(event, POLICY)
                if isinstance(answer, pdu.AssociateAC):
                    assert pdu.decode(answer.encode()) == answer
                    accepted(event, answer)
        position += size
    body = ul._body
    assert body is None or len(body) <= LIMITS.max_associate_pdu
    assert len(ul._head) < 6
    out = b"".join(ul.take_output())
    return seen, len(payload), ul.state, out, ul.artim_running, ul.wants_close, str(ul.error)


def check(stream: bytes, chance: random.Random) -> None:
    start = chance.randrange(4)
    sizes = [chance.choice((1, 1, 2, 5, 6, 7, 12, 50, 300)) for _ in range(len(stream))]
    whole, cut = run(stream, start, [len(stream)]), run(stream, start, sizes)
    assert whole == cut, (stream.hex(), start, sizes)
    try:
        value = pdu.decode(stream)
    except RemoteProtocolError:
        return
    assert pdu.decode(value.encode()) == value


def main(seconds: float, seed: int) -> int:
    chance = random.Random(seed)
    stop = time.monotonic() + seconds
    count = 0
    while time.monotonic() < stop:
        check(mutated(chance), chance)
        count += 1
    return count


if __name__ == "__main__":
    print(main(float((*sys.argv, "10")[1]), int((*sys.argv, "0", "0")[2])), "streams, nothing found")
