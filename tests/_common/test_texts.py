import codecs
import io
import os
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eumlib._common.texts import LARGEST, TextFileError, decoded, one_form, read_json, read_text

TEXT = "Zoë 1 2\nŁukasz 1 Zoë 1\n李 1 2\n"
ENCODINGS = {
    "utf-8": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_text_is_read_whatever_editor_wrote_it(encoding, end, tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(ENCODINGS[encoding] + TEXT.replace("\n", end).encode(encoding))
    assert read_text(path) == read_text(str(path)) == TEXT
    path.write_bytes(codecs.BOM_UTF8 + TEXT.encode())
    assert read_text(path) == TEXT


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_text_comes_back_from_any_encoding_with_its_lines_ended_in_one_way(text):
    expected = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8").read()
    for encoding, mark in ENCODINGS.items():
        again = decoded((mark or codecs.BOM_UTF8) + text.encode(encoding), "text")
        assert again == expected


@given(st.binary())
def test_any_bytes_are_text_or_are_refused_in_a_line(content):
    refused = None
    try:
        assert "\0" not in decoded(content, "some.txt")
    except TextFileError as error:
        refused = str(error)
    if refused:
        assert refused.startswith("some.txt is not a text file in UTF-8 or UTF-16")
        assert "\n" not in refused


@pytest.mark.parametrize(
    "content",
    [
        "André 1 2".encode("cp1252"),
        "Zoë 1 2".encode("utf-16-le"),  # without a mark
        b"\xff\xfe\x00",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        bytes(100),
    ],
)
def test_what_is_no_text_is_refused_with_what_to_do(content, tmp_path):
    (tmp_path / "pairs.txt").write_bytes(content)
    with pytest.raises(TextFileError, match=r"pairs\.txt is not a text file .*save it as UTF-8: "):
        read_text(tmp_path / "pairs.txt")


def test_a_path_to_no_regular_file_is_refused_in_a_line_and_not_waited_for(tmp_path):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "file").write_text("text")
    for path, reason in {
        tmp_path: "is a folder",
        tmp_path / "nowhere": "No such file",
        tmp_path / "circle": "symbolic links",
        tmp_path / "file" / "deeper": "Not a directory",
        tmp_path / ("n" * 300): "name too long",
        os.devnull: "is a pipe or a device",
    }.items():
        with pytest.raises(TextFileError, match=reason) as error:
            read_text(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)
    with pytest.raises(TextFileError, match="is no path of a file"):
        read_text("pairs\0.txt")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(TextFileError, match="is a pipe or a device"):
            read_text(tmp_path / "pipe")


@pytest.mark.skipif(sys.platform == "win32", reason="files with holes are made otherwise there")
def test_a_file_that_would_fill_the_memory_is_refused_unread(tmp_path):
    with (tmp_path / "huge.txt").open("wb") as stream:
        stream.truncate(LARGEST + 1)
    with pytest.raises(TextFileError, match=r"huge\.txt has 200,000,001 bytes"):
        read_text(tmp_path / "huge.txt")


@given(st.text())
def test_all_unicode_forms_of_a_name_have_one_form(name):
    forms = {one_form(unicodedata.normalize(form, name)) for form in ("NFC", "NFD")}
    assert forms == {one_form(name)} == {one_form(one_form(name))}


@pytest.mark.parametrize("text", ["[1]", "3", "{", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_json_that_holds_no_values_by_name_is_refused_in_a_line(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(TextFileError, match=r"a\.json") as refusal:
        read_json(tmp_path / "a.json")
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 500


def test_a_file_of_more_than_is_asked_for_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("x" * 101)
    with pytest.raises(TextFileError, match=r"a\.txt has 101 bytes; such files of up to 100 are"):
        read_text(tmp_path / "a.txt", 100)
