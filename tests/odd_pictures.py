"""Picture files made by hand, byte by byte where Pillow writes no such file."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def png_chunk(kind, content):
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png_of(width, height, rows=b"", extra=b"", bits=8, colour=0):
    """A PNG that claims that size, whatever its rows are: grey, if `colour` is not another type."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def tiff_of(values, bits, white_is_zero=False):
    """A TIFF of one strip of grey, `bits` a value."""
    height, width = values.shape
    if bits == 12:  # two values in three bytes
        left, right = values.reshape(-1, 2).T.astype(int)
        packed = np.stack([left >> 4, (left & 15) << 4 | right >> 8, right & 255], axis=1)
        strip = packed.astype(np.uint8).tobytes()
    else:
        strip = values.tobytes()
    tags = {
        256: width, 257: height, 258: bits, 259: 1, 262: 0 if white_is_zero else 1,
        273: 8, 277: 1, 278: height, 279: len(strip),
    }  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return (
        struct.pack("<2sHI", b"II", 42, 8 + len(strip))
        + strip
        + struct.pack("<H", len(tags))
        + entries
        + bytes(4)
    )


def packed(picture, form, **options):
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def save(path, picture, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, **options)
    return path


def save_worn_masks(folder, pictures, labels_file):
    """A folder of two people with and without masks, in MFR2's layout."""
    lines = []
    for name, labels in {"AnnLee": ["surgical_blue", "no-mask"], "BobDay": ["no-mask"]}.items():
        for number, label in enumerate(labels, 1):
            save(folder / name / f"{name}_{number:04d}.png", pictures[number])
            lines.append(f"{name}, {number}, {label}")
    (folder / labels_file).write_text("\n".join(lines) + "\n\n")
    return folder
