"""PS3.5 sections 7, 8 and annex A: bytes <-> data elements, without their values.

The room knows element headers, lengths, nesting and byte order. It holds no value and no file: bytes come in as a
buffer or a ``ByteSource`` and leave as slices. ``scan`` finds where each element lies, ``walk`` finds where undefined
lengths end, ``headers`` reads one header, ``writer`` writes them and turns a plan of pieces into a stream.
"""
