import errno
import os

import pytest

from eumlib._common.errors import in_a_line, shortened


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (errno.ENOSPC, "out.csv: its disk is full"),
        (errno.EFBIG, "out.csv: its disk is full"),
        (errno.EROFS, "out.csv lies on a disk that cannot be written"),
        (errno.EACCES, "out.csv may not be read or written by you"),
        (errno.EPERM, "out.csv may not be read or written by you"),
        (errno.EISDIR, "out.csv is a folder, where a file is needed"),
        (errno.ENAMETOOLONG, "out.csv is too long a name"),
        (errno.ETXTBSY, f"out.csv: {os.strerror(errno.ETXTBSY)}"),
    ],
)
def test_an_error_of_the_system_says_which_file_and_how_to_mend_it(number, what):
    line = in_a_line(OSError(number, os.strerror(number), "out.csv"))
    assert line.startswith(what)
    assert "\n" not in line


def test_without_a_file_or_number_it_is_a_line_all_the_same():
    assert in_a_line(OSError(errno.ENOSPC, "full")).startswith("what was being read or written: ")
    assert in_a_line(OSError("first\nsecond")).endswith(": first second")


def test_what_is_long_is_shortened_in_the_middle():
    assert shortened("a\n b") == "a b"
    assert shortened("x" * 80) == "x" * 80
    short = shortened("start" + "x" * 1000 + "end", 50)
    assert len(short) == 50
    assert short.startswith("start")
    assert short.endswith("end")
