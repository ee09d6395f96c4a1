"""Named files of a few bytes, what holds them, and where they are had from."""

import hashlib
import io
import tarfile
import zipfile

import numpy as np

from eumlib._common.sources import NamedFile, WebAddress

CONTENT = b"forty people, ten photographs each\n" * 500
NOWHERE = WebAddress("http://127.0.0.1:9/faces.bin")


def named(name, content, *sources):
    return NamedFile(
        name=name,
        about=f"what {name} is about",
        licence="CC0",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        sources=sources,
    )


def registry_of(*files):
    return {file.name: file for file in files}


def serve(server, name="faces.bin", content=CONTENT):
    (server.folder / name).write_bytes(content)
    return registry_of(named(name, content, WebAddress(f"{server.address}/{name}")))


def files_in(home):
    return sorted(path.name for path in (home / "files").iterdir())


def pack(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path.read_bytes()


def tarball(members, compression="gz", kind=tarfile.REGTYPE):
    """A tarball whose members are all of one kind."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=f"w:{compression}") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname = kind, len(content), "/etc/hostname"
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def assert_explains(error, name, command, home):
    assert name in str(error)
    assert command in str(error)
    assert "EUMLIB_HOME" in str(error)
    assert str(home / "files" / name) in str(error)


def with_a_flipped_bit(whole, count):
    """So many copies of a file's bytes, each with another bit flipped."""
    for bit in np.random.default_rng(0).choice(8 * len(whole), count, replace=False):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        yield bytes(damaged)
