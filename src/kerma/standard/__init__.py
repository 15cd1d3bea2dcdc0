"""PS3.5 and PS3.6 as data: elements, VRs, UIDs, transfer syntaxes, SOP classes, private elements.

Each module is a small look-up over a generated table in ``_gen``; a table is loaded when it is first asked. Nothing
here opens a file, knows a data set or holds a policy. The tables hold tags, names, keywords, VRs, VMs, flags and
UIDs; the texts of the standard are not in them.
"""
