"""What is printed reaches any console, also one that knows few letters, as Windows has them."""

from __future__ import annotations

import codecs
import sys

_PLAIN = {
    "→": "->", "←": "<-", "–": "-", "—": "-", "−": "-", "…": "...", "′": "'", "’": "'", "“": '"',
    "”": '"', "×": "x", "±": "+-", "≥": ">=", "≤": "<=",
}  # fmt: skip


def take_any_text() -> None:
    """Let standard output and errors write what their encoding has not in plain letters.

    A sign of this package's own becomes a plain one; another, as in a name, its number, such as
    ``\\u0141``. A stream is left that the user has told what to do (``PYTHONIOENCODING``).
    """
    codecs.register_error("eumlib", _in_plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", None) in ("strict", "backslashreplace"):
            stream.reconfigure(errors="eumlib")


def _in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start : error.end]
    plain = (
        _PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in unknown
    )
    return "".join(plain), error.end
