"""Figures of losses and trainings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from eumlib._common.looks import BLACK, DASHES, GREY, PURPLE, SERIES, finished


def training_curves(history: pd.DataFrame, best_epoch: int) -> go.Figure:
    """The three mean distances, the restraint and the validation figure, epoch by epoch.

    The restraint is the share of steps on which it held: where its curve leaves 0 it sets in.

    Args:
        history: of `eumlib.unmasking.Fit`.
        best_epoch: marked by a vertical line.

    Taught in notebook 07.
    """
    titles = ["mean distances in training", "steps with restraint", "validation"]
    figure = make_subplots(1, 3, subplot_titles=titles)
    for name, colour, dash in zip(("d1", "d2", "d3"), SERIES, DASHES, strict=False):
        figure.add_scatter(
            x=history["epoch"], y=history[name], name=name, row=1, col=1,
            line={"color": colour, "dash": dash},
        )  # fmt: skip
    for col, name, colour, dash in (
        (2, "restrained", PURPLE, "longdash"), (3, "validation", BLACK, "solid"),
    ):  # fmt: skip
        figure.add_scatter(
            x=history["epoch"], y=history[name], name=name, row=1, col=col,
            line={"color": colour, "dash": dash},
        )  # fmt: skip
    figure.add_vline(x=best_epoch, line={"color": GREY, "dash": "dot"})
    figure.update_xaxes(title_text="epoch", dtick=max(1, len(history) // 10))
    figure.update_yaxes(title_text="squared distance", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(tickformat=".0%", range=[-0.05, 1.05], row=1, col=2)
    figure.update_yaxes(title_text="higher is better", row=1, col=3)
    first, last = history.iloc[0], history.iloc[-1]
    alt = (
        f"over {len(history)} epochs d1 goes from {first.d1:.3f} to {last.d1:.3f}, d2 from "
        f"{first.d2:.3f} to {last.d2:.3f}, d3 from {first.d3:.3f} to {last.d3:.3f}; the restraint "
        f"held on {first.restrained:.0%} of the first and {last.restrained:.0%} of the last "
        f"epoch's steps; the best epoch by validation is {best_epoch}"
    )
    return finished(figure, f"Training; the best epoch is {best_epoch}", alt)


def function_curves(
    x: np.ndarray, curves: Mapping[str, np.ndarray], title: str, x_title: str, y_title: str
) -> go.Figure:
    """Functions of one variable: ``(n,)`` values each over the ``(n,)`` places `x`.

    Taught in notebook 05.
    """
    figure = go.Figure()
    for (name, y), colour, dash in zip(curves.items(), SERIES, DASHES, strict=False):
        figure.add_scatter(x=x, y=y, name=name, line={"color": colour, "dash": dash})
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text=y_title)
    alt = "; ".join(
        f"{name} from {y[0]:.2f} at {x[0]:g} to {y[-1]:.2f} at {x[-1]:g}"
        for name, y in curves.items()
    )
    return finished(figure, title, alt)
