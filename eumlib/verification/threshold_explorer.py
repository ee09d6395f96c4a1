"""A tool to play with: move the threshold, and watch both errors on the scores and the DET."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.stats import norm

from eumlib._common.looks import BLACK, SERIES, finished
from eumlib._common.sliding import under_a_slider, with_its_own_slider
from eumlib.verification.figures import DET_TICKS, det_curves, score_distributions
from eumlib.verification.rates import ErrorCurve, OperatingPoint, ScoreCounts

STOPS = 61  # of the static slider
_SYMBOLS = ("circle", "diamond", "square", "x", "cross", "star", "hexagon")


class ThresholdExplorer:
    """Move the threshold, and watch FMR and FNMR of every setting.

    Args:
        settings: counts of the scores, by the name of the setting.
        threshold: where the slider stands at first.

    Raises:
        ValueError: no settings.

    Taught in notebook 03.
    """

    def __init__(self, settings: Mapping[str, ScoreCounts], threshold: float) -> None:
        if not settings:
            raise ValueError("the threshold explorer needs the scores of one setting at least")
        self._settings, self._threshold = dict(settings), threshold
        self._curves = {name: ErrorCurve(counts) for name, counts in settings.items()}
        ends = np.concatenate([counts.scores[[0, -1]] for counts in settings.values()])
        self._low, self._high = float(ends.min()), float(ends.max())

    def points(self, threshold: float) -> dict[str, OperatingPoint]:
        """The callback of the slider: both errors of each setting at the threshold."""
        return {name: curve.at(threshold) for name, curve in self._curves.items()}

    def words(self, threshold: float) -> list[str]:
        """The same in words: the threshold, and one line per setting."""
        told = [
            f"{name}: FMR {point.fmr:.2%}, FNMR {point.fnmr:.2%}"
            for name, point in self.points(threshold).items()
        ]
        return [f"threshold {threshold:.3f}", *told]

    def moved(self, threshold: float) -> list[dict[str, list[float]]]:
        """``x`` and ``y`` of the traces that move: a line over each panel, then the DET points.

        Rates beyond the ends of the DET's axes lie on its edge.
        """
        rates = np.array([(p.fmr, p.fnmr) for p in self.points(threshold).values()])
        x, y = norm.ppf(rates.clip(DET_TICKS[0], DET_TICKS[-1])).T.tolist()
        line = {"x": [threshold, threshold], "y": [0.0, 1.0]}
        return [line] * len(self._settings) + [{"x": x, "y": y}]

    def figure(self, threshold: float) -> go.Figure:
        """The scores of each setting under the threshold, and the DET curves with their points.

        The traces that move are the last ones, in the order of `moved`.
        """
        rows = len(self._settings)
        names = list(self._settings)
        figure = make_subplots(
            rows,
            2,
            specs=[[{}, {"rowspan": rows}], *[[{}, None] for _ in names[1:]]],
            subplot_titles=[names[0], "DET", *names[1:]],
            horizontal_spacing=0.12,
        )
        scores, det = score_distributions(self._settings), det_curves(self._settings)
        for row in range(rows):
            pair = [trace.to_plotly_json() for trace in scores.data[2 * row : 2 * row + 2]]
            for trace in pair:
                figure.add_trace(_without_axes(trace), row=row + 1, col=1)
            top = 1.08 * max(float(np.max(trace["y"])) for trace in pair)
            figure.update_yaxes(
                title_text="share of pairs", tickformat=".0%", range=[0, top], row=row + 1, col=1
            )
            figure.update_xaxes(range=[self._low, min(1.0, self._high)], row=row + 1, col=1)
        figure.update_xaxes(title_text="score (cosine)", row=rows, col=1)
        for trace in det.data:
            figure.add_trace(_without_axes(trace.to_plotly_json()), row=1, col=2)
        figure.update_xaxes(det.layout.xaxis, row=1, col=2)
        figure.update_yaxes(det.layout.yaxis, row=1, col=2)
        *lines, points = self.moved(threshold)
        for row, line in enumerate(lines, start=1):
            figure.add_scatter(
                **line, mode="lines", showlegend=False, hoverinfo="skip", row=row, col=1,
                line={"color": BLACK, "dash": "dot", "width": 2},
            )  # fmt: skip
        figure.add_scatter(
            **points, mode="markers", showlegend=False, row=1, col=2, text=names,
            hovertemplate="%{text}, at the threshold<extra></extra>",
            cliponaxis=False,
            marker={"color": SERIES[:rows], "symbol": _SYMBOLS[:rows], "size": 13,
                    "line": {"color": BLACK, "width": 1}},
        )  # fmt: skip
        words = self.words(threshold)
        finished(figure, "<br>".join(words), "; ".join(words), height=260 + 170 * rows)
        return figure.update_layout(
            title={"font": {"size": 13}, "yref": "container", "y": 0.98, "yanchor": "top"},
            margin={"t": 70 + 20 * rows},
            legend={"y": -0.14 if rows > 1 else -0.3},
        )

    def widget(self) -> ipywidgets.Widget:
        """The slider, and the figure with the errors in words over it."""
        slider = ipywidgets.FloatSlider(
            self._threshold, min=self._low, max=min(1.0, self._high), step=0.001,
            description="threshold", readout_format=".3f", layout={"width": "60%"},
        )  # fmt: skip
        return under_a_slider(self, slider)

    def static(self) -> go.Figure:
        """The same with a slider of plotly's own, which needs no kernel."""
        stops = np.linspace(self._low, min(1.0, self._high), STOPS)
        start = int(np.abs(stops - self._threshold).argmin())
        stops[start] = self._threshold
        return with_its_own_slider(self, stops.tolist(), start, "threshold", "{:.3f}")


def _without_axes(trace: dict) -> dict:
    """The trace, free to be put into another panel."""
    return {name: value for name, value in trace.items() if name not in ("xaxis", "yaxis")}
