"""Scores and error rates as figures: curves, distributions, and rates with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.stats import norm

from eumlib._common.looks import (
    BLACK,
    BLUE,
    DASHES,
    SERIES,
    VERMILION,
    finished,
    wrapped,
)
from eumlib.verification.identification import found_by
from eumlib.verification.rates import ErrorCurve, ScoreCounts

POINTS_A_CURVE = 400
DET_TITLE = "Detection error trade-off"

DET_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6)


def score_distributions(settings: Mapping[str, ScoreCounts], thresholds: Sequence[float] = ()):
    """Histograms of mated and non-mated scores, one panel per setting, as shares of their pairs.

    Args:
        settings: counts of the scores, by the name of the setting.
        thresholds: vertical lines, the same in every panel.

    Taught in notebook 08.
    """
    _require_counts(settings)
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

    Args:
        settings: counts of the scores, by the name of the system.

    Raises:
        TypeError: something else, such as the table of `eumlib.verification.evaluate`.

    Taught in notebook 08.
    """
    _require_counts(settings)
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
    return finished(figure, DET_TITLE, alt, height=520)


def roc_curves(settings: Mapping[str, ScoreCounts]) -> go.Figure:
    """ROC curves: who is rightly accepted against who is falsely; FMR on a logarithmic axis.

    Args, errors: as `det_curves`.

    Taught in notebook 08.
    """
    _require_counts(settings)
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


def _require_counts(settings: Mapping[str, ScoreCounts]) -> None:
    given = settings.values() if isinstance(settings, Mapping) else [settings]
    wrong = next((value for value in given if not isinstance(value, ScoreCounts)), None)
    if wrong is not None:
        raise TypeError(
            f"curves are drawn from counts of scores by name, and not from a "
            f"{type(wrong).__name__}: give {{name: ScoreCounts.of_comparison(comparison)}}, with a "
            f"comparison of ComparedViews.of_table(table).compare('UMR-MP')"
        )


def cmc_curves(ranks: Mapping[str, np.ndarray], up_to: int = 20) -> go.Figure:
    """CMC curves: the share of probes that are found at a rank or better.

    Args:
        ranks: of `eumlib.verification.ranks_of`, by the name of the system.
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
    figure.update_yaxes(title_text="probes found", tickformat=".1%")
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


def number_line(scores: Mapping[str, float], threshold: float) -> go.Figure:
    """A few scores on one line, each under its name, and the threshold between them.

    Args:
        scores: cosines by name; one that is at least the threshold is a filled circle, the others
            are open crosses.
        threshold: the operating threshold.

    Taught in notebook 00.
    """
    figure = go.Figure()
    for accepted, name, symbol, colour, beside in (
        (True, "accepted", "circle", BLUE, "middle right"),
        (False, "rejected", "x", VERMILION, "middle left"),
    ):
        chosen = {label: s for label, s in scores.items() if (s >= threshold) == accepted}
        figure.add_scatter(
            x=list(chosen.values()), y=list(chosen), name=name, mode="markers+text",
            text=[f"{score:.3f}" for score in chosen.values()], textposition=beside,
            marker={"symbol": symbol, "color": colour, "size": 12}, cliponaxis=False,
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )  # fmt: skip
    left, right = min(0, *scores.values()) - 0.05, 1.05
    roomier = "right" if threshold > (left + right) / 2 else "left"  # side, for the words
    figure.add_vline(
        x=threshold, line={"color": BLACK, "dash": "dot", "width": 1},
        annotation={"text": f"operating threshold {threshold:.3f}", "yanchor": "bottom", "y": 1,
                    "xanchor": roomier},
    )  # fmt: skip
    figure.update_xaxes(title_text="score (cosine)", range=[left, right])
    figure.update_yaxes(**_names_from_top(list(scores)))
    alt = "; ".join(f"{name}: {score:.3f}" for name, score in scores.items())
    height = 190 + 55 * len(scores)
    return finished(figure, "Scores", f"{alt}; operating threshold: {threshold:.3f}", height)


def _names_from_top(names: Sequence[str]) -> dict:
    return {
        "tickvals": list(names), "ticktext": [wrapped(name) for name in names],
        "categoryorder": "array", "categoryarray": list(names)[::-1],
        "range": [-0.5, len(names) - 0.4], "automargin": True,
    }  # fmt: skip
