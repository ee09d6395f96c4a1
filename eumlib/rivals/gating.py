"""What the gate gets wrong, on masks that it has met and on others, and what that costs."""

from __future__ import annotations

from eumlib.embeddings import MASKED, EmbeddingTable, PeopleOfNobody
from eumlib.masks import LIFELIKE, STYLES, style_of
from eumlib.rivals.ccl import Gate, streams_through
from eumlib.study import CAMERAS_WAY, PAPERS_WAY, Material, Size
from eumlib.study.cases import Drawn
from eumlib.unmasking import FAITHFUL, Unmasker
from eumlib.verification import STREAM_SETTING, ComparedViews, evaluate_views

MET, NEVER_MET = "trained on all styles", "trained on all but it"


def train_the_gate(material: Material, size: Size, *without_style: str) -> Gate:
    """A gate on people of nobody in all masks but those of a style, in the protocol's steps."""
    nobody = Drawn(PeopleOfNobody.of_tables(*material.of_lfw("train")), size.people)
    styles = [style for style in STYLES if style not in without_style]
    return Gate.trained_on(*nobody(styles), steps=FAITHFUL.epochs * size.steps_an_epoch)


def gate_errors(material: Material, everything: Gate, size: Size) -> list[dict[str, object]]:
    """One row per style of mask and training: the share of masked faces taken for bare.

    `everything` was trained on all styles; the others are trained here. The faces are LFW's test
    people as a camera sees them, and those of MFR2.
    """
    test = CAMERAS_WAY.of(material.of_lfw("test"))
    tests = [(PAPERS_WAY.of(material.of_lfw("test")), everything, "flat", MET)]
    for style in LIFELIKE:
        tests += [
            (_in(test, style), everything, style, MET),
            (_in(test, style), train_the_gate(material, size, style), style, NEVER_MET),
        ]
    tests += [(table, everything, "worn", MET) for table in material.worn]
    rows = []
    for table, gate, style, training in tests:
        missed, mistaken = gate.errors(table)
        rows.append(
            {
                "face_set": table.rows["face_set"].iloc[0],
                "style": style,
                "trained": training,
                "masked_faces": int((table.rows["view"] == MASKED).sum()),
                "masked_taken_for_bare": missed,
                "bare_taken_for_masked": mistaken,
            }
        )
    return rows


def gate_streams(
    material: Material, gate: Gate, unmasker: Unmasker, resamples: int
) -> list[dict[str, object]]:
    """Rows of `eumlib.verification.evaluate_views`, of streams of bare and masked probes.

    LFW's test people as a camera sees them, bare and in each lifelike style, and MFR2's pictures.
    """
    rows = []
    for table in (CAMERAS_WAY.of(material.of_lfw("test")), *material.worn):
        views = ComparedViews.of_table(table)
        measured = evaluate_views(
            table, streams_through(views, gate, {"EUM": unmasker}), resamples, seed=0
        )
        streams = measured[measured["setting"] == STREAM_SETTING]
        rows += streams.assign(face_set=table.rows["face_set"].iloc[0]).to_dict("records")
    return rows


def _in(table: EmbeddingTable, style: str) -> EmbeddingTable:
    """The table's bare faces, and the masked ones of a style."""
    styles = table.rows["mask_shape"].map(style_of, na_action="ignore")
    return table.where(styles.isna() | (styles == style))
