"""Errors that a user can mend, and how they end a command: in a line, never in a traceback."""

from __future__ import annotations

import errno


class EumlibError(Exception):
    """Something that the user gave or has cannot be used; the message says what, and the mend."""


_FULL = "its disk is full or its quota is used up: make room, or name another place"
_SYSTEM_ERRORS = {
    errno.ENOENT: "is not there: see how it is spelled",
    errno.EACCES: "may not be read or written by you: change its permissions or its owner, "
    "or name another place",
    errno.EROFS: "lies on a disk that cannot be written: name another place",
    errno.EISDIR: "is a folder, where a file is needed: name a file",
    errno.ENOTDIR: "has a file in its path, where a folder is needed: name another place",
    errno.EEXIST: "is a file, where a folder is needed: name another place",
    errno.EINVAL: "is not a file that can be written or read: name a file",
    errno.ENAMETOOLONG: "is too long a name: give a shorter one",
    errno.ELOOP: "is a link that leads back to itself: remove it",
    errno.ENOSPC: _FULL,
    errno.EFBIG: _FULL,
    errno.EMFILE: "is one file too many to be open: end other programs, or raise `ulimit -n`",
    errno.EIO: "cannot be read or written: its disk is damaged, or the network to it is down",
} | {getattr(errno, name): _FULL for name in ("EDQUOT",) if hasattr(errno, name)}
_SYSTEM_ERRORS[errno.EPERM] = _SYSTEM_ERRORS[errno.EACCES]
_NAME_LENGTH = 300


def in_a_line(error: OSError) -> str:
    """What went wrong with which file, and how to mend it.

    >>> in_a_line(FileNotFoundError(2, "No such file or directory", "faces"))
    'faces is not there: see how it is spelled'
    """
    said = _SYSTEM_ERRORS.get(error.errno)
    named = shortened(str(error.filename or "what was being read or written"), _NAME_LENGTH)
    if said is None:
        return f"{named}: {' '.join(str(error.strerror or error).split())}"
    return f"{named}: {said}" if said is _FULL else f"{named} {said}"


def shortened(text: str, length: int = 80) -> str:
    """A text for a message: on one line, its middle left out where it is long.

    >>> shortened("a" * 50 + "b" * 50, 20)
    'aaaaaaaaa…bbbbbbbbbb'
    """
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    half = (length - 1) // 2
    return f"{line[:half]}…{line[-(length - 1 - half) :]}"
