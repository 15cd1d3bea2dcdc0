"""``python -m kerma.cli`` is the ``kerma`` command."""

from kerma.cli.main import main

main()
