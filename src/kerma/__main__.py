"""``python -m kerma`` is the ``kerma`` command."""

from kerma.cli.main import main

main()
