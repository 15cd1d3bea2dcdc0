"""``python -m kerma.app`` writes the reference of the configuration, as the user guide has it, to standard output."""

import sys

from kerma.app.reference import markdown

sys.stdout.write(markdown())
