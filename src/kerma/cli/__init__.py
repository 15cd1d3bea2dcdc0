"""The ``kerma`` command: one thin file per command, which translates its words, calls one core function, and prints."""
