"""Pictures as strangers send them: what each must become, or why it is refused."""

import errno
import io
import os
import re
import subprocess
import sys
import tracemalloc
import zlib

import cv2
import numpy as np
import pytest
from odd_pictures import packed, png_chunk, png_of, save, tiff_of
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from eumlib.faces import (
    PictureAccessError,
    UnreadablePictureError,
    generate_face,
    read_picture,
)
from eumlib.faces.decoding import (
    LONGEST_SIDE,
    MEGAPIXELS,
    PictureTooLargeError,
    decode_picture,
    to_working_size,
)

RAMP = np.tile(np.linspace(0, 255, 260).astype(np.uint8), (250, 1))
RED = np.zeros((250, 260, 3), np.uint8) + np.array([200, 30, 40], np.uint8)


GREY = {
    "8 bits": lambda: packed(Image.fromarray(RAMP), "PNG"),
    "with opacity": lambda: packed(Image.fromarray(RAMP).convert("LA"), "PNG"),
    "as RGBA": lambda: packed(Image.fromarray(RAMP).convert("RGBA"), "PNG"),
    "16 bits in PNG": lambda: packed(Image.fromarray(RAMP.astype(np.uint16) * 257), "PNG"),
    "16 bits in PGM": lambda: packed(Image.fromarray(RAMP.astype(np.int32) * 257), "PPM"),
    "16 bits in TIFF": lambda: tiff_of(RAMP.astype("<u2") * 257, 16),
    "16 bits, white is 0": lambda: tiff_of(65535 - RAMP.astype("<u2") * 257, 16, True),
    "12 bits in TIFF": lambda: tiff_of(np.round(RAMP / 255 * 4095).astype(int), 12),
    "8 bits, white is 0": lambda: tiff_of(255 - RAMP, 8, True),
    "32 bits, to 255": lambda: packed(Image.fromarray(RAMP.astype(np.int32)), "TIFF"),
    "32 bits, to 65535": lambda: packed(Image.fromarray(RAMP.astype(np.int32) * 257), "TIFF"),
    "float to 1": lambda: packed(Image.fromarray(RAMP.astype(np.float32) / 255), "TIFF"),
    "float to 255": lambda: packed(Image.fromarray(RAMP.astype(np.float32)), "TIFF"),
    "float to 65535": lambda: packed(Image.fromarray(RAMP.astype(np.float32) * 257), "TIFF"),
    "JPEG": lambda: packed(Image.fromarray(RAMP), "JPEG", quality=100),
    "palette": lambda: packed(Image.fromarray(RAMP).quantize(256), "GIF"),
}  # fmt: skip


@pytest.mark.parametrize("kind", GREY)
def test_grey_of_any_depth_is_the_same_grey_in_three_channels(kind):
    read = decode_picture(io.BytesIO(GREY[kind]()), kind)
    assert read.shape == (250, 260, 3)
    assert read.dtype == np.uint8
    assert (read == read[:, :, :1]).all()
    assert np.abs(read[:, :, 0].astype(int) - RAMP).max() <= 1


def test_a_dark_picture_of_sixteen_bits_stays_dark():
    dark = Image.fromarray(np.full((250, 260), 200, np.int32))
    assert (decode_picture(io.BytesIO(packed(dark, "PPM")), "dark") == 1).all()


def test_one_bit_is_black_and_white():
    dots = np.random.default_rng(0).random((250, 260)) < 0.5
    for form in ("PNG", "TIFF", "BMP", "PPM"):
        read = decode_picture(io.BytesIO(packed(Image.fromarray(dots), form)), form)
        np.testing.assert_array_equal(read, np.where(dots, 255, 0)[:, :, None].repeat(3, axis=2))


@pytest.mark.parametrize(
    "values",
    [
        RAMP.astype(np.float32) * 4000,
        RAMP.astype(np.float32) - 100,
        np.where(RAMP == 9, np.inf, RAMP).astype(np.float32),
        RAMP.astype(np.int32) * 1_000_000,
        -RAMP.astype(np.int32),
    ],
)
def test_grey_values_of_an_unknown_range_are_refused(values):
    with pytest.raises(UnreadablePictureError, match=r"odd has grey values from .* expected 0 to"):
        decode_picture(io.BytesIO(packed(Image.fromarray(values), "TIFF")), "odd")


def inks(rgb):
    """The CMYK values of a colour without black ink, by hand."""
    return Image.merge("CMYK", [*Image.fromarray(255 - rgb).split(), Image.new("L", (260, 250))])


def test_cmyk_becomes_rgb_with_adobes_inverted_jpeg_too():
    jpeg = packed(inks(RED), "JPEG", quality=98, subsampling=0)
    assert b"Adobe" in jpeg  # Adobe stores 255 − ink: what is not inverted would be cyan
    by_opencv = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    for content in (jpeg, packed(inks(RED), "TIFF")):
        read = decode_picture(io.BytesIO(content), "printed")
        assert np.abs(read.astype(int) - RED).max() < 8
    assert np.abs(by_opencv.astype(int) - RED).max() < 8


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".gif", {}), (".webp", {"lossless": True}), (".png", {}), (".tif", {}),
        (".jpg", {"format": "MPO", "quality": 98, "subsampling": 0}),
    ],
)  # fmt: skip
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


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_a_transparent_colour_of_a_palette_becomes_white(form):
    drawing = Image.fromarray((RAMP > 99).astype(np.uint8), mode="P")
    drawing.putpalette([0, 200, 0, 200, 30, 40])
    read = decode_picture(io.BytesIO(packed(drawing, form, transparency=0)), "drawing")
    np.testing.assert_array_equal(read, np.where(RAMP[:, :, None] > 99, RED, 255))


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_a_channel_are_scaled_to_eight(channels):
    deep = np.repeat(RAMP.astype(">u2")[:, :, None] * 257, channels, axis=2)
    deep[:, :, 3:] = 65535
    rows = b"".join(b"\0" + row.tobytes() for row in deep.astype(">u2"))
    content = png_of(260, 250, rows, bits=16, colour={3: 2, 4: 6}[channels])
    read = decode_picture(io.BytesIO(content), "deep")
    np.testing.assert_array_equal(read, np.repeat(RAMP[:, :, None], 3, axis=2))


@pytest.mark.parametrize(
    ("mode", "form"),
    [("RGB", "JPEG"), ("RGB", "PNG"), ("RGBA", "WEBP"), ("P", "GIF"), ("I;16", "TIFF")],
)
def test_a_large_picture_is_averaged_down_to_working_size(mode, form):
    small = Image.fromarray(generate_face(0, seed=4)).resize((300, 190))
    large = small.resize((3001, 1903), Image.Resampling.BICUBIC)
    if mode == "I;16":
        large = Image.fromarray(np.asarray(large.convert("L")).astype(np.uint16) * 257)
        expected = Image.fromarray((np.asarray(large) // 257).astype(np.uint8)).convert("RGB")
    else:
        large = large.convert(mode, dither=Image.Dither.NONE)
        expected = large.convert("RGB")
    options = {"lossless": True, "method": 0} if form == "WEBP" else {}
    read = decode_picture(io.BytesIO(packed(large, form, **options)), "large")
    assert read.shape == (812, 1280, 3)
    direct = cv2.resize(np.asarray(expected), (1280, 812), interpolation=cv2.INTER_AREA)
    difference = np.abs(read.astype(int) - direct)
    assert difference.mean() < 1
    assert difference.max() < 40  # a palette has hard edges


@pytest.mark.parametrize(("mode", "bytes_a_pixel"), [("RGB", 4), ("F", 4), ("1", 1)])
def test_a_large_picture_costs_little_more_memory_than_its_pixels(mode, bytes_a_pixel, tmp_path):
    side = 4800
    Image.new(mode, (side, side), 1).save(tmp_path / "large.tif", compression="tiff_deflate")
    code = (
        "import sys, resource; from pathlib import Path;"
        "from eumlib.faces.decoding import read_picture;"
        "memory = lambda: int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]);"
        "before = memory(); read_picture(Path(sys.argv[1])); print(memory() - before)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "large.tif")]
    used = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) * 1024
    assert used < bytes_a_pixel * side**2 + 80_000_000


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    side = 40_000  # 1.6 thousand million pixels, in a file of a few hundred bytes
    (tmp_path / "bomb.png").write_bytes(png_of(side, side, bytes(1000)))
    with pytest.raises(PictureTooLargeError, match=r"bomb\.png"):
        read_picture(tmp_path / "bomb.png")
    width = MEGAPIXELS * 1_000_000 // 1000 + 1
    (tmp_path / "wide.png").write_bytes(png_of(width, 1000))
    with pytest.raises(PictureTooLargeError, match=rf"{width}×1000 pixels; up to {MEGAPIXELS}"):
        read_picture(tmp_path / "wide.png")
    (tmp_path / "thread.png").write_bytes(png_of(1, LONGEST_SIDE + 1))
    with pytest.raises(PictureTooLargeError, match=rf"1×{LONGEST_SIDE + 1} pixels"):
        read_picture(tmp_path / "thread.png")
    assert issubclass(PictureTooLargeError, UnreadablePictureError)
    assert PictureTooLargeError.reason != UnreadablePictureError.reason


def test_what_pillow_would_warn_of_is_not_said(recwarn):
    suspicious = png_of(9500, 10_000, bytes(20_000))  # Pillow warns from 89 megapixels on
    with pytest.raises(UnreadablePictureError, match="truncated"):
        decode_picture(io.BytesIO(suspicious), "suspicious")
    assert not recwarn.list


@pytest.mark.parametrize(
    ("kind", "start"),
    [(b"zTXt", b"a\0\0"), (b"iCCP", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0")],
)
def test_a_bomb_in_the_metadata_is_refused_and_not_blown_up(kind, start, tmp_path):
    content = zlib.compress(bytes(100_000_000))
    rows = b"".join(b"\x00" + row.tobytes() for row in RAMP)
    bomb = png_of(260, 250, rows, extra=png_chunk(kind, start + content))
    (tmp_path / "bomb.png").write_bytes(bomb)
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    with pytest.raises(UnreadablePictureError, match="too large"):
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


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize(
    "content", [POSTSCRIPT, *(packed(Image.fromarray(RED), form) for form in ("ICO", "TGA", "SGI"))]
)
def test_formats_that_no_camera_writes_are_not_opened(content, tmp_path):
    (tmp_path / "photograph.jpg").write_bytes(content)
    with pytest.raises(UnreadablePictureError, match="beginning is not that of BMP, GIF, JPEG"):
        read_picture(tmp_path / "photograph.jpg")


def test_what_cannot_be_opened_is_refused_with_the_reason(tmp_path):
    (tmp_path / "circle.jpg").symlink_to(tmp_path / "circle.jpg")
    for name, reason in {
        "nowhere.jpg": "No such file",
        "n" * 300: "name too long",
        "circle.jpg": "symbolic links",
    }.items():
        with pytest.raises(UnreadablePictureError, match=f"{name} does not decode: .*{reason}"):
            read_picture(tmp_path / name)
    with pytest.raises(UnreadablePictureError, match="not a regular file"):
        read_picture(tmp_path)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM"])
def test_no_reason_tells_where_the_pictures_lie(form, tmp_path):
    whole = packed(Image.fromarray(RED), form)
    (tmp_path / "circle.jpg").symlink_to(tmp_path / "circle.jpg")
    names = ["gone.jpg", "circle.jpg", "n" * 300]
    for length in (0, 3, 20, len(whole) // 2):
        (tmp_path / f"{length}.jpg").write_bytes(whole[:length])
        names.append(f"{length}.jpg")
    for name in names:
        with pytest.raises(UnreadablePictureError, match=name) as error:
            read_picture(tmp_path / name)
        assert str(tmp_path) not in str(error.value)


def in_a_process_of_its_own(code, path):
    code = (
        "import os, resource, sys; from pathlib import Path\n"
        "from eumlib.faces import PictureAccessError, read_picture\n"
        "path = Path(sys.argv[1]); read_picture(path)\n"
        f"{code}\n"
        "try: read_picture(path)\n"
        "except PictureAccessError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


LIMITS = pytest.mark.skipif(sys.platform == "win32", reason="limits and users of POSIX")


@LIMITS
@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("os.chmod(path, 0); os.geteuid() or os.seteuid(65534)", "Permission denied.*readable"),
        ("resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))", "Too many open files.*workers"),
        pytest.param(
            "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
            "resource.setrlimit(resource.RLIMIT_AS, (size + 10_000_000, -1))",
            "want of memory.*workers",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="memory as Linux counts it"),
        ),
        ("path.unlink(); path.parent.rmdir()", "No such file.*see that its disk is there"),
    ],
    ids=["permission", "handles", "memory", "disk"],
)
def test_what_can_be_read_later_is_not_called_unreadable(limit, message, tmp_path):
    path = save(tmp_path / "Ann" / "1.png", np.zeros((3000, 3000, 3), np.uint8))
    told = in_a_process_of_its_own(limit, path)
    assert told.startswith(str(path))
    assert re.search(message, told)
    assert "same command again" in told
    assert told.count("\n") == 1


def test_a_disk_that_fails_while_a_picture_is_read_is_not_the_pictures_fault():
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if size < 0 or self.tell() + size > 5000:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(size)

    for form in ("PNG", "JPEG", "WEBP", "TIFF"):
        content = packed(Image.fromarray(generate_face(0, seed=4)), form)
        with pytest.raises(PictureAccessError, match=r"Input/output error.*see that its disk"):
            decode_picture(Failing(content), "photograph.jpg")


def test_who_fails_to_get_a_picture_now_does_not_count_it_as_a_failure_to_acquire():
    assert not issubclass(PictureAccessError, UnreadablePictureError)
    assert not hasattr(PictureAccessError, "reason")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for read in (read_picture, lambda path: decode_picture(path, "pipe.jpg")):
        with pytest.raises(UnreadablePictureError, match="not a regular file"):
            read(tmp_path / "pipe.jpg")


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


STORED = {  # by orientation, how a camera stores what it shows
    1: lambda shown: shown,
    2: lambda shown: shown[:, ::-1],
    3: lambda shown: shown[::-1, ::-1],
    4: lambda shown: shown[::-1],
    5: lambda shown: shown.swapaxes(0, 1),
    6: lambda shown: np.rot90(shown, 1),
    7: lambda shown: shown[::-1, ::-1].swapaxes(0, 1),
    8: lambda shown: np.rot90(shown, -1),
}


def noted_in_exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return {"exif": exif}


def xmp_of(orientation):
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/></rdf:RDF></x:xmpmeta>'
    ) % orientation


def noted_in_xmp_of_png(orientation):
    chunks = PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", xmp_of(orientation).decode())
    return {"pnginfo": chunks}


FINE = {"quality": 98, "subsampling": 0}
CARRIERS = {  # format, what it is saved with, and where it notes the orientation
    "JPEG": ("JPEG", FINE, noted_in_exif),
    "JPEG, XMP": ("JPEG", FINE, lambda o: {"xmp": xmp_of(o)}),
    "MPO": ("MPO", {**FINE, "save_all": True, "append_images": [Image.fromarray(RED)]},
            noted_in_exif),
    "PNG": ("PNG", {}, noted_in_exif),
    "PNG, XMP": ("PNG", {}, noted_in_xmp_of_png),
    "WEBP": ("WEBP", {"lossless": True}, noted_in_exif),
    "WEBP, XMP": ("WEBP", {"lossless": True}, lambda o: {"xmp": xmp_of(o)}),
    "TIFF": ("TIFF", {}, noted_in_exif),
    "TIFF, packed": ("TIFF", {"compression": "tiff_lzw"}, noted_in_exif),
    "TIFF of JPEG": ("TIFF", {"compression": "jpeg", "quality": 98}, noted_in_exif),
    "TIFF, XMP": ("TIFF", {}, lambda o: {"tiffinfo": {700: xmp_of(o)}}),
}  # fmt: skip


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_picture_is_turned_upright_once_wherever_its_rotation_is_noted(carrier, orientation):
    form, options, noted = CARRIERS[carrier]
    shown = np.ascontiguousarray(generate_face(0, seed=4)[:250])
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](shown)))
    content = packed(stored, form, **options, **noted(orientation))
    read = decode_picture(io.BytesIO(content), carrier)
    assert read.shape == shown.shape
    assert np.abs(read.astype(int) - shown).mean() < 2


@pytest.mark.parametrize("orientation", [0, 9])
def test_an_orientation_that_means_nothing_turns_nothing(orientation):
    content = packed(Image.fromarray(RED), "PNG", **noted_in_exif(orientation))
    np.testing.assert_array_equal(decode_picture(io.BytesIO(content), "odd"), RED)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "F", "RGBA", "CMYK"])
def test_tiff_of_any_kind_is_turned_once(mode, orientation):
    grey = np.where(RAMP > 99, 255, 0).astype(np.uint8)
    shown = np.ascontiguousarray(np.where(np.arange(250)[:, None] < 60, grey, 0))
    turned = np.ascontiguousarray(STORED[orientation](shown))
    if mode == "I;16":
        stored = Image.fromarray(turned.astype(np.uint16) * 257)
    else:
        stored = Image.fromarray(turned).convert(mode)
    content = packed(stored, "TIFF", **noted_in_exif(orientation))
    read = decode_picture(io.BytesIO(content), mode)
    np.testing.assert_array_equal(read, np.repeat(shown[:, :, None], 3, axis=2))


def test_a_rotation_that_stands_behind_the_pixels_is_found():
    shown = np.ascontiguousarray(generate_face(0, seed=4)[:250])
    content = packed(Image.fromarray(np.rot90(shown, 1)), "PNG", **noted_in_exif(6))
    place = content.index(b"eXIf") - 4
    length = 12 + int.from_bytes(content[place : place + 4], "big")
    noted, rest = content[place : place + length], content[:place] + content[place + length :]
    content = rest[:-12] + noted + rest[-12:]  # before IEND
    np.testing.assert_array_equal(decode_picture(io.BytesIO(content), "late"), shown)


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_a_large_picture_is_turned_as_a_small_one(form):
    shown = Image.fromarray(generate_face(0, seed=4)).resize((2600, 1900))
    stored = shown.transpose(Image.Transpose.ROTATE_90)
    content = packed(stored, form, **noted_in_exif(6))
    read = decode_picture(io.BytesIO(content), "large")
    expected = decode_picture(io.BytesIO(packed(shown, form)), "large")
    assert read.shape == expected.shape
    assert np.abs(read.astype(int) - expected).mean() < 3


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


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".gif", ".pgm", ".tif", ".webp"])
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
