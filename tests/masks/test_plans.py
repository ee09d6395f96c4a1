import itertools
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eumlib.faces import Face, Pair
from eumlib.faces.datasets import lfw_faces
from eumlib.masks import (
    CLOTH,
    FLAT,
    FLAT_SHAPE_NAMES,
    KINDS,
    NIST_COLOURS,
    PAPER_COLOURS,
    RESPIRATOR,
    SHAPES,
    SURGICAL,
    Mask,
    MaskKind,
    MaskPlanError,
    RandomMasks,
    ReplayedMasks,
    SharedMasks,
    nist_masks,
)

SHARED = Path(__file__).parents[3] / "shared" / "data"


def face(image_id):
    return Face(image_id, image_id.partition("/")[0], read=lambda: None)


FACES = [face(f"person {number // 5}/{number % 5}.jpg") for number in range(3000)]


def one_mask(plan, some_face):
    (mask,) = plan.masks_for(some_face)
    return mask


def chi_square(drawn, values):
    expected = len(drawn) / len(values)
    return sum((drawn.count(value) - expected) ** 2 / expected for value in values)


def test_a_plan_gives_the_same_masks_in_any_order():
    masks = {f.image_id: RandomMasks(seed=5).masks_for(f) for f in FACES[:200]}
    again = RandomMasks(seed=5)
    for some_face in reversed(FACES[:200]):
        assert again.masks_for(some_face) == masks[some_face.image_id]


def test_another_seed_gives_other_masks():
    one, other = RandomMasks(seed=0), RandomMasks(seed=1)
    assert not any(one.masks_for(f) == other.masks_for(f) for f in FACES[:200])


def test_all_six_flat_shapes_are_drawn_about_equally():
    drawn = [one_mask(RandomMasks(), f).shape for f in FACES]
    assert set(drawn) == set("abcdef")
    assert chi_square(drawn, "abcdef") < 20.5  # its 99.9th percentile, five degrees of freedom


def test_colours_have_three_independent_uniform_values_by_default():
    colours = np.array([one_mask(RandomMasks(), f).colour for f in FACES])
    assert (colours.min(), colours.max()) == (0, 255)
    for channel in colours.T:
        counts, _ = np.histogram(channel, bins=8, range=(0, 256))
        assert sum((counts - len(FACES) / 8) ** 2 / (len(FACES) / 8)) < 24.3  # 99.9 %, 7 degrees
    assert np.abs(np.corrcoef(colours.T)[np.triu_indices(3, 1)]).max() < 0.07


def test_shape_and_colour_are_drawn_independently():
    masks = [one_mask(RandomMasks(), f) for f in FACES]
    for shape in "abcdef":
        reds = [mask.colour[0] for mask in masks if mask.shape == shape]
        assert abs(np.mean(reds) - 127.5) < 4 * 73.9 / len(reds) ** 0.5


def test_a_colour_is_plain_integers():
    colour = one_mask(RandomMasks(), FACES[0]).colour
    assert len(colour) == 3
    assert all(type(value) is int for value in colour)


def test_the_papers_colours_are_drawn_about_equally():
    plan = RandomMasks(kinds=(KINDS["flat-paper-colours"],))
    drawn = [one_mask(plan, f).colour for f in FACES]
    assert set(drawn) == set(PAPER_COLOURS.values())
    assert chi_square(drawn, PAPER_COLOURS.values()) < 20.5


def test_a_face_gets_one_mask_of_each_kind_in_their_order():
    plan = RandomMasks(seed=2, kinds=(FLAT, SURGICAL, RESPIRATOR, CLOTH, FLAT))
    for some_face in FACES[:50]:
        first, surgical, respirator, cloth, last = plan.masks_for(some_face)
        assert first.shape in "abcdef"
        assert surgical.shape == "surgical"
        assert respirator == Mask("respirator", PAPER_COLOURS["white"])
        assert cloth.shape.startswith("cloth")
        assert first != last
    assert {plan.masks_for(f)[1].colour for f in FACES[:50]} == set(SURGICAL.colours)
    assert len({plan.masks_for(f)[3].shape for f in FACES[:50]}) == len(CLOTH.shapes) > 1


def test_what_a_face_gets_of_a_kind_does_not_depend_on_the_kinds_behind_it():
    short, long = RandomMasks(kinds=(FLAT,)), RandomMasks(kinds=(FLAT, CLOTH))
    assert all(short.masks_for(f) == long.masks_for(f)[:1] for f in FACES[:50])


def test_nists_masks_are_drawn_from_its_widths_coverages_and_colours():
    kind = nist_masks(widths=["round"], coverages=["low", "high"], colours=["red", "black"])
    drawn = {one_mask(RandomMasks(kinds=(kind,)), f) for f in FACES[:200]}
    assert {FLAT_SHAPE_NAMES[mask.shape] for mask in drawn} == {"round, low", "round, high"}
    assert {mask.colour for mask in drawn} == {(255, 0, 0), (0, 0, 0)}
    assert set(nist_masks().colours) == set(NIST_COLOURS.values())
    assert set(nist_masks().shapes) == set("abcdef")


def test_a_kind_without_shapes_or_with_unknown_ones_is_refused():
    for shapes in ((), ("a", "burka")):
        with pytest.raises(ValueError, match="needs shapes among a, b"):
            MaskKind(shapes)


def test_plans_that_paint_differently_are_described_differently():
    plans = [
        RandomMasks(),
        RandomMasks(seed=1),
        RandomMasks(kinds=(FLAT, FLAT)),
        RandomMasks(kinds=(SURGICAL,)),
        RandomMasks(kinds=(KINDS["flat-paper-colours"],)),
        RandomMasks(kinds=()),
        ReplayedMasks({"a/1": Mask("a", (0, 0, 0))}),
        ReplayedMasks({"a/1": Mask("a", (0, 0, 1))}),
        SharedMasks({"a/1": Mask("a", (0, 0, 0))}),
    ]
    assert len({plan.describe() for plan in plans}) == len(plans)
    assert RandomMasks(seed=1).describe() == RandomMasks(seed=1).describe()


def test_without_kinds_nothing_is_painted():
    assert RandomMasks(kinds=()).masks_for(FACES[0]) == ()


def test_a_log_gives_every_picture_its_mask_again(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("Ann Lee/Ann Lee_0001.jpg f 239.2 152.9 103.5\nBob/1.png a 0 255 254.6\n")
    plan = ReplayedMasks.read(log)
    assert plan.masks_for(face("Ann Lee/Ann Lee_0001.jpg")) == (Mask("f", (239, 153, 104)),)
    assert plan.masks_for(face("Bob/1.png")) == (Mask("a", (0, 255, 255)),)
    with pytest.raises(MaskPlanError, match=r"log of 2 masks has none for Eve/1\.png"):
        plan.masks_for(face("Eve/1.png"))


@pytest.mark.parametrize(
    "line", ["", "Bob/2.png a 1 2", "Bob/2.png x 1 2 3", "Bob/2.png a 1 2 300", "Bob/1.png a 1 2 3"]
)
def test_a_line_of_a_log_that_is_no_mask_is_refused_with_its_number(line, tmp_path):
    log = tmp_path / "log.txt"
    log.write_text(f"Ann/1.png f 1 2 3\nBob/1.png a 0 0 0\n{line}\n")
    with pytest.raises(MaskPlanError, match=r"log\.txt, line 3"):
        ReplayedMasks.read(log)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_log_may_be_in_another_encoding_or_unicode_form(encoding, tmp_path):
    composed, apart = (unicodedata.normalize(form, "Zoë/1.png") for form in ("NFC", "NFD"))
    for written in (composed, apart):
        (tmp_path / "log.txt").write_bytes(f"{written} f 1 2 3\r\n".encode(encoding))
        plan = ReplayedMasks.read(tmp_path / "log.txt")
        for named in (composed, apart):
            assert plan.masks_for(face(named)) == (Mask("f", (1, 2, 3)),)


def test_a_log_that_is_no_text_file_is_refused_in_a_line(tmp_path):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    for path, reason in {
        tmp_path: "is a folder",
        tmp_path / "nowhere": "No such file",
        tmp_path / "circle": "symbolic links",
        tmp_path / "binary": "is not a text file",
        tmp_path / ("n" * 300): "name too long",
        os.devnull: "is a pipe or a device",
    }.items():
        with pytest.raises(MaskPlanError, match=f"no log of masks: .*{reason}") as error:
            ReplayedMasks.read(path)
        assert "\n" not in str(error.value)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
            st.sampled_from([shape for shape in SHAPES if " " not in shape]),
            st.tuples(*[st.integers(0, 255)] * 3),
        ),
        max_size=5,
    )
)
def test_a_log_is_read_as_it_was_written_or_refused_in_a_line(tmp_path_factory, written):
    path = tmp_path_factory.getbasetemp() / "log.txt"
    lines = [f"{name} {shape} {' '.join(map(str, colour))}" for name, shape, colour in written]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    names = [unicodedata.normalize("NFC", name) for name, _, _ in written]
    plain = [not set(name) & set("\n\r") and name.strip() == name != "" for name in names]
    if all(plain) and len(set(names)) == len(names) > 0:
        plan = ReplayedMasks.read(path)
        for name, (_, shape, colour) in zip(names, written, strict=True):
            assert plan.masks_for(face(name)) == (Mask(shape, colour),)
    else:
        is_refused_in_a_line_or_read(path)


@given(
    st.binary(max_size=200) | st.sampled_from([b"a f inf 0 0", b"a f nan 0 0", b"a f 1e999 0 0"])
)
def test_any_bytes_are_a_log_or_are_refused_in_a_line(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes.txt"
    path.write_bytes(content)
    is_refused_in_a_line_or_read(path)
    path.write_text("a f " + "9" * 5000 + " 0 0\n" + "x" * 10_000)
    with pytest.raises(MaskPlanError) as error:
        ReplayedMasks.read(path)
    assert len(str(error.value)) < 1000


def is_refused_in_a_line_or_read(path):
    refused = ""
    try:
        ReplayedMasks.read(path)
    except MaskPlanError as error:
        refused = str(error)
    assert "\n" not in refused


@pytest.mark.skipif(not SHARED.exists(), reason=f"no copy of LFW in {SHARED}")
def test_the_papers_log_has_a_mask_for_every_picture_of_lfw():
    plan = ReplayedMasks.read(SHARED / "lfw-mask-log.txt")
    faces = lfw_faces(SHARED / "lfw-deepfunneled.tar")
    assert len(faces) == len(plan.masks) == 13_233
    drawn = [one_mask(plan, f).shape for f in faces]
    assert chi_square(drawn, "abcdef") < 20.5


def test_people_wear_different_masks_and_share_them_with_others():
    plan = SharedMasks.of(FACES[:100], count=3, seed=4)
    worn = {f.image_id: one_mask(plan, f) for f in FACES[:100]}
    assert len(set(worn.values())) == 3
    for person in range(20):
        masks = [worn[f"person {person}/{shot}.jpg"] for shot in range(5)]
        assert len(set(masks[:3])) == 3
        assert masks[3:] == masks[:2]
    with pytest.raises(MaskPlanError, match="not among the faces"):
        plan.masks_for(FACES[100])


def test_people_with_one_picture_wear_all_masks_alike():
    alone = [face for face in FACES if face.image_id.endswith("/0.jpg")]
    plan = SharedMasks.of(alone, count=3)
    drawn = [one_mask(plan, face) for face in alone]
    assert chi_square(drawn, set(drawn)) < 13.8
    few = SharedMasks.of(alone[5:9], count=3)
    assert [few.masks[face.image_id] for face in alone[5:9]] == [
        plan.masks[face.image_id] for face in alone[5:9]
    ]


def test_a_pair_is_hard_where_the_masks_mislead():
    plan = SharedMasks.of(FACES[:10], count=2)
    worn = plan.masks
    for one, other in itertools.combinations(FACES[:10], 2):
        pair = Pair(one.image_id, other.image_id, mated=one.identity == other.identity)
        differ = worn[one.image_id] != worn[other.image_id]
        assert plan.is_misleading(pair) == (differ if pair.mated else not differ)


def test_masks_that_cannot_be_shared_are_refused():
    with pytest.raises(MaskPlanError, match="2 or more, not 1"):
        SharedMasks.of(FACES[:4], count=1)
    with pytest.raises(MaskPlanError, match="only 2 different masks, not 3"):
        SharedMasks.of(FACES[:4], count=3, kind=SURGICAL)


def test_two_masks_that_are_drawn_alike_are_one():
    few = RandomMasks(kinds=(KINDS["flat-paper-colours"],) * 400)
    drawn = few.masks_for(FACES[0])
    assert 1 < len(drawn) == len(set(drawn)) < 400
