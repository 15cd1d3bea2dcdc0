"""What an audit trail has to hold of deeds over HTTP: who did what to which study, when it is done (PS3.15 A.5).

Rules: a study, a series or an instance is told by its UID, since a trail that cannot say what was deleted is none; no
name, no Patient ID and nothing else of a data set.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done: ``level`` and ``uid`` say to what, ``instances`` how many it changed."""

    action: str
    principal: str
    client: str
    level: str
    uid: str
    instances: int
