"""`embed` and `pairs`, as their user types them, and what `evaluate` and `explore` make of it."""

import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from builders import drawn_table
from packing import write_tar
from small_onnx import write

from eumlib._common.files import home
from eumlib._common.named_files import REGISTRY
from eumlib._common.sources import WebAddress
from eumlib.embeddings import read_table, write_table
from eumlib.faces import folder_faces, image_ids_by_person, landmark_finder, read_pairs
from eumlib.faces.datasets import orl_faces
from eumlib.masks import Mask, paint_mask
from eumlib.unmasking import EmbeddingUnmaskingModel, Unmasker

CACHED_FILES = home() / "files"


def test_a_folder_of_people_goes_through_embed_and_evaluate_without_code(run, people, tmp_path):
    table, results = tmp_path / "table.parquet", tmp_path / "results.json"
    code, out, _ = run("embed", "--faces", people, "--out", table)
    assert code == 0
    assert "6 of 7 faces acquired, 12 embeddings" in out
    assert "torn.jpg" in out
    assert read_table(table).not_acquired == 1
    assert "unreadable picture: 1 × s1/torn.jpg" in out
    code, out, _ = run("evaluate", "--table", table, "--json", results, "--resamples", 5)
    assert code == 0
    assert "UMR-MP" in out
    assert "not acquired: 1 of 7 faces" in out
    rows = json.loads(results.read_text())["rows"]
    assert [row["setting"] for row in rows] == ["UMR-UMP", "UMR-MP", "MR-MP"]


@pytest.fixture
def own_people(people, tmp_path):
    """A copy of the folder of people, to be spoilt."""
    return Path(shutil.copytree(people, tmp_path / "own"))


def test_what_was_passed_over_and_what_is_there_twice_is_said(run, own_people, tmp_path):
    first, second = own_people / "s1/s1_1.png", own_people / "s2/s2_1.png"
    shutil.copy(first, own_people / "s2" / "shared.png")
    shutil.copy(second, own_people / "s2" / "again")
    (own_people / "s3" / "linked.png").symlink_to(tmp_path)
    (own_people / "s3" / "notes.txt").write_text("?")
    (own_people / "s3" / "raw.cr3").write_bytes(b"?")
    for name in ("torn.jpg", "torn_too.jpg"):  # the same, but nobody's photograph
        shutil.copy(own_people / "s1" / "torn.jpg", own_people / "s3" / name)
    (own_people / "labels.txt").write_text("0 s1\n1 s2\n2 s3\n")
    code, out, err = run("embed", "--faces", own_people, "--out", tmp_path / "t.parquet")
    assert code == 0, err
    assert "8 of 12 faces acquired, 16 embeddings; 3 passed over" in out
    for line in (
        "unreadable picture: 4 × s1/torn.jpg, s3/raw.cr3, s3/torn.jpg, s3/torn_too.jpg",
        "passed over, link that leads out of the folder; copy what it leads to: 1 × s3/linked.png",
        "passed over, not a picture: 1 × s3/notes.txt",
        "passed over, not read as labels of masks: 1 × labels.txt",
        "one file of several people, a false match at any threshold; remove it: "
        "1 × s1/s1_1.png = s2/shared.png",
        "one file twice of one person, a match without effort; remove one: "
        "1 × s2/again = s2/s2_1.png",
    ):
        assert f"  {line}\n" in out
    code, out, _ = run(
        "pairs", "--faces", own_people, "--mated", 2, "--non-mated", 2, "--out", tmp_path / "p.txt"
    )
    assert code == 0
    assert "pairs of 3 people; 3 passed over" in out


def test_a_picture_that_cannot_be_read_now_stops_the_work_which_goes_on_when_it_can(
    run, own_people, own_home, tmp_path, monkeypatch
):
    (own_home / "files").parent.mkdir()
    (own_home / "files").symlink_to(CACHED_FILES)
    table = tmp_path / "t.parquet"
    refused = own_people / "s3" / "s3_2.png"
    opened = Path.open

    def open_by_permission(path, *arguments, **options):
        if path == refused:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", open_by_permission)
        code, _, err = run("embed", "--faces", own_people, "--out", table)
    assert code == 1
    assert err.endswith(
        f"error: {refused} cannot be read (Permission denied): make it readable, and give the same "
        "command again\n"
    )
    assert not table.exists()
    code, out, _ = run("embed", "--faces", own_people, "--out", table)
    assert code == 0
    assert "6 of 7 faces acquired" in out
    assert str(own_people).encode() not in table.read_bytes()


@pytest.mark.parametrize("kind", ["nowhere", "file", "folder", "circle", "pipe", "binary", "long"])
@pytest.mark.parametrize(
    "command",
    [
        ("embed", "--out", "{out}", "--faces", "{bad}"),
        ("embed", "--out", "{out}", "--faces", "lfw", "--root", "{bad}"),
        ("embed", "--out", "{out}", "--faces", "mfr2", "--root", "{bad}"),
        ("embed", "--out", "{out}", "--faces", "{people}", "--replay", "{bad}"),
        ("pairs", "--out", "{out}", "--faces", "{bad}"),
        ("features", "--out", "{out}", "--faces", "{bad}"),
        ("evaluate", "--table", "{table}", "--pairs", "{bad}"),
    ],
    ids=lambda command: " ".join(command[::2]),
)
def test_a_path_that_will_not_do_is_refused_in_a_line(command, kind, run, people, tmp_path):
    bad = tmp_path / kind
    if kind == "file":
        bad.write_text("")
    elif kind == "folder":
        bad.mkdir()
    elif kind == "circle":
        bad.symlink_to(bad)
    elif kind == "pipe" and hasattr(os, "mkfifo"):
        os.mkfifo(bad)
    elif kind == "binary":
        bad.write_bytes(bytes(range(256)) * 100)
    elif kind == "long":
        bad = tmp_path / ("n" * 300)
    write_table(drawn_table(people=3), tmp_path / "t.parquet")
    places = {
        "bad": bad, "out": tmp_path / "out", "people": people, "table": tmp_path / "t.parquet",
    }  # fmt: skip
    code, out, err = run(*(part.format(**places) for part in command))
    assert (code, out) == (1, "")
    assert re.fullmatch(r"error: [^\n]+\n", err)
    assert bad.name in err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="users of POSIX")
def test_another_users_cache_folder_is_refused_in_a_line(people, tmp_path):
    """Whoever runs this owns neither the cache folder nor what is beside it."""
    homes = tmp_path / "a file"
    homes.write_text("")
    (tmp_path / "home" / "files").parent.mkdir()
    (tmp_path / "home" / "files").symlink_to(CACHED_FILES)
    (tmp_path / "home" / "extractions").symlink_to(homes)
    (tmp_path / "home" / "unpacked").symlink_to(homes)
    with tarfile.open(tmp_path / "lfw.tgz", "w:gz") as archive:
        archive.add(people, "lfw")
    for arguments in (("--faces", people), ("--faces", "lfw", "--root", tmp_path / "lfw.tgz")):
        command = [sys.executable, "-m", "eumlib", "embed", *arguments, "--out", tmp_path / "t"]
        ended = subprocess.run(
            command,
            env={**os.environ, "EUMLIB_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 1
        assert re.fullmatch(r"error: [^\n]+EUMLIB_HOME\n", ended.stderr), ended.stderr


def test_a_folder_of_people_becomes_a_page_to_explore(run, people, tmp_path):
    table, page = tmp_path / "table.parquet", tmp_path / "page.html"
    run("embed", "--faces", people, "--out", table)
    model = "data/models/nobody_workbook_srt.safetensors"
    options = "--table", table, "--model", model, "--faces", people, "--out", page
    code, out, _ = run("explore", *options)
    assert code == 0
    assert "12 views of 3 people" in out
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    _, out, _ = run("explore", *options, "--views", 4)
    assert "4 views of 1 people" in out
    assert "2 people are left out" in out
    assert "4 views: about 1 min" in out
    write_table(drawn_table(people=3, pictures=1), table)
    code, _, told = run("explore", *options)
    assert code == 1
    assert "a person with two pictures" in told


def test_more_views_than_a_page_bears_are_refused_before_it_takes_long(run, tmp_path, monkeypatch):
    table, page = tmp_path / "table.parquet", tmp_path / "page.html"
    write_table(drawn_table(people=4, pictures=2), table)
    monkeypatch.setattr("eumlib.maps.MOST_ON_A_PAGE", 15, raising=False)
    model = "data/models/nobody_workbook_srt.safetensors"
    options = "--table", table, "--model", model, "--faces", "orl", "--out", page
    code, _, told = run("explore", *options)
    assert code == 2
    assert "a page bears 15 views, not 16" in re.sub(r"[\s│]+", " ", told)
    assert "ScatterExplorer" in told
    assert not page.exists()


@pytest.fixture(scope="module")
def packed(tmp_path_factory, people):
    """The folder of people in two tars, one folder per person in each."""
    root = tmp_path_factory.mktemp("packed")
    for name, persons in {"a": ("s1",), "b": ("s2", "s3")}.items():
        files = sorted(path for person in persons for path in (people / person).iterdir())
        members = {f"{path.parent.name}/{path.name}": path.read_bytes() for path in files}
        write_tar(root / f"{name}.tar", members)
    return root


def test_tars_give_what_the_folder_gives_and_on_a_cluster_the_same(run, people, packed, tmp_path):
    pytest.importorskip("ray")
    folder, tars, cluster = (tmp_path / f"{name}.parquet" for name in ("f", "t", "c"))
    assert run("embed", "--faces", people, "--out", folder)[0] == 0
    code, out, _ = run("embed", "--faces", packed, "--out", tars)
    assert code == 0
    assert "6 of 7 faces acquired, 12 embeddings" in out
    assert "unreadable picture: 1 × a.tar/s1/torn.jpg" in out
    assert run("embed", "--faces", packed, "--cluster", "local", "--out", cluster)[0] == 0
    assert tars.read_bytes() == cluster.read_bytes()
    bare, of_tars = (read_table(path).of_view("unmasked") for path in (folder, tars))
    assert (of_tars.vectors == bare.vectors).all()
    assert of_tars.rows["identity"].tolist() == bare.rows["identity"].tolist()


def test_a_cluster_that_is_not_there_is_an_error_of_one_line(run, people, tmp_path):
    given = ("embed", "--faces", people, "--out", tmp_path / "t.parquet", "--cluster")
    code, _, err = run(*given, "127.0.0.1:1")
    assert code == 1
    assert re.fullmatch(r"error: no Ray cluster answers at 127\.0\.0\.1:1 .*\n", err)
    code, _, err = run(*given, "local", "--workers", 2)
    assert code == 2
    assert "all its cores" in err


@pytest.fixture(scope="module")
def wearers(tmp_path_factory):
    """A folder in MFR2's layout: three people, a bare and a masked photograph each."""
    root = tmp_path_factory.mktemp("mfr2")
    labels = []
    for face in orl_faces().first_people(3):
        number = int(face.image_id.rpartition("/")[2])
        if number <= 2:
            picture, label = face.read(), "no-mask"
            if number == 2:
                landmarks = landmark_finder().find(picture)
                picture = paint_mask(picture, landmarks, Mask("surgical", (173, 216, 230)))
                label = "surgical_blue"
            path = root / face.identity / f"{face.identity}_{number:04d}.png"
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), picture[:, :, ::-1])
            labels.append(f"{face.identity}, {number}, {label}")
    (root / "mfr2_labels.txt").write_text("\n".join(labels) + "\n")
    (root / "pairs.txt").write_text("s1 1 2\ns2 1 2\ns3 1 2\ns1 1 s2 2\ns2 1 s3 2\ns3 1 s1 1\n")
    return root


def test_worn_masks_are_embedded_as_they_are_and_evaluated_by_their_pairs(run, wearers, tmp_path):
    table, results = tmp_path / "t.parquet", tmp_path / "r.json"
    code, out, _ = run("embed", "--faces", "mfr2", "--root", wearers, "--out", table)
    assert code == 0
    assert "6 of 6 faces acquired, 6 embeddings" in out
    rows = read_table(table).rows
    assert rows["view"].tolist() == ["unmasked", "masked"] * 3
    assert rows["mask_shape"].dropna().tolist() == ["worn"] * 3
    assert rows["mask_label"].dropna().tolist() == ["surgical_blue"] * 3
    Unmasker(EmbeddingUnmaskingModel(192), "mobilefacenet").save(tmp_path / "m.safetensors")
    code, out, _ = run(
        "evaluate", "--table", table, "--pairs", wearers / "pairs.txt", "--resamples", 5,
        "--model", tmp_path / "m.safetensors", "--json", results,
    )  # fmt: skip
    assert code == 0, out
    rows = json.loads(results.read_text())["rows"]
    assert [(row["setting"], row["mated_pairs"], row["non_mated_pairs"]) for row in rows] == [
        ("UMR-MP", 3, 2), ("UMR-MP", 3, 2), ("as worn", 3, 3), ("as worn", 3, 3),
    ]  # fmt: skip


def test_a_folder_of_the_users_own_with_a_labels_file_needs_no_name(run, wearers, tmp_path):
    code, out, _ = run("embed", "--faces", wearers, "--out", tmp_path / "t.parquet")
    assert code == 0
    assert "6 of 6 faces acquired, 6 embeddings" in out


def test_pairs_whose_masks_mislead_are_those_of_the_masks_that_embed_shares(run, people, tmp_path):
    pairs, table = tmp_path / "p.txt", tmp_path / "t.parquet"
    given = ("--faces", people, "--shared", 2, "--seed", 3)
    code, _, err = run("pairs", *given, "--mated", 3, "--non-mated", 4, "--out", pairs)
    assert code == 0, err
    assert run("embed", *given, "--out", table)[0] == 0
    worn = read_table(table).of_view("masked").rows.set_index("image_id")
    worn = (worn["mask_shape"] + worn["mask_colour"]).to_dict()
    by_person = image_ids_by_person(folder_faces(people))
    listed = read_pairs(pairs, by_person)
    assert len(listed) == 7
    for pair in listed:
        if {pair.reference, pair.probe} <= set(worn):
            assert (worn[pair.reference] == worn[pair.probe]) == (not pair.mated)
    code, _, err = run("pairs", *given, "--mask", "paper", "--out", pairs)
    assert code != 0
    assert "no kind paper" in err


@pytest.mark.parametrize("command", ["embed", "pairs"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--shared", 0), "needs 2 or more, not 0"),
        (("--shared", -5), "needs 2 or more, not -5"),
        (("--shared", 3, "--mask", "respirator"), "has only 1 different masks, not 3"),
    ],
)
def test_masks_that_cannot_be_shared_are_refused_in_a_line(
    command, options, message, run, people, tmp_path
):
    code, out, err = run(command, "--faces", people, *options, "--out", tmp_path / "out")
    assert (code, out) == (1, "")
    assert re.fullmatch(rf"error: [^\n]*{message}\n", err)


def test_pairs_are_drawn_for_any_folder_and_compared(run, people, tmp_path):
    pairs, table, results = (tmp_path / name for name in ("p.txt", "t.parquet", "r.json"))
    code, out, _ = run("pairs", "--faces", people, "--mated", 3, "--non-mated", 5, "--out", pairs)
    assert code == 0
    assert "3 mated and 5 non-mated pairs" in out
    assert run("embed", "--faces", people, "--out", table)[0] == 0
    code, out, err = run(
        "evaluate", "--table", table, "--pairs", pairs, "--json", results, "--resamples", 3
    )
    assert code == 0, err
    torn = re.compile(r"^s1\t(\d\t)?3$|\bs1\t3(\t|$)")  # the third file of s1
    lost = sum(bool(torn.search(line)) for line in pairs.read_text("utf-8").splitlines())
    assert f"{8 - lost} of 8 listed pairs" in out
    row = json.loads(results.read_text())["rows"][1]
    assert row["mated_pairs"] + row["non_mated_pairs"] <= 8


@pytest.fixture
def home_without_onnx(tmp_path, monkeypatch):
    """A cache folder that has what finds faces, but no ONNX file."""
    files = tmp_path / "home" / "files"
    files.mkdir(parents=True)
    for path in (home() / "files").glob("*"):
        if path.suffix != ".onnx":
            (files / path.name).symlink_to(path)
    monkeypatch.setenv("EUMLIB_HOME", str(files.parent))


@pytest.mark.usefixtures("home_without_onnx")
def test_a_recogniser_is_fetched_by_name_and_its_name_is_in_the_table(
    run, people, tmp_path, server, monkeypatch
):
    content = write(server.folder / "small.onnx").read_bytes()
    file = replace(
        REGISTRY["w600k_r50.onnx"],
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        sources=(WebAddress(f"{server.address}/small.onnx"),),
    )
    monkeypatch.setitem(REGISTRY, "w600k_r50.onnx", file)
    table = tmp_path / "t.parquet"
    options = ("embed", "--faces", people, "--backbone", "arcface_r50", "--out", table)
    (server.folder / "small.onnx").write_bytes(content[:-1])
    code, _, err = run(*options)
    assert code == 1
    assert "error: could not fetch w600k_r50.onnx" in err
    (server.folder / "small.onnx").write_bytes(content)
    code, out, err = run(*options)
    assert code == 0, err
    assert "12 embeddings" in out
    assert "non-commercial research" in err
    assert set(read_table(table).rows["backbone"]) == {"arcface_r50"}


def test_masks_are_painted_by_kind_by_log_and_with_the_camera(run, people, tmp_path):
    table, log = tmp_path / "t.parquet", tmp_path / "log.txt"
    kinds = ("--mask", "surgical", "--mask", "nist")
    assert run("embed", "--faces", people, *kinds, "--camera", "--out", table)[0] == 0
    rows = read_table(table).rows
    assert set(rows["view"]) == set(rows["landmarks_from"]) == {"unmasked", "masked"}
    assert "surgical" in set(rows["mask_shape"])
    pictures = [path.relative_to(people).as_posix() for path in people.glob("*/*")]
    log.write_text("".join(f"{name} d 10 20 30\n" for name in pictures))
    assert run("embed", "--faces", people, "--replay", log, "--out", table)[0] == 0
    assert set(read_table(table).rows["mask_colour"].dropna()) == {"#0a141e"}
    assert run("embed", "--faces", people, "--shared", 2, "--out", table)[0] == 0
    masked = read_table(table).of_view("masked").rows
    assert masked.groupby("identity")["mask_colour"].nunique().max() == 2
    assert masked["mask_colour"].nunique() == 2
    code, _, err = run("embed", "--faces", people, "--mask", "burka", "--out", table)
    assert code == 2
    assert "surgical" in err


def test_a_root_for_a_set_that_has_none_is_refused(run, people, tmp_path):
    code, _, err = run("embed", "--faces", "orl", "--root", people, "--out", tmp_path / "t.parquet")
    assert code == 2
    assert "lfw, lfw_test, mfr2" in err


def test_synthetic_faces_are_embedded_in_half_precision(run, tmp_path):
    table = tmp_path / "t.parquet"
    code, out, _ = run(
        "embed", "--faces", "synthetic", "--count", 4, "--seed", 5, "--float16", "--out", table
    )
    assert code == 0
    assert " of 4 faces acquired" in out
    assert read_table(table).attempts == 4


def test_a_changed_recogniser_is_trained_on_feature_maps_and_embeds(run, people, tmp_path):
    maps, rival, table = (tmp_path / name for name in ("m.arrow", "r.safetensors", "t.parquet"))
    code, out, _ = run("features", "--faces", people, "--mask", "cloth", "--out", maps)
    assert code == 0
    assert re.search(r"m\.arrow: \d+ views of \d+ faces", out)
    given = ("--features", maps, "--steps", 3, "--out", rival)
    code, out, _ = run("train", "--rival", "from", *given)
    assert code == 0
    assert "embed --backbone" in out
    assert run("embed", "--faces", people, "--backbone", rival, "--out", table)[0] == 0
    embedded = read_table(table)
    (name,) = embedded.rows["backbone"].unique()
    assert name.startswith("mobilefacenet+from-")
    assert embedded.dim == 192

    code, _, err = run("evaluate", "--table", table, "--model", rival)
    assert code == 1
    assert "embed --backbone" in err
    code, _, err = run("features", "--faces", people, "--style", "tinfoil", "--out", maps)
    assert code == 2
    assert "no style tinfoil" in err
    maps.write_bytes(maps.read_bytes()[:100_000])
    code, _, err = run("train", "--rival", "from", *given)
    assert code == 1
    assert "m.arrow" in err
    assert "cut short" in err
