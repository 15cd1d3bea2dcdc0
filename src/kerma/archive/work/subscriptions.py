"""Who hears of which step: the subscription states as a table and its rules (PS3.4 CC.2.3).

An application entity has a state for each step (not subscribed, subscribed with or without a deletion lock) and one for
each of the two well-known instances, the worklist and the filtered worklist. ``TRANSITIONS`` is table CC.2.3-2.

Rules:

- What was said for one step outlasts what is said for the worklist; only "unsubscribe globally" ends both.
- Who subscribes to a step, or to all of them with a lock, is told their states at once (CC.2.4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Subscription(Enum):
    """The UPS Subscription State of one application entity for one step."""

    NONE = "Not Subscribed"
    WITHOUT_LOCK = "Subscribed w/o Lock"
    WITH_LOCK = "Subscribed w/ Lock"


class Action(Enum):
    """What changes it."""

    SUBSCRIBE = "Subscribe to Receive UPS Event Reports, without lock"
    SUBSCRIBE_LOCKED = "Subscribe to Receive UPS Event Reports, with lock"
    UNSUBSCRIBE = "Unsubscribe from Receiving UPS Event Reports"
    SUBSCRIBE_ALL = "Subscribe globally, without lock"
    SUBSCRIBE_ALL_LOCKED = "Subscribe globally, with lock"
    SUSPEND_ALL = "Suspend Global Subscription"
    UNSUBSCRIBE_ALL = "Unsubscribe globally"


_NONE, _FREE, _LOCKED = Subscription

TRANSITIONS: Mapping[tuple[Action, Subscription], tuple[Subscription, bool]] = {
    (Action.SUBSCRIBE, _NONE): (_FREE, True),
    (Action.SUBSCRIBE, _FREE): (_FREE, True),
    (Action.SUBSCRIBE, _LOCKED): (_FREE, True),
    (Action.SUBSCRIBE_LOCKED, _NONE): (_LOCKED, True),
    (Action.SUBSCRIBE_LOCKED, _FREE): (_LOCKED, True),
    (Action.SUBSCRIBE_LOCKED, _LOCKED): (_LOCKED, True),
    (Action.UNSUBSCRIBE, _NONE): (_NONE, False),
    (Action.UNSUBSCRIBE, _FREE): (_NONE, False),
    (Action.UNSUBSCRIBE, _LOCKED): (_NONE, False),
    (Action.SUBSCRIBE_ALL, _NONE): (_FREE, False),
    (Action.SUBSCRIBE_ALL, _FREE): (_FREE, False),
    (Action.SUBSCRIBE_ALL, _LOCKED): (_LOCKED, False),
    (Action.SUBSCRIBE_ALL_LOCKED, _NONE): (_LOCKED, True),
    (Action.SUBSCRIBE_ALL_LOCKED, _FREE): (_FREE, True),
    (Action.SUBSCRIBE_ALL_LOCKED, _LOCKED): (_LOCKED, True),
    (Action.SUSPEND_ALL, _NONE): (_NONE, False),
    (Action.SUSPEND_ALL, _FREE): (_FREE, False),
    (Action.SUSPEND_ALL, _LOCKED): (_LOCKED, False),
    (Action.UNSUBSCRIBE_ALL, _NONE): (_NONE, False),
    (Action.UNSUBSCRIBE_ALL, _FREE): (_NONE, False),
    (Action.UNSUBSCRIBE_ALL, _LOCKED): (_NONE, False),
}
"""(action, state) -> the state that follows, and whether a UPS State Report is sent at once."""


def follow(action: Action, state: Subscription) -> tuple[Subscription, bool]:
    """The state after ``action``, and whether the subscriber is told the state of the step."""
    return TRANSITIONS[action, state]
