"""The DICOMweb client: ``kerma.web.Client`` and ``kerma.web.AsyncClient`` (PS3.18).

One sans-IO layer of flows (``studies``, ``workitems``), two drivers over httpx (``driving``). Loaded when it is used.
"""
