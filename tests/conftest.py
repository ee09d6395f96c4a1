import dlib
import pytest
from odd_pictures import save

from eumlib.backbones import default_backbone
from eumlib.datasets import orl_faces
from eumlib.fetching import fetch
from eumlib.generator import generate_face
from eumlib.landmarks import landmark_finder


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """An empty cache folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("EUMLIB_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def finder():
    return landmark_finder()


@pytest.fixture(scope="session")
def backbone():
    return default_backbone()


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
