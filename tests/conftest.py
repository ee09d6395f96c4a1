import sys

import cv2
import dlib
import pytest
from odd_pictures import save
from ray_nodes import two_nodes
from served import serving

from eumlib import __main__ as command_line
from eumlib._common.fetching import fetch
from eumlib.embeddings import DLIB_RESNET, default_backbone, load_backbone
from eumlib.faces import generate_face, landmark_finder
from eumlib.faces.datasets import orl_faces


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """An empty cache folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("EUMLIB_HOME", str(folder))
    monkeypatch.delenv("TQDM_DISABLE", raising=False)  # a report that ran before sets it
    return folder


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A web server of this machine, asked without a proxy; `served` says what it has."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    with serving(folder) as server:
        yield server


@pytest.fixture(scope="session")
def finder():
    return landmark_finder()


@pytest.fixture(scope="session")
def backbone():
    return default_backbone()


@pytest.fixture(scope="session")
def dlib_backbone():
    return load_backbone(DLIB_RESNET)


@pytest.fixture(scope="session")
def dlib_detector():
    return dlib.get_frontal_face_detector()


@pytest.fixture(scope="session")
def dlib_predictor():
    return dlib.shape_predictor(str(fetch("shape_predictor_68_face_landmarks.dat")))


@pytest.fixture(scope="session")
def dlib_recogniser():
    return dlib.face_recognition_model_v1(str(fetch("dlib_face_recognition_resnet_model_v1.dat")))


@pytest.fixture(scope="session")
def orl():
    return orl_faces()


@pytest.fixture(scope="session")
def orl_picture(orl):
    return orl[0].read()


@pytest.fixture(scope="session")
def orl_landmarks(orl_picture, finder):
    return finder.find(orl_picture)


@pytest.fixture(scope="session")
def pictures():
    """Four faces of the generator."""
    return [generate_face(index, seed=4) for index in range(4)]


@pytest.fixture
def people_folder(tmp_path, pictures):
    """A folder of two people with two pictures each."""
    folder = tmp_path / "people"
    save(folder / "Bob" / "1.png", pictures[0])
    save(folder / "Ann" / "a.png", pictures[1])
    save(folder / "Ann" / "b.PNG", pictures[2])
    save(folder / "Bob" / "2.bmp", pictures[3])
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    """Type a command; gives its exit code, and what it printed and complained of."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["eumlib", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return run


@pytest.fixture(scope="session")
def people(tmp_path_factory, orl):
    """A folder of three people, two photographs each, and one file that does not decode."""
    root = tmp_path_factory.mktemp("people")
    for face in orl.first_people(3):
        if face.image_id.endswith(("/1", "/2")):
            path = root / face.identity / f"{face.identity}_{face.image_id[-1]}.png"
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), face.read()[:, :, ::-1])
    (root / "s1" / "torn.jpg").write_bytes(b"\xff\xd8\xff torn")
    return root


@pytest.fixture(scope="session")
def nodes(finder):
    """A cluster of two nodes; what a test kills is there again when another asks for both."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install --editable '.[cluster]'")
    with two_nodes() as nodes:
        yield nodes
