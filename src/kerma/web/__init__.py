"""The archive over HTTP: the ASGI application, its server, the DICOMweb client (PS3.18).

Translates requests to one call of the core and back; knows no SQL and no path of a blob. What can be decided without a
socket is decided in ``kerma.dicomweb``.
"""
