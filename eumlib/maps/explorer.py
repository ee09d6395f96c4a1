"""The explorer: one page, in a file or in a live notebook, whose selection comes back to Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import anywidget
import numpy as np
import traitlets
from IPython.display import HTML

from eumlib._common.files import PACKAGE_FOLDER, write_text
from eumlib._common.progress import progress_bar
from eumlib.maps.page import explorer_page, framed
from eumlib.maps.projection import JointMap
from eumlib.maps.sprites import sprite_sheet
from eumlib.maps.views import ExploredViews, check_ids


class MapExplorer:
    """Look into a map of embeddings before and after the EUM; the selection comes back as ids.

    Args:
        views: of `eumlib.maps.explore`.
        maps: joint maps, by the name that the menu shows; the first is shown at first.
        picture_of: gives the picture of a view, as `eumlib.embeddings.ViewPictures` does.
        threshold: where the slider stands at first.

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
        self._selected: list[int] = []

    @property
    def selected(self) -> list[int]:
        """The ids of the selected views, ascending; rows of the table that was explored."""
        return list(self._selected)

    def select(self, ids: Sequence[int]) -> None:
        """Select views by their ids, in the live page too; ValueError for unknown ids."""
        self._selected = check_ids(self._views, ids).tolist()
        if "_frame" in self.__dict__:
            self._frame.selected = self._selected

    @cached_property
    def page(self) -> str:
        """The page as HTML, all maps and a small picture of every view in it."""
        sprites = sprite_sheet(self._pictures())
        return explorer_page(self._views, self._maps, sprites, self._threshold)

    def _pictures(self) -> Iterator[np.ndarray]:
        with progress_bar(len(self._views), "pictures", "view", delay=2) as bar:
            for row in range(len(self._views)):
                yield self._picture_of(row)
                bar.update()

    def save_page(self, path: Path | str) -> None:
        """Write the page, atomically; it opens without a network."""
        write_text(path, self.page)

    def static(self) -> HTML:
        """The page in a frame: it works without a kernel."""
        return HTML(framed(self.page))

    def widget(self) -> anywidget.AnyWidget:
        """The page in a frame of a live notebook; its selection is `selected`, both ways."""
        return self._frame

    @cached_property
    def _frame(self) -> _LiveFrame:
        frame = _LiveFrame(page=self.page, selected=self._selected)
        frame.observe(lambda change: self.select(change["new"]), names="selected")
        return frame


class _LiveFrame(anywidget.AnyWidget):
    """The page in a frame, and the ids that its script and this kernel tell each other."""

    _esm = PACKAGE_FOLDER / "maps/templates/live_frame.js"
    page = traitlets.Unicode().tag(sync=True)
    selected = traitlets.List(traitlets.Int()).tag(sync=True)
