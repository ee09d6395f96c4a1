"""The picture of the protocol: a forest plot."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from eumlib._common.looks import BLUE, GREY, finished
from eumlib.rivals.protocol import SYSTEMS, YARDSTICK


def forest_plot(systems: pd.DataFrame, rate: str, title: str) -> go.Figure:
    """Rivals × tests: how much more a rate is than with SRT, in percentage points.

    Left of 0 a system is better than the EUM with SRT on the same people, and where its bracket, 95
    % of resamples of people, does not hold 0, that is no luck of who was tested.

    Args:
        systems: of ``data/rivals.json``.
        rate: ``"eer"``, ``"fmr1000"`` or ``"error_at_1000"``.
        title: what the figure is called.
    """
    rows = systems[systems["system"] != SYSTEMS[YARDSTICK].title]
    tests = rows[["face_set", "condition"]].drop_duplicates().to_numpy().tolist()
    figure = make_subplots(
        cols=len(tests),
        shared_yaxes=True,
        subplot_titles=[
            f"{face_set.upper()}<br>{condition.replace(', ', ',<br>')}"
            for face_set, condition in tests
        ],
    )
    said = []
    for place, (face_set, condition) in enumerate(tests, 1):
        test = rows[(rows["face_set"] == face_set) & (rows["condition"] == condition)]
        value, low, high = (100 * test[f"{rate}_minus_srt{end}"] for end in ("", "_low", "_high"))
        figure.add_scatter(
            x=value, y=test["system"].str.partition(":")[0], col=place, row=1,
            mode="markers", showlegend=False,
            marker={"color": BLUE, "size": 9},
            error_x={"type": "data", "array": high - value, "arrayminus": value - low},
            text=test["system"], hovertemplate="%{text}: %{x:+.1f}",
        )  # fmt: skip
        figure.add_vline(x=0, line={"color": GREY, "dash": "dot"}, col=place, row=1)
        said += [
            f"{face_set}, {condition}, {system}: {difference:+.1f}"
            for system, difference in zip(test["system"], value, strict=True)
        ]
    figure.update_annotations(font_size=11)
    figure.update_yaxes(autorange="reversed")
    title = f"{title}, percentage points more than with SRT"
    figure = finished(figure, title, "; ".join(said), 200 + 34 * rows["system"].nunique())
    return figure.update_layout(margin_t=120)
