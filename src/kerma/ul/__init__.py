"""PS3.8, the upper layer protocol, as bytes in and events out: no sockets, clocks, threads or logging in this room.

``pdu`` has the PDUs, ``states`` the state table, ``association`` the machine that joins both, ``negotiation`` what a
request is answered with, ``codes`` the printed codes.
"""
