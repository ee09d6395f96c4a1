"""A tool to play with: see where trainings put the answers of a few faces, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets
import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from eumlib._common.looks import BLUE, GREY, VERMILION, finished
from eumlib._common.sliding import under_a_slider, with_its_own_slider


class AnswersExplorer:
    """Go from epoch to epoch, and watch masked faces move towards their unmasked views.

    The map is the plane of the two directions in which the unmasked faces vary most (PCA). It is
    the same for all trainings and epochs, so what moves on it has moved in the space. Each answer
    is tied to the unmasked view of its own picture.

    Args:
        answers: by the name of the training, ``(n, d)`` answers of unit length for each epoch.
            Where one has stopped before the others, its last epoch stays.
        masked: ``(n, d)``, what went in.
        unmasked: ``(n, d)``, the unmasked views of the same pictures.

    Raises:
        ValueError: no trainings, or one without an epoch.

    Taught in notebook 07.
    """

    def __init__(
        self,
        answers: Mapping[str, Sequence[np.ndarray]],
        masked: np.ndarray,
        unmasked: np.ndarray,
    ) -> None:
        if not answers or min(map(len, answers.values())) == 0:
            raise ValueError("the answers explorer needs one training of one epoch at least")
        self._answers = dict(answers)
        self._masked, self._unmasked = masked, unmasked
        self._epochs = max(map(len, answers.values()))
        self._middle = unmasked.mean(axis=0)
        self._axes = np.linalg.svd(unmasked - self._middle, full_matrices=False)[2][:2]

    def places(self, vectors: np.ndarray) -> np.ndarray:
        """``(n, d)`` embeddings to their ``(n, 2)`` places on the map."""
        return (vectors - self._middle) @ self._axes.T

    def _at(self, epoch: int) -> dict[str, np.ndarray]:
        return {name: kept[min(epoch, len(kept)) - 1] for name, kept in self._answers.items()}

    def words(self, epoch: int) -> list[str]:
        """The epoch, and how near each training's answers are to the unmasked views."""

        def cosine(vectors: np.ndarray) -> str:
            return f"{(vectors * self._unmasked).sum(axis=1).mean():.3f}"

        told = [f"{name} {cosine(answers)}" for name, answers in self._at(epoch).items()]
        return [
            f"epoch {epoch}: mean cosine with the unmasked view",
            "; ".join([*told, f"without an EUM {cosine(self._masked)}"]),
        ]

    def moved(self, epoch: int) -> list[dict[str, list[float | None]]]:
        """``x`` and ``y`` of the traces that move: of each training its ties, then its answers."""
        homes, traces = self.places(self._unmasked), []
        for answers in self._at(epoch).values():
            here = self.places(answers)
            gaps = np.full_like(here, np.nan)
            ties = np.stack([here, homes, gaps], axis=1).reshape(-1, 2)
            traces += [_coordinates(ties), _coordinates(here)]
        return traces

    def figure(self, epoch: int) -> go.Figure:
        """A map for each training; the traces that move are the last ones, as in `moved`."""
        names = list(self._answers)
        figure = make_subplots(1, len(names), subplot_titles=names, horizontal_spacing=0.04)
        still = (
            ("masked", self._masked, {"symbol": "x-thin-open", "color": GREY, "size": 6}),
            ("unmasked", self._unmasked, {"symbol": "circle", "color": BLUE, "size": 11}),
        )
        for col in range(1, len(names) + 1):
            for name, vectors, marker in still:
                figure.add_scatter(
                    **_coordinates(self.places(vectors)), name=name, mode="markers", marker=marker,
                    legendgroup=name, showlegend=col == 1, row=1, col=col,
                )  # fmt: skip
        for place, trace in enumerate(self.moved(epoch)):
            col, is_answer = place // 2 + 1, bool(place % 2)
            figure.add_scatter(
                **trace, name="answer of the EUM" if is_answer else "to the own unmasked view",
                mode="markers" if is_answer else "lines", row=1, col=col,
                marker={"symbol": "x", "color": VERMILION, "size": 8},
                line={"color": VERMILION, "width": 1, "dash": "dot"},
                showlegend=is_answer and col == 1, hoverinfo="skip",
            )  # fmt: skip
        # room for all epochs, so that the axes stand still
        answers = [vectors for kept in self._answers.values() for vectors in kept]
        everything = np.concatenate([self._masked, self._unmasked, *answers])
        most = 1.1 * float(np.abs(self.places(everything)).max())
        axis = {"range": [-most, most], "showticklabels": False}
        figure.update_xaxes(**axis)
        figure.update_yaxes(**axis)
        for place in range(1, len(names) + 1):
            figure.update_yaxes(scaleanchor=f"x{place}", constrain="domain", row=1, col=place)
            figure.update_xaxes(constrain="domain", row=1, col=place)
        words = self.words(epoch)
        finished(figure, "<br>".join(words), "; ".join(words), height=540)
        return figure.update_layout(
            title={"font": {"size": 13}, "yref": "container", "y": 0.98, "yanchor": "top"},
            title_pad={"t": 30},  # below the tools
            margin={"l": 10, "r": 10, "t": 120},
            legend={"y": -0.05},
        )

    def widget(self) -> ipywidgets.Widget:
        """The slider, and the maps with the numbers in words over them."""
        slider = ipywidgets.IntSlider(
            1, min=1, max=self._epochs, description="epoch", layout={"width": "60%"}
        )
        return under_a_slider(self, slider)

    def static(self) -> go.Figure:
        """The same with a slider of plotly's own, which needs no kernel."""
        return with_its_own_slider(self, range(1, self._epochs + 1), 0, "epoch", "{}")


def _coordinates(places: np.ndarray) -> dict[str, list[float | None]]:
    """``x`` and ``y`` for plotly, with None where a line is broken."""
    rounded = [[None if np.isnan(n) else round(float(n), 4) for n in row] for row in places.T]
    return {"x": rounded[0], "y": rounded[1]}
