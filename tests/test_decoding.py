"""Pictures as strangers send them: what each must become, or why it is refused."""

import contextlib
import io
import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from eumlib.decoding import (
    MEGAPIXELS,
    PictureTooLargeError,
    UnreadablePictureError,
    decode_picture,
    read_picture,
    to_working_size,
)
from eumlib.generator import generate_face

RAMP = np.tile(np.linspace(0, 255, 260).astype(np.uint8), (250, 1))
RED = np.zeros((250, 260, 3), np.uint8) + np.array([200, 30, 40], np.uint8)


def save(path, picture, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, **options)
    return path


def png_chunk(kind, content):
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png_of(width, height, rows=b"", extra=b""):
    """A PNG by hand: 8-bit grey of that size, whatever its rows are."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16", "I", "F"])
def test_grey_of_any_mode_is_the_same_grey_in_three_channels(mode, tmp_path):
    path = tmp_path / ("grey.tif" if mode in ("I", "F") else "grey.png")
    if mode == "I;16":
        Image.fromarray(RAMP.astype(np.uint16) * 257).save(path)
    elif mode == "I":
        Image.fromarray(RAMP.astype(np.int32) * 257).save(path)
    elif mode == "F":
        Image.fromarray(RAMP.astype(np.float32) / 255).save(path)
    else:
        Image.fromarray(RAMP).convert(mode).save(path)
    read = read_picture(path)
    assert read.shape == (250, 260, 3)
    assert read.dtype == np.uint8
    assert (read == read[:, :, :1]).all()
    if mode == "1":  # black and white dots whose mean is the grey
        smooth = read[:, :, 0].reshape(25, 10, 26, 10).mean(axis=(1, 3))
        assert np.abs(smooth - RAMP.reshape(25, 10, 26, 10).mean(axis=(1, 3))).max() < 30
    else:
        assert np.abs(read[:, :, 0].astype(int) - RAMP).max() <= (8 if mode == "P" else 1)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_becomes_rgb(suffix, tmp_path):
    path = save(tmp_path / "plain.png", RED).with_suffix(suffix)
    Image.fromarray(RED).convert("CMYK").save(path, quality=98)
    assert np.abs(read_picture(path).astype(int) - RED).max() < 12


@pytest.mark.parametrize(
    ("suffix", "options"), [(".gif", {}), (".webp", {"lossless": True}), (".png", {}), (".tif", {})]
)
def test_of_several_frames_or_pages_the_first_is_taken(suffix, options, tmp_path):
    frames = [Image.fromarray(RED), Image.fromarray(RED[:, :, ::-1].copy())]
    path = tmp_path / f"moving{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    with Image.open(path) as picture:
        assert picture.n_frames == 2
    assert np.abs(read_picture(path).astype(int) - RED).max() < 12


def test_transparent_pixels_are_laid_on_white(tmp_path):
    opacity = np.zeros((250, 260, 1), np.uint8)
    opacity[:, :130] = 255
    path = save(tmp_path / "cut_out.png", np.concatenate([RED, opacity], axis=2))
    read = read_picture(path)
    np.testing.assert_array_equal(read[:, :130], RED[:, :130])
    assert (read[:, 130:] == 255).all()


def test_sixteen_bits_a_channel_are_scaled_to_eight(tmp_path):
    rows = b"".join(b"\x00" + np.repeat(row.astype(">u2") * 257, 3).tobytes() for row in RAMP)
    header = struct.pack(">IIBBBBB", 260, 250, 16, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
    content += png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    (tmp_path / "deep.png").write_bytes(content)
    read = read_picture(tmp_path / "deep.png")
    np.testing.assert_array_equal(read, np.repeat(RAMP[:, :, None], 3, axis=2))


def test_a_large_jpeg_is_reduced_to_working_size(tmp_path):
    path = save(tmp_path / "large.jpg", np.repeat(np.repeat(RED, 20, axis=0), 20, axis=1))
    read = read_picture(path)
    assert max(read.shape) == 1280
    assert np.abs(read.astype(int) - RED[0, 0]).max() < 12


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    side = 40_000  # 1.6 thousand million pixels, in a file of a few hundred bytes
    (tmp_path / "bomb.png").write_bytes(png_of(side, side, bytes(1000)))
    with pytest.raises(PictureTooLargeError, match=r"bomb\.png"):
        read_picture(tmp_path / "bomb.png")
    width = MEGAPIXELS * 1_000_000 // 1000 + 1
    (tmp_path / "wide.png").write_bytes(png_of(width, 1000))
    with pytest.raises(PictureTooLargeError, match=rf"{width}×1000 pixels; up to {MEGAPIXELS}"):
        read_picture(tmp_path / "wide.png")
    assert issubclass(PictureTooLargeError, UnreadablePictureError)
    assert PictureTooLargeError.reason != UnreadablePictureError.reason


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_a_bomb_in_the_metadata_is_not_blown_up(kind, tmp_path):
    content = zlib.compress(bytes(200_000_000), 9)
    rows = b"".join(b"\x00" + row.tobytes() for row in RAMP)
    bomb = png_of(260, 250, rows, extra=png_chunk(kind, b"name\x00\x00" + content))
    (tmp_path / "bomb.png").write_bytes(bomb)
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    with contextlib.suppress(UnreadablePictureError):
        read_picture(tmp_path / "bomb.png")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 5000, b"<html>not found</html>", b"\xff\xd8\xff torn", b"\x89PNG\r\n\x1a\n"],
)
def test_a_file_that_is_no_picture_is_refused_by_name(content, tmp_path):
    (tmp_path / "none.jpg").write_bytes(content)
    with pytest.raises(UnreadablePictureError, match=r"none\.jpg does not decode"):
        read_picture(tmp_path / "none.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UnreadablePictureError, match="not a regular file"):
        read_picture(tmp_path / "pipe.jpg")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM"])
def test_damaged_pictures_decode_or_are_refused_and_nothing_else(form):
    random = np.random.default_rng(len(form))
    packed = io.BytesIO()
    Image.fromarray(random.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(packed, form)
    whole = np.frombuffer(packed.getvalue(), np.uint8)
    refused = 0
    for _ in range(120):
        damaged = whole.copy()
        if random.random() < 0.3:
            damaged = damaged[: random.integers(len(damaged))]
        places = random.integers(0, max(1, len(damaged)), random.integers(1, 20))
        damaged[places[places < len(damaged)]] = random.integers(0, 256)
        try:
            picture = decode_picture(io.BytesIO(damaged.tobytes()), "damaged")
            assert picture.ndim == 3
            assert picture.dtype == np.uint8
        except UnreadablePictureError:
            refused += 1
    assert refused > 5


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, lambda shown: shown),
        (2, lambda shown: shown[:, ::-1]),
        (3, lambda shown: shown[::-1, ::-1]),
        (4, lambda shown: shown[::-1]),
        (6, lambda shown: np.rot90(shown, 1)),
        (8, lambda shown: np.rot90(shown, -1)),
    ],
)
def test_a_rotation_noted_in_exif_is_applied(orientation, stored, tmp_path):
    shown = np.ascontiguousarray(generate_face(0, seed=4)[:250])
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(
        tmp_path / "camera.jpg",
        np.ascontiguousarray(stored(shown)),
        exif=exif,
        quality=98,
        subsampling=0,
    )
    picture = read_picture(path)
    assert picture.shape == shown.shape
    assert np.abs(picture.astype(int) - shown).mean() < 2


def test_a_small_picture_is_enlarged_by_a_whole_factor_until_its_short_side_is_240():
    for side, factor in [(240, 1), (239, 2), (120, 2), (119, 3), (92, 3), (64, 4), (60, 4)]:
        picture = np.zeros((side, side + 10, 3), np.uint8)
        assert to_working_size(picture).shape == (factor * side, factor * (side + 10), 3)


def test_a_large_picture_is_reduced_until_its_long_side_is_1280():
    assert to_working_size(np.zeros((2560, 1920, 3), np.uint8)).shape == (1280, 960, 3)
    assert to_working_size(np.zeros((1500, 3000, 3), np.uint8)).shape == (640, 1280, 3)
    assert to_working_size(np.zeros((1280, 960, 3), np.uint8)).shape == (1280, 960, 3)


def test_a_picture_too_long_to_be_enlarged_is_left_alone():
    assert to_working_size(np.zeros((100, 600, 3), np.uint8)).shape == (100, 600, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".pgm", ".tif", ".webp"])
def test_a_truncated_picture_is_unreadable_by_name(suffix, tmp_path):
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (250, 250), dtype=np.uint8)
    path = save(tmp_path / f"cut{suffix}", noise)
    assert read_picture(path).shape == (250, 250, 3)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadablePictureError, match=rf"cut\{suffix} does not decode"):
        read_picture(path)


def test_a_picture_of_one_row_is_reduced_and_not_lost():
    assert to_working_size(np.zeros((1, 5000, 3), np.uint8)).shape == (1, 1280, 3)
