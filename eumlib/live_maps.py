"""Two linked panels in a live kernel: they show the same views, and either takes a lasso."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import plotly.graph_objects as go

from eumlib.colouring import Colouring
from eumlib.exploring import ExploredViews
from eumlib.joint_maps import JointMap
from eumlib.map_panels import (
    LINES,
    NO_LINES,
    POINTS,
    drawn_lassos,
    map_panel,
    mate_lines,
    points_inside,
    show_selected,
)

PANEL_CONFIG = {
    "doubleClick": False,  # it would deselect unheard
    "displaylogo": False,
    "modeBarButtonsToRemove": ["toImage", "sendChartToCloud", "autoScale2d"],
}


class LiveMaps:
    """The panels before and after the EUM, and what a pointer does in them.

    Args:
        views: of `eumlib.exploring.explore`.
        joint: the map that is shown at first.
        lassoed: called with the ids of the views in a lasso.
        pointed_at: called with the id of the view under the pointer.
        clicked: called with the id of a view that was clicked.
    """

    def __init__(
        self,
        views: ExploredViews,
        joint: JointMap,
        lassoed: Callable[[np.ndarray], None],
        pointed_at: Callable[[int], None],
        clicked: Callable[[int], None],
    ) -> None:
        self._views, self._lassoed = views, lassoed
        self._sides = {"before": views.before, "after": views.after}
        self._selected: list[int] = []
        ranges = joint.ranges()
        self._panels = {
            name: go.FigureWidget(map_panel(views, ranges, f"{name.capitalize()} the EUM"))
            for name in self._sides
        }
        for figure in self._panels.values():
            points = figure.data[POINTS]
            points.on_hover(partial(_tell, pointed_at))
            points.on_click(partial(_tell, clicked))
            points.on_selection(self._settle)
            figure.layout.on_change(partial(self._read_lasso, figure), "selections")
            figure._config = figure._config | PANEL_CONFIG  # there is no public way

    @property
    def panels(self) -> list[go.FigureWidget]:
        """Both figures, to be shown side by side."""
        return list(self._panels.values())

    def recolour(self, colouring: Colouring, threshold: float) -> None:
        """Colour all points, each side by its own scores."""
        for name, side in self._sides.items():
            colours = colouring(self._views, side, threshold)
            self._panels[name].data[POINTS].marker.color = colours

    def move(self, joint: JointMap, share: float, with_lines: bool) -> None:
        """Put the points where a map has them; on the right, a share of the EUM's way."""
        x_range, y_range = joint.ranges().tolist()
        for name, way in (("before", 0.0), ("after", share)):
            places, figure = joint.part_way(way), self._panels[name]
            lines = mate_lines(self._views, self._sides[name], places) if with_lines else NO_LINES
            with figure.batch_update():
                figure.data[POINTS].update(x=places[:, 0], y=places[:, 1])
                figure.data[LINES].update(lines)
                figure.layout.update(xaxis={"range": x_range}, yaxis={"range": y_range})

    def select(self, ids: Sequence[int]) -> None:
        """Bring out views in both panels."""
        self._selected = list(ids)
        for figure in self.panels:
            show_selected(figure, self._selected)

    def _read_lasso(self, figure: go.FigureWidget, *_stale: object) -> None:
        if lassos := drawn_lassos(figure):
            trace = figure.data[POINTS]
            self._lassoed(points_inside(lassos, np.stack([trace.x, trace.y], axis=1)))

    def _settle(self, trace: go.Scatter, *_found: object) -> None:
        trace.selectedpoints = self._selected or None  # plotly empties it as the lasso goes


def _tell(told: Callable[[int], None], _trace: object, points: object, _state: object) -> None:
    if points.point_inds:
        told(points.point_inds[0])
