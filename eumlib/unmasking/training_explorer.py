"""A tool to play with: go through the epochs of trainings that stand under each other."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from eumlib._common.looks import BLACK, GREY, finished
from eumlib._common.sliding import under_a_slider, with_its_own_slider
from eumlib.unmasking.figures import training_curves

PANELS = (("d1", "d2", "d3"), ("restrained",), ("validation",))  # columns of a history, by panel


class TrainingExplorer:
    """Go from epoch to epoch, and read the distances, the restraint and the validation figure.

    Args:
        histories: of `eumlib.unmasking.Fit`, by the name of the training. Where one has stopped
            before the others, its last epoch stays.

    Raises:
        ValueError: no trainings, or one without an epoch.

    Taught in notebook 07.
    """

    def __init__(self, histories: Mapping[str, pd.DataFrame]) -> None:
        if not histories or min(map(len, histories.values())) == 0:
            raise ValueError("the training explorer needs one training of one epoch at least")
        self._histories = dict(histories)
        self._epochs = max(map(len, histories.values()))

    def rows(self, epoch: int) -> dict[str, pd.Series]:
        """The callback of the slider: each training's row of an epoch, counted from 1."""
        return {
            name: history.iloc[min(epoch, len(history)) - 1]
            for name, history in self._histories.items()
        }

    def words(self, epoch: int) -> list[str]:
        """The same in words: the epoch, and a line a training."""
        told = [
            f"{name}: d1 {row.d1:.3f}, d2 {row.d2:.3f}, d3 {row.d3:.3f}; restraint on "
            f"{row.restrained:.0%} of steps; validation {row.validation:.3f}"
            for name, row in self.rows(epoch).items()
        ]
        return [f"epoch {epoch}", *told]

    def moved(self, epoch: int) -> list[dict[str, list[float]]]:
        """``x`` and ``y`` of the traces that move: a training's three panels, then the next's."""
        return [
            {"x": [float(row.epoch)] * len(names), "y": [float(row[name]) for name in names]}
            for row in self.rows(epoch).values()
            for names in PANELS
        ]

    def figure(self, epoch: int) -> go.Figure:
        """The curves of each training in a row of panels, and a mark on each at the epoch.

        The traces that move are the last ones, in the order of `moved`.
        """
        names = list(self._histories)
        panels = ["mean distances", "steps with restraint", "validation"]
        titles = [f"{name}: {panel}" for name in names for panel in panels]
        figure = make_subplots(
            len(names), len(PANELS), subplot_titles=titles, vertical_spacing=0.3 / len(names)
        )
        for row, history in enumerate(self._histories.values(), start=1):
            best = int(history["epoch"][history["validation"].idxmax()])
            for number, trace in enumerate(training_curves(history, best).data):
                trace = trace.to_plotly_json()
                free = {key: value for key, value in trace.items() if key not in ("xaxis", "yaxis")}
                figure.add_trace(
                    {**free, "showlegend": row == 1, "legendgroup": free["name"]},
                    row=row, col=max(1, number - 1),
                )  # fmt: skip
            figure.add_vline(x=best, line={"color": GREY, "dash": "dot"}, row=row, col="all")
            figure.update_yaxes(tickformat=".0%", range=[-0.05, 1.05], row=row, col=2)
            figure.update_yaxes(rangemode="tozero", row=row, col=1)
        figure.update_xaxes(range=[0.5, self._epochs + 0.5], dtick=max(1, self._epochs // 10))
        figure.update_xaxes(title_text="epoch", row=len(names))
        for place, mark in enumerate(self.moved(epoch)):
            row, col = divmod(place, len(PANELS))
            figure.add_scatter(
                **mark, mode="markers", showlegend=False, hoverinfo="skip",
                row=row + 1, col=col + 1,
                marker={"color": "white", "size": 10, "line": {"color": BLACK, "width": 2}},
            )  # fmt: skip
        words = self.words(epoch)
        finished(figure, "<br>".join(words), "; ".join(words), height=200 + 230 * len(names))
        return figure.update_layout(
            title={"font": {"size": 13}, "yref": "container", "y": 0.98, "yanchor": "top"},
            title_pad={"t": 30},  # below the tools
            margin={"t": 100 + 20 * len(names)},
            legend={"y": -0.14 if len(names) > 1 else -0.3},
        )

    def widget(self) -> ipywidgets.Widget:
        """The slider, and the figure with the numbers in words over it."""
        slider = ipywidgets.IntSlider(
            self._epochs, min=1, max=self._epochs, description="epoch", layout={"width": "60%"}
        )
        return under_a_slider(self, slider)

    def static(self) -> go.Figure:
        """The same with a slider of plotly's own, which needs no kernel."""
        epochs = range(1, self._epochs + 1)
        return with_its_own_slider(self, epochs, self._epochs - 1, "epoch", "{}")
