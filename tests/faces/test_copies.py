import itertools
import os

from odd_pictures import save

from eumlib.faces import copies_among, folder_faces
from eumlib.faces.datasets import orl_faces


def names(groups):
    return [[face.image_id for face in group] for group in groups]


def test_files_that_are_the_same_are_found_under_one_person_and_under_two(people_folder):
    assert copies_among(folder_faces(people_folder)) == []
    (people_folder / "Bob" / "3.jpg").write_bytes((people_folder / "Ann" / "a.png").read_bytes())
    (people_folder / "Bob" / "4.png").write_bytes((people_folder / "Bob" / "1.png").read_bytes())
    (people_folder / "Cy").symlink_to(people_folder / "Bob", target_is_directory=True)
    faces = folder_faces(people_folder)
    by_content = {}  # one after the other, compared with all
    for face in faces:
        content = (people_folder / face.image_id).read_bytes()
        by_content.setdefault(content, []).append(face.image_id)
    expected = [ids for ids in by_content.values() if len(ids) > 1]
    assert names(copies_among(faces)) == expected
    assert ["Ann/a.png", "Bob/3.jpg", "Cy/3.jpg"] in expected
    assert ["Bob/1.png", "Bob/4.png", "Cy/1.png", "Cy/4.png"] in expected


def test_files_that_differ_in_one_byte_are_not_the_same(people_folder, pictures):
    for name in ("x", "y"):
        path = save(people_folder / "Ann" / f"{name}.bmp", pictures[0])
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert copies_among(folder_faces(people_folder)) == []


def test_what_has_no_file_or_cannot_be_read_is_alone(people_folder):
    assert copies_among(orl_faces().first_people(2)) == []
    for name in ("x", "y"):
        (people_folder / "Ann" / f"{name}.png").symlink_to(people_folder / "nowhere")
    faces = folder_faces(people_folder)
    os.unlink(people_folder / "Bob" / "1.png")
    assert copies_among(itertools.chain(faces, orl_faces().first_people(1))) == []
