"""The explorer in a live kernel: two linked maps, faces, neighbours, and a selection for Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import ipywidgets
import numpy as np
from IPython.display import HTML

from eumlib.acquisition import MASKED
from eumlib.colouring import COLOURINGS, score_range
from eumlib.explorer_page import explorer_page, framed, write_explorer_page
from eumlib.exploring import (
    NOBODY,
    ExploredViews,
    check_ids,
    count_by_identity,
    count_by_mask,
    selection_csv,
)
from eumlib.files import write_text
from eumlib.joint_maps import HOW_NOT_TO_READ, JointMap
from eumlib.live_maps import LiveMaps
from eumlib.pictures import gallery, jpeg_bytes
from eumlib.view_cards import describe_view, view_card
from eumlib.view_pictures import SpriteSheet, sprite_sheet

FACES_A_PAGE = 24
COUNTED = 8


class Explorer:
    """Look into a map of embeddings before and after the EUM; the selection comes back as ids.

    Args:
        views: of `eumlib.exploring.explore`.
        maps: joint maps, by the name that the menu shows; the first is shown at first. Those of
            three dimensions are for the offline page: a live map has a lasso, and so has two.
        picture_of: gives the picture of a view, as `eumlib.view_pictures.ViewPictures` does.
        threshold: where the slider stands at first.

    Raises:
        ValueError: no map of two dimensions.

    Taught in notebooks 04 and 09.
    """

    def __init__(
        self,
        views: ExploredViews,
        maps: Mapping[str, JointMap],
        picture_of: Callable[[int], np.ndarray],
        threshold: float,
    ) -> None:
        self._views, self._maps, self._picture_of = views, dict(maps), picture_of
        self._threshold = threshold
        self._flat = {name: joint for name, joint in self._maps.items() if joint.dimensions == 2}
        if not self._flat:
            raise ValueError("the explorer needs one map of two dimensions at least")
        self._selected = np.empty(0, np.int64)
        self._told: list[Callable[[], None]] = []

    @property
    def selected(self) -> list[int]:
        """The ids of the selected views, ascending; rows of the table that was explored."""
        return self._selected.tolist()

    def select(self, ids: Sequence[int]) -> None:
        """Select views by their ids, in all live maps; ValueError for unknown ids."""
        self._selected = check_ids(self._views, ids)
        for tell in self._told:
            tell()

    def select_person(self, identity: str) -> None:
        """The callback of the menu of people: all views of one; nothing for nobody's name."""
        self.select(np.flatnonzero(self._views.rows["identity"] == identity))

    def save_selection(self, path: Path | str) -> None:
        """Write the selection as CSV, atomically: id, picture, identity, view and mask."""
        write_text(path, selection_csv(self._views, self._selected))

    def look_at(self, row: int) -> tuple[bytes, str]:
        """The callback of the pointer: the face beside its pair as JPEG, and a line about it."""
        views = self._views
        pair = [row, views.mates[row]]
        if views.rows["view"].iloc[row] != MASKED:
            pair = [row, *np.flatnonzero((views.mates == row) & views.masked)[:1]]
        faces = [self._picture_of(int(one)) for one in pair if one != NOBODY]
        return jpeg_bytes(np.concatenate(faces, axis=1), 240 * len(faces)), describe_view(
            views, row
        )

    def card(self, row: int, threshold: float) -> str:
        """The callback of a click: scores, outcome and neighbours of a view, as HTML."""
        return view_card(self._views, row, threshold)

    def counts(self) -> str:
        """How many of which person and mask are selected, as HTML."""
        if not len(self._selected):
            return "Nothing is selected: draw a lasso in either map, or choose a person."
        tables = [
            count(self._views, self._selected) for count in (count_by_identity, count_by_mask)
        ]
        shown = "".join(
            f"<div>{table.head(COUNTED).to_html(index=False, border=0)}</div>" for table in tables
        )
        left_out = max(0, len(tables[0]) - COUNTED)
        rest = f"<div>and {left_out} people more</div>" if left_out else ""
        return (
            f"{len(self._selected)} views selected{rest}"
            f'<div style="display:flex;gap:24px">{shown}</div>'
        )

    def faces(self, page: int) -> str:
        """One page of the selected faces, as HTML; the first page is 1."""
        ids = self._selected[(page - 1) * FACES_A_PAGE : page * FACES_A_PAGE].tolist()
        names = [describe_view(self._views, row) for row in ids]
        return gallery(
            [self._picture_of(row) for row in ids], [str(i) for i in ids], names, 64
        ).data

    @cached_property
    def _sprites(self) -> SpriteSheet:
        return sprite_sheet(self._picture_of(row) for row in range(len(self._views)))

    def page(self) -> str:
        """The offline page, all maps in it."""
        return explorer_page(self._views, self._maps, self._sprites, self._threshold)

    def save_page(self, path: Path | str) -> None:
        """Write the offline page, atomically."""
        write_explorer_page(self.page(), path)

    def static(self) -> HTML:
        """The offline page in a frame: it works without a kernel."""
        return HTML(framed(self.page()))

    def widget(self) -> ipywidgets.Widget:
        """Two linked maps with their menus and sliders, and what they are asked about."""
        controls = _controls(self._views, list(self._flat), self._threshold)
        page = ipywidgets.BoundedIntText(1, min=1, max=1, description="page")
        marks, counts, grid, card = (ipywidgets.HTML() for _ in range(4))
        picture = ipywidgets.Image(format="jpeg", layout={"height": "150px"})
        line = ipywidgets.Label()

        def point_at(row: int) -> None:
            picture.value, line.value = self.look_at(row)

        def pin(row: int) -> None:
            card.value = self.card(row, controls.threshold.value)

        first = next(iter(self._flat.values()))
        maps = LiveMaps(self._views, first, self.select, point_at, pin)

        def recolour(_change: object = None) -> None:
            maps.recolour(COLOURINGS[controls.colour.value], controls.threshold.value)

        def move(_change: object = None) -> None:
            joint = self._flat[controls.chosen.value]
            maps.move(joint, controls.way.value, controls.lines.value)
            sentences = "".join(f"<li>{sentence}</li>" for sentence in HOW_NOT_TO_READ)
            marks.value = f"{joint.marks}<ul>{sentences}</ul>"

        def turn_page(_change: object = None) -> None:
            grid.value = self.faces(page.value)

        def show_selection() -> None:
            maps.select(self.selected)
            page.max = max(1, -(-len(self._selected) // FACES_A_PAGE))
            page.value, counts.value = 1, self.counts()
            turn_page()

        controls.clear.on_click(lambda _button: self.select([]))
        controls.person.observe(lambda change: self.select_person(change["new"]), names="value")
        page.observe(turn_page, names="value")
        for control in (controls.colour, controls.threshold):
            control.observe(recolour, names="value")
        for control in (controls.chosen, controls.way, controls.lines):
            control.observe(move, names="value")
        self._told.append(show_selection)
        for show_first in (recolour, move, show_selection):
            show_first()
        point_at(0)
        return ipywidgets.VBox(
            [
                _row([controls.person, controls.colour, controls.chosen, controls.clear]),
                _row([controls.threshold, controls.way, controls.lines]),
                _row(maps.panels),
                marks,
                ipywidgets.HBox([ipywidgets.VBox([line, picture, card]), counts]),
                ipywidgets.HBox([page, grid]),
            ]
        )


class _Controls(NamedTuple):
    person: ipywidgets.Dropdown
    colour: ipywidgets.Dropdown
    chosen: ipywidgets.Dropdown
    clear: ipywidgets.Button
    threshold: ipywidgets.FloatSlider
    way: ipywidgets.FloatSlider
    lines: ipywidgets.Checkbox


def _controls(views: ExploredViews, maps: Sequence[str], threshold: float) -> _Controls:
    low, high = score_range(views)
    people = sorted(views.rows["identity"].unique())
    everyone = [("everyone", ""), *zip(people, people, strict=True)]
    return _Controls(
        person=ipywidgets.Dropdown(options=everyone, description="person"),
        colour=ipywidgets.Dropdown(options=list(COLOURINGS), description="colour by"),
        chosen=ipywidgets.Dropdown(options=maps, description="map"),
        clear=ipywidgets.Button(description="clear selection"),
        threshold=ipywidgets.FloatSlider(
            threshold, min=low, max=high, step=0.001, readout_format=".3f", description="threshold"
        ),
        way=ipywidgets.FloatSlider(1, min=0, max=1, step=0.05, description="EUM’s way"),
        lines=ipywidgets.Checkbox(False, description="lines to the unmasked view"),
    )


def _row(widgets: Sequence[ipywidgets.Widget]) -> ipywidgets.Widget:
    """Side by side, or in several rows where the window is narrow."""
    return ipywidgets.Box(widgets, layout={"flex_flow": "row wrap"})
