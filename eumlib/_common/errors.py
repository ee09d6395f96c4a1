"""The one base of all errors that a user can mend: the command line prints them in a line."""

from __future__ import annotations


class EumlibError(Exception):
    """Something that the user gave or has cannot be used; the message says what, and the mend."""
