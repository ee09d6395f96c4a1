"""Figures of losses and trainings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from torch import nn

from eumlib._common.looks import BLACK, BLUE, DASHES, GREY, PURPLE, SERIES, finished

_PITCH, _BOX_WIDTH, _BOX_HEIGHT = 60, 310, 30  # of a diagram in pixels, so that a phone shows it


def network_diagram(network: nn.Sequential, goes_in: str, comes_out: str) -> go.Figure:
    """A network as boxes from top to bottom; a new box begins at each linear layer.

    The boxes are read from the network itself, so the picture cannot differ from it.

    Args:
        network: linear layers, batch norm and LeakyReLU, in any order.
        goes_in: what the network takes, in words.
        comes_out: what it gives, in words.

    Taught in notebook 07.
    """
    boxes: list[list[str]] = []
    for layer in network:
        if isinstance(layer, nn.Linear) or not boxes:
            boxes.append([])
        boxes[-1].append(_words_of(layer))
    texts = [goes_in, *("  →  ".join(box) for box in boxes), comes_out]
    figure = go.Figure()
    for place, text in enumerate(texts):
        inside = 0 < place < len(texts) - 1
        figure.add_annotation(
            x=0, y=-place, text=text, showarrow=False, width=_BOX_WIDTH, height=_BOX_HEIGHT,
            bordercolor=BLUE if inside else GREY, borderwidth=2,
        )  # fmt: skip
        if place:  # from the lower edge of the box above to the upper edge of this one
            figure.add_annotation(
                x=0, y=-place, yshift=_BOX_HEIGHT / 2 + 3, ax=0, ay=_BOX_HEIGHT - _PITCH + 4,
                text="", arrowhead=2, arrowwidth=1.5, arrowcolor=GREY,
            )  # fmt: skip
    figure.update_xaxes(visible=False, range=[-1, 1], fixedrange=True)
    figure.update_yaxes(visible=False, range=[0.5 - len(texts), 0.5], fixedrange=True)
    alt = "from top to bottom: " + "; ".join(texts)
    finished(figure, "The network, from top to bottom", alt, height=60 + len(texts) * _PITCH)
    return figure.update_layout(margin={"l": 10, "r": 10, "t": 50, "b": 10})


def _words_of(layer: nn.Module) -> str:
    if isinstance(layer, nn.Linear):
        return f"linear {layer.in_features} to {layer.out_features}"
    if isinstance(layer, nn.LeakyReLU):
        return f"LeakyReLU {layer.negative_slope:g}"
    return "batch norm" if isinstance(layer, nn.BatchNorm1d) else type(layer).__name__


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


def distance_to_others_curves(histories: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Mean d2 and d3 of each training, epoch by epoch, so large that their gap can be seen.

    Where d2 lies on d3, the answers are as far from other people as the recogniser's own
    embeddings.

    Args:
        histories: of `eumlib.unmasking.Fit`, by the name of the training.

    Taught in notebook 07.
    """
    figure = make_subplots(1, len(histories), subplot_titles=list(histories), shared_yaxes=True)
    told = []
    for col, (name, history) in enumerate(histories.items(), start=1):
        for distance, whose, place in (("d2", "answers", 1), ("d3", "unmasked faces", 2)):
            figure.add_scatter(
                x=history["epoch"], y=history[distance], name=f"{distance}, {whose}",
                row=1, col=col, line={"color": SERIES[place], "dash": DASHES[place]},
                legendgroup=distance, showlegend=col == 1, mode="lines+markers",
            )  # fmt: skip
        first, last = history.iloc[0], history.iloc[-1]
        gaps = f"{first.d2 - first.d3:+.3f} to {last.d2 - last.d3:+.3f}"
        told.append(f"{name}: over {len(history)} epochs d2 minus d3 goes from {gaps}")
    figure.update_xaxes(title_text="epoch", dtick=max(1, max(map(len, histories.values())) // 10))
    figure.update_yaxes(title_text="mean squared distance", row=1, col=1)
    return finished(figure, "Distance to other people", "; ".join(told))


def function_curves(
    x: np.ndarray,
    curves: Mapping[str, np.ndarray],
    title: str,
    x_title: str,
    y_title: str,
    places: Mapping[str, float] | None = None,
) -> go.Figure:
    """Functions of one variable: ``(n,)`` values each over the ``(n,)`` places `x`.

    `places` are marked by vertical lines with their names. Taught in notebook 05.
    """
    figure = go.Figure()
    for (name, y), colour, dash in zip(curves.items(), SERIES, DASHES, strict=False):
        figure.add_scatter(x=x, y=y, name=name, line={"color": colour, "dash": dash})
    for name, place in (places or {}).items():
        line = {"color": GREY, "dash": "dot"}
        figure.add_vline(x=place, line=line, annotation_text=name, annotation_position="top left")
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text=y_title)
    told = [
        f"{name} from {y[0]:.2f} at {x[0]:g} to {y[-1]:.2f} at {x[-1]:g}"
        for name, y in curves.items()
    ]
    told += [f"{name} at {place:g}" for name, place in (places or {}).items()]
    return finished(figure, title, "; ".join(told))
