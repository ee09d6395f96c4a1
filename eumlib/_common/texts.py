"""Text files that people and other programs wrote: pairs, labels, logs of masks.

They come as UTF-8, or as UTF-16 or UTF-32 where a byte order mark says so, as editors and shells on
Windows write them; with lines that end in any way.
"""

from __future__ import annotations

import codecs
import json
import os
import stat
import unicodedata
from pathlib import Path

from eumlib._common.errors import EumlibError, shortened

LARGEST = 200_000_000  # bytes, some five million pairs; larger ones would fill the memory
_MARKS = {  # those of UTF-32 first: that of UTF-16 is their beginning
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class TextFileError(EumlibError, ValueError):
    """A text file that is not there, cannot be read, or holds something else than text."""


def read_text(path: Path | str, most: int = LARGEST) -> str:
    r"""The text of a regular file, its lines ended by ``\n``.

    Raises:
        TextFileError: there is no such file, it may not be read, it is a folder, a pipe or a
            device, has more than `most` bytes, or is not text; a line that names it.
    """
    path = Path(path)
    if "\0" in str(path):
        raise TextFileError(f"{str(path)!r} is no path of a file")
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
            raise TextFileError(f"{path} is {kind}, not a text file")
        if status.st_size > most:
            raise TextFileError(
                f"{path} has {status.st_size:,} bytes; such files of up to {most:,} are read"
            )
        content = path.read_bytes()
    except OSError as error:
        raise TextFileError(f"{path} cannot be read: {error.strerror or error}") from error
    return decoded(content, path)


def decoded(content: bytes, path: Path | str) -> str:
    """As `read_text`, from the bytes; `path` is what errors call them.

    Raises:
        TextFileError: they are not text.
    """
    encoding = next((e for mark, e in _MARKS.items() if content.startswith(mark)), "utf-8-sig")
    try:
        text = content.decode(encoding)
        if "\0" in text:
            raise ValueError("it has bytes that are zero")
    except ValueError as error:
        raise TextFileError(
            f"{path} is not a text file in UTF-8 or UTF-16, save it as UTF-8: {error}"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: Path | str) -> dict:
    """What a JSON file holds by names.

    Raises:
        TextFileError: as in `read_text`; it is not JSON, or something else than values by name.
    """
    text = read_text(path)
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TextFileError(
            f"{path} cannot be read as JSON: {shortened(str(error), 200)}"
        ) from None
    if not isinstance(held, dict):
        raise TextFileError(f"{path} holds no values by name, but a {type(held).__name__}")
    return held


def one_form(name: str) -> str:
    """A name in Unicode's composed form (NFC).

    An accent may be a letter with its accent, or the letter and the accent apart, as macOS keeps
    file names: names that look alike, and are meant to be one.

    >>> one_form("Zoe\u0308") == one_form("Zoë") == "Zoë"
    True
    """
    return unicodedata.normalize("NFC", name)
