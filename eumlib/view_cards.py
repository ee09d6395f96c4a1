"""What is known of one view, for readers: a line, a table of its neighbours, and a card."""

from __future__ import annotations

import html

import numpy as np
import pandas as pd

from eumlib.exploring import NOBODY, ExploredViews, ProbeScores, outcomes


def describe_view(views: ExploredViews, row: int) -> str:
    """One line: who it is, which picture, which mask, and the id."""
    view = views.rows.iloc[row]
    mask = "no mask" if pd.isna(view["mask_shape"]) else f"mask {view['mask_shape']}"
    return f"{view['identity']}, picture {view['image_id']}, {mask}, id {row}"


def neighbours_of(views: ExploredViews, scores: ProbeScores, row: int) -> pd.DataFrame:
    """The nearest references of a view in the full space, the nearest first.

    Args:
        views: of `eumlib.exploring.explore`.
        scores: ``views.before`` or ``views.after``.
        row: id of the view.

    Returns:
        A row a reference: ``id``, ``identity``, ``image_id``, ``score`` (cosine), ``person``
        (✓ same or ✗ other).
    """
    ids, cosines = (part[row] for part in scores.neighbours)
    there = ids != NOBODY
    found = views.rows.iloc[ids[there]][["identity", "image_id"]]
    same = found["identity"] == views.rows["identity"].iloc[row]
    table = found.assign(score=cosines[there], person=np.where(same, "✓ same", "✗ other"))
    table.insert(0, "id", ids[there])
    return table.reset_index(drop=True)


def view_card(views: ExploredViews, row: int, threshold: float) -> str:
    """A view's scores, its outcome at a threshold and its neighbours, before and after, as HTML."""
    sides = {"before": views.before, "after": views.after}
    scores = pd.DataFrame(
        {
            name: {
                "own person": f"{side.own[row]:.3f}",
                "nearest stranger": f"{side.stranger[row]:.3f}",
                "own unmasked picture": f"{side.mate[row]:.3f}",
                f"at {threshold:.3f}": outcomes(side, threshold)[row],
            }
            for name, side in sides.items()
        }
    )
    nearest = "".join(
        f"<div><b>nearest {name} the EUM</b>"
        f"{neighbours_of(views, side, row).round(3).to_html(index=False, border=0)}</div>"
        for name, side in sides.items()
    )
    return (
        f"<b>{html.escape(describe_view(views, row))}</b>{scores.to_html(border=0)}"
        f'<div style="display:flex;flex-wrap:wrap;gap:24px">{nearest}</div>'
    )
