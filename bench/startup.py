"""How long ``import kerma`` and ``kerma --help`` take beyond a bare Python."""

from __future__ import annotations

from functools import partial

from tests.interop import peers
from tests.interop.processes import python

from bench.harness import Race
from bench.network_common import timed

WANTED = {"import kerma": 0.060, "kerma --help": 0.150}


def race() -> Race:
    """Every contestant is a fresh interpreter; ratios are to the bare one."""
    made = Race("start-up", unit="ms", scale=1e3)
    made.add("python -c pass", partial(timed, [python(), "-c", "pass"]))
    made.add("import kerma", partial(timed, [python(), "-c", "import kerma"]))
    made.add("kerma --help", partial(timed, [peers.kerma_program(), "--help"]))
    made.add("import pydicom", partial(timed, [python(), "-c", "import pydicom"]))
    made.add("import pynetdicom", partial(timed, [python(), "-c", "import pynetdicom"]))
    return made


def beyond(made: Race) -> str:
    """The difference to the bare interpreter against what is wanted."""
    bare = made.contestants[0].median
    words = []
    for contestant in made.contestants:
        if wanted := WANTED.get(contestant.name):
            more = contestant.median - bare
            verdict = "met" if more < wanted else "MISSED"
            words.append(f"{contestant.name}: {more * 1e3:.0f} ms more, wanted under {wanted * 1e3:.0f}: {verdict}")
    return "; ".join(words)
