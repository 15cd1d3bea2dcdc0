"""The state machine of the upper layer as one literal: PS3.8 table 9-10, with its printed names.

Rules of this module:

- ``TABLE`` says for each event and state which action is taken and which state follows. A missing key is the
  standard's empty field: for a local primitive a ``LocalProtocolError``, for anything else it cannot happen.
- Two fields have two next states in the standard. AE-6 (an A-ASSOCIATE-RQ is acceptable or not) and AR-8 (release
  collision at the requestor or the acceptor) name both here, and ``association`` chooses.
- What an action does is in ``association``; the sentences of tables 9-6 to 9-9 are in ``ACTION_TEXT``.

Sources: PS3.8 9.2.1 (states), 9.2.2 (actions), 9.2.3 (table 9-10). Touches nothing.
"""

from __future__ import annotations

import enum


class State(enum.IntEnum):
    """PS3.8 tables 9-1 to 9-5."""

    Sta1 = 1
    Sta2 = 2
    Sta3 = 3
    Sta4 = 4
    Sta5 = 5
    Sta6 = 6
    Sta7 = 7
    Sta8 = 8
    Sta9 = 9
    Sta10 = 10
    Sta11 = 11
    Sta12 = 12
    Sta13 = 13


STATE_TEXT = {
    State.Sta1: "idle",
    State.Sta2: "transport connection open, awaiting A-ASSOCIATE-RQ PDU",
    State.Sta3: "awaiting local A-ASSOCIATE response primitive",
    State.Sta4: "awaiting transport connection opening to complete",
    State.Sta5: "awaiting A-ASSOCIATE-AC or A-ASSOCIATE-RJ PDU",
    State.Sta6: "association established and ready for data transfer",
    State.Sta7: "awaiting A-RELEASE-RP PDU",
    State.Sta8: "awaiting local A-RELEASE response primitive",
    State.Sta9: "release collision requestor side, awaiting A-RELEASE response primitive",
    State.Sta10: "release collision acceptor side, awaiting A-RELEASE-RP PDU",
    State.Sta11: "release collision requestor side, awaiting A-RELEASE-RP PDU",
    State.Sta12: "release collision acceptor side, awaiting A-RELEASE response primitive",
    State.Sta13: "awaiting transport connection close indication",
}


class Evt(enum.IntEnum):
    """The events of table 9-10, in its order: local primitives, and PDUs from the peer."""

    A_ASSOCIATE_REQUEST = 1
    TRANSPORT_CONNECTED = 2
    A_ASSOCIATE_AC_PDU = 3
    A_ASSOCIATE_RJ_PDU = 4
    TRANSPORT_INDICATION = 5
    A_ASSOCIATE_RQ_PDU = 6
    A_ASSOCIATE_ACCEPT = 7
    A_ASSOCIATE_REJECT = 8
    P_DATA_REQUEST = 9
    P_DATA_TF_PDU = 10
    A_RELEASE_REQUEST = 11
    A_RELEASE_RQ_PDU = 12
    A_RELEASE_RP_PDU = 13
    A_RELEASE_RESPONSE = 14
    A_ABORT_REQUEST = 15
    A_ABORT_PDU = 16
    TRANSPORT_CLOSED = 17
    ARTIM_EXPIRED = 18
    INVALID_PDU = 19


class Action(enum.Enum):
    """PS3.8 tables 9-6 to 9-9, by their printed names."""

    AE_1 = "AE-1"
    AE_2 = "AE-2"
    AE_3 = "AE-3"
    AE_4 = "AE-4"
    AE_5 = "AE-5"
    AE_6 = "AE-6"
    AE_7 = "AE-7"
    AE_8 = "AE-8"
    DT_1 = "DT-1"
    DT_2 = "DT-2"
    AR_1 = "AR-1"
    AR_2 = "AR-2"
    AR_3 = "AR-3"
    AR_4 = "AR-4"
    AR_5 = "AR-5"
    AR_6 = "AR-6"
    AR_7 = "AR-7"
    AR_8 = "AR-8"
    AR_9 = "AR-9"
    AR_10 = "AR-10"
    AA_1 = "AA-1"
    AA_2 = "AA-2"
    AA_3 = "AA-3"
    AA_4 = "AA-4"
    AA_5 = "AA-5"
    AA_6 = "AA-6"
    AA_7 = "AA-7"
    AA_8 = "AA-8"


ACTION_TEXT = {
    Action.AE_1: "request a transport connection",
    Action.AE_2: "send A-ASSOCIATE-RQ PDU",
    Action.AE_3: "A-ASSOCIATE confirmation (accept)",
    Action.AE_4: "A-ASSOCIATE confirmation (reject), close the transport connection",
    Action.AE_5: "answer the transport connection, start ARTIM",
    Action.AE_6: "stop ARTIM; A-ASSOCIATE indication, or send A-ASSOCIATE-RJ PDU and start ARTIM",
    Action.AE_7: "send A-ASSOCIATE-AC PDU",
    Action.AE_8: "send A-ASSOCIATE-RJ PDU, start ARTIM",
    Action.DT_1: "send P-DATA-TF PDU",
    Action.DT_2: "P-DATA indication",
    Action.AR_1: "send A-RELEASE-RQ PDU",
    Action.AR_2: "A-RELEASE indication",
    Action.AR_3: "A-RELEASE confirmation, close the transport connection",
    Action.AR_4: "send A-RELEASE-RP PDU, start ARTIM",
    Action.AR_5: "stop ARTIM",
    Action.AR_6: "P-DATA indication",
    Action.AR_7: "send P-DATA-TF PDU",
    Action.AR_8: "A-RELEASE indication (release collision)",
    Action.AR_9: "send A-RELEASE-RP PDU",
    Action.AR_10: "A-RELEASE confirmation",
    Action.AA_1: "send A-ABORT PDU (service-user), start or restart ARTIM",
    Action.AA_2: "stop ARTIM, close the transport connection",
    Action.AA_3: "A-ABORT or A-P-ABORT indication, close the transport connection",
    Action.AA_4: "A-P-ABORT indication",
    Action.AA_5: "stop ARTIM",
    Action.AA_6: "ignore the PDU",
    Action.AA_7: "send A-ABORT PDU",
    Action.AA_8: "send A-ABORT PDU (service-provider), A-P-ABORT indication, start ARTIM",
}

_A = Action
_S = State

# Spelled like the printed table: a row for each event, in a row one entry for each state that has a field.
TABLE: dict[Evt, dict[State, tuple[Action, tuple[State, ...]]]] = {
    Evt.A_ASSOCIATE_REQUEST: {_S.Sta1: (_A.AE_1, (_S.Sta4,))},
    Evt.TRANSPORT_CONNECTED: {_S.Sta4: (_A.AE_2, (_S.Sta5,))},
    Evt.A_ASSOCIATE_AC_PDU: {
        _S.Sta2: (_A.AA_1, (_S.Sta13,)),
        _S.Sta3: (_A.AA_8, (_S.Sta13,)),
        _S.Sta5: (_A.AE_3, (_S.Sta6,)),
        _S.Sta6: (_A.AA_8, (_S.Sta13,)),
        _S.Sta7: (_A.AA_8, (_S.Sta13,)),
        _S.Sta8: (_A.AA_8, (_S.Sta13,)),
        _S.Sta9: (_A.AA_8, (_S.Sta13,)),
        _S.Sta10: (_A.AA_8, (_S.Sta13,)),
        _S.Sta11: (_A.AA_8, (_S.Sta13,)),
        _S.Sta12: (_A.AA_8, (_S.Sta13,)),
        _S.Sta13: (_A.AA_6, (_S.Sta13,)),
    },
    Evt.A_ASSOCIATE_RJ_PDU: {
        _S.Sta2: (_A.AA_1, (_S.Sta13,)),
        _S.Sta3: (_A.AA_8, (_S.Sta13,)),
        _S.Sta5: (_A.AE_4, (_S.Sta1,)),
        _S.Sta6: (_A.AA_8, (_S.Sta13,)),
        _S.Sta7: (_A.AA_8, (_S.Sta13,)),
        _S.Sta8: (_A.AA_8, (_S.Sta13,)),
        _S.Sta9: (_A.AA_8, (_S.Sta13,)),
        _S.Sta10: (_A.AA_8, (_S.Sta13,)),
        _S.Sta11: (_A.AA_8, (_S.Sta13,)),
        _S.Sta12: (_A.AA_8, (_S.Sta13,)),
        _S.Sta13: (_A.AA_6, (_S.Sta13,)),
    },
    Evt.TRANSPORT_INDICATION: {_S.Sta1: (_A.AE_5, (_S.Sta2,))},
    Evt.A_ASSOCIATE_RQ_PDU: {
        _S.Sta2: (_A.AE_6, (_S.Sta3, _S.Sta13)),
        _S.Sta3: (_A.AA_8, (_S.Sta13,)),
        _S.Sta5: (_A.AA_8, (_S.Sta13,)),
        _S.Sta6: (_A.AA_8, (_S.Sta13,)),
        _S.Sta7: (_A.AA_8, (_S.Sta13,)),
        _S.Sta8: (_A.AA_8, (_S.Sta13,)),
        _S.Sta9: (_A.AA_8, (_S.Sta13,)),
        _S.Sta10: (_A.AA_8, (_S.Sta13,)),
        _S.Sta11: (_A.AA_8, (_S.Sta13,)),
        _S.Sta12: (_A.AA_8, (_S.Sta13,)),
        _S.Sta13: (_A.AA_7, (_S.Sta13,)),
    },
    Evt.A_ASSOCIATE_ACCEPT: {_S.Sta3: (_A.AE_7, (_S.Sta6,))},
    Evt.A_ASSOCIATE_REJECT: {_S.Sta3: (_A.AE_8, (_S.Sta13,))},
    Evt.P_DATA_REQUEST: {_S.Sta6: (_A.DT_1, (_S.Sta6,)), _S.Sta8: (_A.AR_7, (_S.Sta8,))},
    Evt.P_DATA_TF_PDU: {
        _S.Sta2: (_A.AA_1, (_S.Sta13,)),
        _S.Sta3: (_A.AA_8, (_S.Sta13,)),
        _S.Sta5: (_A.AA_8, (_S.Sta13,)),
        _S.Sta6: (_A.DT_2, (_S.Sta6,)),
        _S.Sta7: (_A.AR_6, (_S.Sta7,)),
        _S.Sta8: (_A.AA_8, (_S.Sta13,)),
        _S.Sta9: (_A.AA_8, (_S.Sta13,)),
        _S.Sta10: (_A.AA_8, (_S.Sta13,)),
        _S.Sta11: (_A.AA_8, (_S.Sta13,)),
        _S.Sta12: (_A.AA_8, (_S.Sta13,)),
        _S.Sta13: (_A.AA_6, (_S.Sta13,)),
    },
    Evt.A_RELEASE_REQUEST: {_S.Sta6: (_A.AR_1, (_S.Sta7,))},
    Evt.A_RELEASE_RQ_PDU: {
        _S.Sta2: (_A.AA_1, (_S.Sta13,)),
        _S.Sta3: (_A.AA_8, (_S.Sta13,)),
        _S.Sta5: (_A.AA_8, (_S.Sta13,)),
        _S.Sta6: (_A.AR_2, (_S.Sta8,)),
        _S.Sta7: (_A.AR_8, (_S.Sta9, _S.Sta10)),
        _S.Sta8: (_A.AA_8, (_S.Sta13,)),
        _S.Sta9: (_A.AA_8, (_S.Sta13,)),
        _S.Sta10: (_A.AA_8, (_S.Sta13,)),
        _S.Sta11: (_A.AA_8, (_S.Sta13,)),
        _S.Sta12: (_A.AA_8, (_S.Sta13,)),
        _S.Sta13: (_A.AA_6, (_S.Sta13,)),
    },
    Evt.A_RELEASE_RP_PDU: {
        _S.Sta2: (_A.AA_1, (_S.Sta13,)),
        _S.Sta3: (_A.AA_8, (_S.Sta13,)),
        _S.Sta5: (_A.AA_8, (_S.Sta13,)),
        _S.Sta6: (_A.AA_8, (_S.Sta13,)),
        _S.Sta7: (_A.AR_3, (_S.Sta1,)),
        _S.Sta8: (_A.AA_8, (_S.Sta13,)),
        _S.Sta9: (_A.AA_8, (_S.Sta13,)),
        _S.Sta10: (_A.AR_10, (_S.Sta12,)),
        _S.Sta11: (_A.AR_3, (_S.Sta1,)),
        _S.Sta12: (_A.AA_8, (_S.Sta13,)),
        _S.Sta13: (_A.AA_6, (_S.Sta13,)),
    },
    Evt.A_RELEASE_RESPONSE: {
        _S.Sta8: (_A.AR_4, (_S.Sta13,)),
        _S.Sta9: (_A.AR_9, (_S.Sta11,)),
        _S.Sta12: (_A.AR_4, (_S.Sta13,)),
    },
    Evt.A_ABORT_REQUEST: {
        _S.Sta3: (_A.AA_1, (_S.Sta13,)),
        _S.Sta4: (_A.AA_2, (_S.Sta1,)),
        _S.Sta5: (_A.AA_1, (_S.Sta13,)),
        _S.Sta6: (_A.AA_1, (_S.Sta13,)),
        _S.Sta7: (_A.AA_1, (_S.Sta13,)),
        _S.Sta8: (_A.AA_1, (_S.Sta13,)),
        _S.Sta9: (_A.AA_1, (_S.Sta13,)),
        _S.Sta10: (_A.AA_1, (_S.Sta13,)),
        _S.Sta11: (_A.AA_1, (_S.Sta13,)),
        _S.Sta12: (_A.AA_1, (_S.Sta13,)),
    },
    Evt.A_ABORT_PDU: {
        _S.Sta2: (_A.AA_2, (_S.Sta1,)),
        _S.Sta3: (_A.AA_3, (_S.Sta1,)),
        _S.Sta5: (_A.AA_3, (_S.Sta1,)),
        _S.Sta6: (_A.AA_3, (_S.Sta1,)),
        _S.Sta7: (_A.AA_3, (_S.Sta1,)),
        _S.Sta8: (_A.AA_3, (_S.Sta1,)),
        _S.Sta9: (_A.AA_3, (_S.Sta1,)),
        _S.Sta10: (_A.AA_3, (_S.Sta1,)),
        _S.Sta11: (_A.AA_3, (_S.Sta1,)),
        _S.Sta12: (_A.AA_3, (_S.Sta1,)),
        _S.Sta13: (_A.AA_2, (_S.Sta1,)),
    },
    Evt.TRANSPORT_CLOSED: {
        _S.Sta2: (_A.AA_5, (_S.Sta1,)),
        _S.Sta3: (_A.AA_4, (_S.Sta1,)),
        _S.Sta4: (_A.AA_4, (_S.Sta1,)),
        _S.Sta5: (_A.AA_4, (_S.Sta1,)),
        _S.Sta6: (_A.AA_4, (_S.Sta1,)),
        _S.Sta7: (_A.AA_4, (_S.Sta1,)),
        _S.Sta8: (_A.AA_4, (_S.Sta1,)),
        _S.Sta9: (_A.AA_4, (_S.Sta1,)),
        _S.Sta10: (_A.AA_4, (_S.Sta1,)),
        _S.Sta11: (_A.AA_4, (_S.Sta1,)),
        _S.Sta12: (_A.AA_4, (_S.Sta1,)),
        _S.Sta13: (_A.AR_5, (_S.Sta1,)),
    },
    Evt.ARTIM_EXPIRED: {_S.Sta2: (_A.AA_2, (_S.Sta1,)), _S.Sta13: (_A.AA_2, (_S.Sta1,))},
    Evt.INVALID_PDU: {
        _S.Sta2: (_A.AA_1, (_S.Sta13,)),
        _S.Sta3: (_A.AA_8, (_S.Sta13,)),
        _S.Sta5: (_A.AA_8, (_S.Sta13,)),
        _S.Sta6: (_A.AA_8, (_S.Sta13,)),
        _S.Sta7: (_A.AA_8, (_S.Sta13,)),
        _S.Sta8: (_A.AA_8, (_S.Sta13,)),
        _S.Sta9: (_A.AA_8, (_S.Sta13,)),
        _S.Sta10: (_A.AA_8, (_S.Sta13,)),
        _S.Sta11: (_A.AA_8, (_S.Sta13,)),
        _S.Sta12: (_A.AA_8, (_S.Sta13,)),
        _S.Sta13: (_A.AA_7, (_S.Sta13,)),
    },
}
