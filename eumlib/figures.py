"""Figures: data in, plotly figure out.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; a marker's shape tells the
view and a line's dash the system, so that nothing hangs on colour alone. Every figure carries a
sentence for those who cannot see it in ``layout.meta["alt"]``; the report reads it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.stats import norm

from eumlib.identification import found_by
from eumlib.verification import ErrorCurve, ScoreCounts

BLACK, ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE, GREY = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#6b7280",
)  # fmt: skip
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
VIEW_SYMBOLS = {"unmasked": "circle", "masked": "x", "unmasked by EUM": "diamond"}
VIEW_COLOURS = {"unmasked": BLUE, "masked": VERMILION, "unmasked by EUM": GREEN}
POINTS_A_CURVE = 400
DET_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6)


def finished(figure: go.Figure, title: str, alt: str, height: int = 420) -> go.Figure:
    """The figure with its title, its sentence for those who cannot see it, and our looks."""
    return figure.update_layout(
        template="plotly_white",
        title={"text": title, "font": {"size": 16}},
        height=height,
        margin={"l": 70, "r": 20, "t": 60, "b": 60},
        legend={"orientation": "h", "y": -0.22, "x": 0},
        meta={"alt": alt},
    )


def score_distributions(settings: Mapping[str, ScoreCounts], thresholds: Sequence[float] = ()):
    """Histograms of mated and non-mated scores, one panel a setting, as shares of their pairs.

    Args:
        settings: counts of the scores, by the name of the setting.
        thresholds: vertical lines, the same in every panel.

    Taught in notebook 08.
    """
    figure = make_subplots(len(settings), 1, shared_xaxes=True, subplot_titles=list(settings))
    ends = np.concatenate([counts.scores[[0, -1]] for counts in settings.values()])
    edges = np.linspace(ends.min(), min(1.0, ends.max() + 1e-6), 61)
    for row, counts in enumerate(settings.values(), start=1):
        mated, non_mated = counts.shares_between(edges)
        for name, share, colour, dash in (
            ("non-mated", non_mated, VERMILION, "dash"),
            ("mated", mated, BLUE, "solid"),
        ):
            figure.add_scatter(
                x=(edges[:-1] + edges[1:]) / 2, y=share, name=name, row=row, col=1,
                mode="lines", fill="tozeroy", line={"color": colour, "dash": dash, "shape": "hvh"},
                legendgroup=name, showlegend=row == 1,
                hovertemplate="score %{x:.3f}: %{y:.2%} of pairs",
            )  # fmt: skip
        figure.update_yaxes(title_text="share of pairs", tickformat=".0%", row=row, col=1)
    for threshold in thresholds:
        figure.add_vline(x=threshold, line={"color": BLACK, "dash": "dot", "width": 1})
    figure.update_xaxes(title_text="score (cosine)", row=len(settings), col=1)
    alt = "; ".join(
        f"{name}: mated scores around {mated:.2f}, non-mated around {non_mated:.2f}"
        for name, (mated, non_mated) in {
            name: counts.medians for name, counts in settings.items()
        }.items()
    )
    return finished(
        figure, "Scores of mated and non-mated pairs", alt, height=140 + 190 * len(settings)
    )


def det_curves(settings: Mapping[str, ScoreCounts]) -> go.Figure:
    """DET curves: FNMR against FMR on normal-deviate axes; lower and further left is better.

    Taught in notebook 08.
    """
    figure = go.Figure()
    for (name, counts), colour, dash in zip(settings.items(), SERIES, DASHES, strict=False):
        curve = ErrorCurve(counts)
        both = np.stack([curve.fmr, curve.fnmr])
        inside = np.flatnonzero(((both > 0) & (both < 1)).all(axis=0))  # the axes have no ends
        x, y = norm.ppf(curve.fmr[inside]), norm.ppf(curve.fnmr[inside])
        shown = _evenly_along(x, y, POINTS_A_CURVE)
        rates = np.stack([curve.fmr, curve.fnmr, curve.thresholds], axis=1)[inside]
        figure.add_scatter(
            x=x[shown], y=y[shown], name=name,
            mode="lines", line={"color": colour, "dash": dash}, customdata=rates[shown],
            hovertemplate="FMR %{customdata[0]:.2%}, FNMR %{customdata[1]:.2%} "
            "at threshold %{customdata[2]:.3f}",
        )  # fmt: skip
    ticks = {
        "tickvals": norm.ppf(DET_TICKS),
        "ticktext": [f"{100 * tick:g}" for tick in DET_TICKS],
        "range": [norm.ppf(DET_TICKS[0]), norm.ppf(DET_TICKS[-1])],
        "ticks": "outside",  # so that the two labels of the corner stand apart
        "zeroline": False,  # it would be drawn at 50 %
    }
    figure.update_xaxes(title_text="false match rate, %", **ticks)
    figure.update_yaxes(title_text="false non-match rate, %", **ticks)
    alt = f"DET curves of {', '.join(settings)}: false non-match rate against false match rate"
    return finished(figure, "Detection error trade-off", alt, height=520)


def roc_curves(settings: Mapping[str, ScoreCounts]) -> go.Figure:
    """ROC curves: who is rightly accepted against who is falsely; FMR on a logarithmic axis.

    Taught in notebook 08.
    """
    figure = go.Figure()
    for (name, counts), colour, dash in zip(settings.items(), SERIES, DASHES, strict=False):
        curve = ErrorCurve(counts)
        inside = np.flatnonzero(curve.fmr > 0)  # a logarithmic axis has no 0
        x, y = curve.fmr[inside], 1 - curve.fnmr[inside]
        shown = _evenly_along(np.log10(x), 4 * y, POINTS_A_CURVE)
        figure.add_scatter(
            x=x[shown], y=y[shown], name=name,
            mode="lines", line={"color": colour, "dash": dash},
            customdata=curve.thresholds[inside][shown],
            hovertemplate="FMR %{x:.3%}: %{y:.2%} accepted at threshold %{customdata:.3f}",
        )  # fmt: skip
    figure.update_xaxes(title_text="false match rate", type="log", tickformat="~%", dtick=1)
    figure.update_yaxes(title_text="mated pairs accepted", tickformat=".0%", range=[0, 1.01])
    alt = "; ".join(
        f"{name}: {1 - ErrorCurve(counts).at_fmr(0.01).fnmr:.0%} of mated pairs accepted at a "
        "false match rate of 1 %"
        for name, counts in settings.items()
    )
    return finished(figure, "Receiver operating characteristic", alt)


def cmc_curves(ranks: Mapping[str, np.ndarray], up_to: int = 20) -> go.Figure:
    """CMC curves: the share of probes that are found at a rank or better.

    Args:
        ranks: of `eumlib.identification.ranks_of`, by the name of the system.
        up_to: the last rank that is shown.

    Taught in notebook 08.
    """
    figure = go.Figure()
    places = np.arange(1, up_to + 1)
    for (name, given), colour, dash in zip(ranks.items(), SERIES, DASHES, strict=False):
        figure.add_scatter(
            x=places, y=[found_by(given, rank) for rank in places], name=name,
            mode="lines+markers", line={"color": colour, "dash": dash},
            hovertemplate="rank %{x} or better: %{y:.1%}",
        )  # fmt: skip
    figure.update_xaxes(title_text="rank", dtick=1 if up_to <= 20 else 5)
    figure.update_yaxes(title_text="probes found", tickformat=".0%")
    alt = "; ".join(
        f"{name}: {found_by(given, 1):.0%} found at rank 1" for name, given in ranks.items()
    )
    return finished(figure, "Cumulative match characteristic", alt)


def _evenly_along(x: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the points of a curve, about as far from each other along it."""
    if len(x) <= count:
        return np.arange(len(x))
    way = np.append(0, np.cumsum(np.hypot(np.diff(x), np.diff(y))))
    return np.unique(np.searchsorted(way, np.linspace(0, way[-1], count)).clip(max=len(x) - 1))


def error_bars(results: pd.DataFrame, metric: str, title: str) -> go.Figure:
    """One metric of `eumlib.evaluation.evaluate`, a point a row, with its 95 % interval.

    Taught in notebook 08.
    """
    figure = go.Figure()
    unmaskings = list(dict.fromkeys(results["unmasking"].fillna("no EUM")))
    symbols = ("circle", "diamond", "square", "x", "cross", "star")
    for name, colour, symbol in zip(unmaskings, SERIES, symbols, strict=False):
        rows = results[results["unmasking"].fillna("no EUM") == name]
        value = 100 * rows[metric]
        figure.add_scatter(
            x=rows["setting"], y=value, name=name, mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 11},
            error_y={"type": "data", "array": 100 * rows[f"{metric}_high"] - value,
                     "arrayminus": value - 100 * rows[f"{metric}_low"]},
            hovertemplate="%{x}: %{y:.1f} %",
        )  # fmt: skip
    figure.update_layout(scattermode="group")
    figure.update_yaxes(title_text=title, rangemode="tozero")
    alt = "; ".join(
        f"{setting} {name or 'without an EUM'}: {100 * value:.1f} %"
        for setting, name, value in results[["setting", "unmasking", metric]].to_numpy()
    )
    return finished(figure, f"{title}, with 95 % intervals", alt)


def training_curves(history: pd.DataFrame, best_epoch: int) -> go.Figure:
    """The three mean distances, the restraint and the validation figure, epoch by epoch.

    The restraint is the share of steps on which it held: where its curve leaves 0 it sets in.

    Args:
        history: of `eumlib.training.Fit`.
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


def embedding_map(coordinates: np.ndarray, points: pd.DataFrame, title: str) -> go.Figure:
    """A map of embeddings: one point a face view, its shape the view, and a line to its mate.

    Args:
        coordinates: ``(n, 2)``.
        points: a row a point with ``identity``, ``image_id``, ``view`` (a key of `VIEW_SYMBOLS`)
            and ``mask_shape``.
        title: over the map.

    The points are the last trace, in the order of `points`, so that point i is row i.

    Taught in notebook 04.
    """
    if len(coordinates) != len(points):
        raise ValueError(f"{len(points)} points need as many coordinates, not {len(coordinates)}")
    figure = go.Figure()
    places = points[["identity", "image_id", "view"]].assign(
        x=coordinates[:, 0], y=coordinates[:, 1]
    )
    mates = places[places["view"] != "unmasked"].merge(
        places[places["view"] == "unmasked"], on=["identity", "image_id"], suffixes=("", "_mate")
    )
    gaps = np.full(len(mates), np.nan)
    figure.add_scatter(
        x=np.stack([mates["x"], mates["x_mate"], gaps], axis=1).ravel(),
        y=np.stack([mates["y"], mates["y_mate"], gaps], axis=1).ravel(),
        mode="lines", line={"color": "rgba(107,114,128,0.25)", "width": 1},
        name="to the unmasked view", hoverinfo="skip",
    )  # fmt: skip
    for view in points["view"].unique():  # empty traces, for the legend alone
        figure.add_scatter(
            x=[None], y=[None], mode="markers", name=view,
            marker={"symbol": VIEW_SYMBOLS[view], "color": VIEW_COLOURS[view], "size": 9},
        )  # fmt: skip
    figure.add_scatter(
        x=coordinates[:, 0], y=coordinates[:, 1], mode="markers", showlegend=False,
        marker={
            "symbol": points["view"].map(VIEW_SYMBOLS).tolist(),
            "color": points["view"].map(VIEW_COLOURS).tolist(),
            "size": 7, "opacity": 0.8,
        },
        customdata=points[["identity", "image_id", "view", "mask_shape"]].fillna("–").to_numpy(),
        hovertemplate="%{customdata[0]}, picture %{customdata[1]}<br>%{customdata[2]}, "
        "mask %{customdata[3]}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title_text="axis 1 (no unit)", zeroline=False)
    figure.update_yaxes(title_text="axis 2 (no unit)", zeroline=False)
    counts = ", ".join(f"{count} {view}" for view, count in points["view"].value_counts().items())
    return finished(figure, title, f"map of {counts} embeddings", height=560)
