"""The only room with sockets, TLS, asyncio and threads: drivers, client and server. It decides nothing that DICOM
decides.

``peer`` and ``tls`` say whom to talk to and how; ``core`` joins the sans-IO protocol of one association; ``link``
(blocking) and ``alink`` (asyncio) drive it; ``client`` and ``aclient`` are the faces of the SCU; ``server`` with its
``workers`` is the SCP.
"""
