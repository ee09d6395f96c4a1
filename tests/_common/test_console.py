import io
import sys

import pytest

from eumlib._common.console import take_any_text

SAID = "Łukasz → 3 × 4 – 'ł' ± 0.5 …"


def printed(monkeypatch, encoding, errors="strict"):
    bytes_out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(bytes_out, encoding, errors))
    take_any_text()
    print(SAID, end="", flush=True)
    return bytes_out.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", SAID),
        ("cp1252", "\\u0141ukasz -> 3 × 4 – '\\u0142' ± 0.5 …"),
        ("cp437", "\\u0141ukasz -> 3 x 4 - '\\u0142' ± 0.5 ..."),
        ("ascii", "\\u0141ukasz -> 3 x 4 - '\\u0142' +- 0.5 ..."),
    ],
)
def test_what_a_console_cannot_show_is_written_in_plain_letters(monkeypatch, encoding, expected):
    assert printed(monkeypatch, encoding) == expected


def test_what_the_user_has_told_a_stream_to_do_is_done(monkeypatch):
    assert printed(monkeypatch, "ascii", "replace") == SAID.encode("ascii", "replace").decode()
