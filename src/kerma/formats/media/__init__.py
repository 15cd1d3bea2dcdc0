"""DICOMDIR file-sets: read, verified, made and changed (PS3.3 F, PS3.10 8, PS3.11, PS3.12).

``FileSet`` is the file-set in a folder, ``Record`` one directory record of it; ``verify`` compares it with the
standard, with what lies on the medium, and with an application profile, which ``profile`` gives by its name.
"""

from kerma.formats.media.directory import Record
from kerma.formats.media.fileset import FileSet
from kerma.formats.media.ids import UnsafePathError
from kerma.formats.media.profiles import Profile
from kerma.formats.media.profiles import get as profile
from kerma.formats.media.profiles import names as profile_names
from kerma.formats.media.verifying import Problem, verify

__all__ = ["FileSet", "Problem", "Profile", "Record", "UnsafePathError", "profile", "profile_names", "verify"]
