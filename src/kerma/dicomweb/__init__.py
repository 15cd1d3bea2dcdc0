"""DICOMweb (PS3.18), sans-IO: URIs, media types, multipart, parameters and answers; shared by server and client.

May import values, dataset, formats, pixels and query. Touches no socket, no clock, no archive and no Association.
"""
