"""Two maps of more views than a page bears, drawn by WebGL in a live notebook."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache

import ipywidgets
import numpy as np
import pandas as pd
from PIL import Image

from eumlib._common.errors import EumlibError
from eumlib.maps.page import OUTCOME_COLOURS
from eumlib.maps.projection import JointMap
from eumlib.maps.views import NOBODY, ExploredViews, check_ids, outcomes

SIDES = ("before", "after")
_HEIGHT = 520  # of a map, in pixels
_FACE = 72  # height of a face, in pixels
_MOST_FACES = 40


class MissingScatterError(EumlibError):
    """The package that draws many points is not installed."""


class ScatterExplorer:
    """Look at a hundred thousand views before and after the EUM; the selection comes back as ids.

    Both maps are linked: what is pointed at, selected or zoomed in one is so in the other. Below
    them are the faces, read when they are asked for: of a view that is pointed at, with its scores;
    of one that is selected, with its nearest references in the full space; of many, the first 40.

    It is drawn by jupyter-scatter, which takes WebGL alone: a browser without a graphics card can
    do that too, if slowly. It needs a kernel, and so has no page of its own; for that take the
    people of `selected`, of the table that was explored, to a `MapExplorer`.

    Args:
        views: of `eumlib.maps.explore`.
        joint: of these views, in two dimensions.
        picture_of: gives the picture of a view, as `eumlib.embeddings.ViewPictures` does.
        threshold: that of the outcomes, by which the points are coloured.

    Raises:
        ValueError: a map of other views, or in three dimensions.
        MissingScatterError: jupyter-scatter, the extra ``eumlib[scatter]``, is not installed.
    """

    def __init__(
        self,
        views: ExploredViews,
        joint: JointMap,
        picture_of: Callable[[int], np.ndarray],
        threshold: float,
    ) -> None:
        if joint.before.shape != (len(views), 2):
            raise ValueError(
                f"a map of {len(views)} views in two dimensions, not {joint.before.shape}"
            )
        try:
            import jscatter
        except ImportError as error:
            raise MissingScatterError(
                "so many points are drawn by jupyter-scatter; install it with: "
                'pip install --editable ".[scatter]"'
            ) from error
        self._views, self._joint = views, joint
        self._address_of = lru_cache(1000)(lambda view: _address(picture_of(view)))
        self._outcomes = {side: outcomes(getattr(views, side), threshold) for side in SIDES}
        self._maps = [self._map(jscatter, side) for side in SIDES]
        self._compose = jscatter.compose

    @property
    def selected(self) -> list[int]:
        """The ids of the selected views, ascending; rows of the table that was explored."""
        found = self._maps[0].widget.selection
        return [] if found is None else sorted(int(view) for view in found)

    def select(self, ids: Sequence[int]) -> None:
        """Select views by their ids, in both maps; ValueError for unknown ids."""
        chosen = check_ids(self._views, ids)
        for one in self._maps:
            one.selection(chosen)

    def widget(self) -> ipywidgets.Widget:
        """The two maps of a live notebook, and the faces below them."""
        return self._shown

    @cached_property
    def _shown(self) -> ipywidgets.Widget:
        both = self._compose(
            self._maps, sync_selection=True, sync_hover=True, sync_view=True, row_height=_HEIGHT
        )
        pointed, chosen = ipywidgets.HTML(), ipywidgets.HTML()

        def point(change: dict) -> None:
            if change["new"] is not None and change["new"] >= 0:
                pointed.value = self._described(change["new"])

        def choose(_: dict) -> None:
            chosen.value = self._listed(self.selected)

        for one in self._maps:
            one.widget.observe(point, names="hovering")
        self._maps[0].widget.observe(choose, names="selection")
        choose({})
        title = ipywidgets.HTML("<b>Left: before the EUM. Right: after it.</b>")
        return ipywidgets.VBox([title, both, ipywidgets.HTML(self._marks), pointed, chosen])

    def _map(self, jscatter: object, side: str) -> object:
        places = getattr(self._joint, side)
        points = pd.DataFrame(
            {"x": places[:, 0], "y": places[:, 1], "outcome": self._outcomes[side]}
        )
        drawn = jscatter.Scatter(data=points, x="x", y="y", axes=False, legend=True)
        seen = set(self._outcomes[side])
        drawn.color(by="outcome", map={w: c for w, c in OUTCOME_COLOURS.items() if w in seen})
        drawn.size(default=3)
        return drawn

    @property
    def _marks(self) -> str:
        return f"<p>{html.escape(self._joint.marks)}</p>"

    def _described(self, view: int) -> str:
        """A view and its unmasked picture, its name and its scores, as HTML."""
        scores = "; ".join(
            f"{side} mated {sided.mated[view]:.3f}, non-mated {sided.non_mated[view]:.3f}: "
            f"{self._outcomes[side][view]}"
            for side, sided in ((side, getattr(self._views, side)) for side in SIDES)
        )
        mate = self._views.mates[view]
        shown = [view] if mate in (view, NOBODY) else [view, mate]
        return f"{self._faces(shown)}<p>{self._name(view)}, id {view}<br>{scores}</p>"

    def _listed(self, ids: Sequence[int]) -> str:
        """What is selected, as HTML: nearest references of one view, faces of many."""
        if not ids:
            return "<p>Nothing is selected: click a point, or draw a lasso.</p>"
        if len(ids) > 1:
            people = self._views.rows["identity"].iloc[ids].nunique()
            more = f", the first {_MOST_FACES}" if len(ids) > _MOST_FACES else ""
            return f"<p>{len(ids):,} views of {people:,} people{more}</p>" + self._faces(
                ids[:_MOST_FACES]
            )
        (view,) = ids
        lists = [f"<p>{self._name(view)}, id {view}: nearest in the full space</p>"]
        for side in SIDES:
            near, scores = (part[view] for part in getattr(self._views, side).neighbours)
            known = near[near != NOBODY]
            words = ", ".join(
                f"{self._name(other)} {score:.3f}"
                for other, score in zip(known, scores, strict=False)
            )
            lists.append(f"<p>{side}: {words}</p>{self._faces(known)}")
        return "".join(lists)

    def _name(self, view: int) -> str:
        row = self._views.rows.iloc[view]
        return html.escape(f"{row['identity']}, {row['image_id']}, {row['view']}")

    def _faces(self, ids: Iterable[int]) -> str:
        return "".join(
            f'<img src="{self._address_of(int(view))}" alt="{self._name(view)}" '
            f'title="{self._name(view)}" style="display:inline;margin:1px">'
            for view in ids
        )


def _address(picture: np.ndarray) -> str:
    """A small copy of a picture, as a ``data:`` address."""
    height, width = picture.shape[:2]
    packed = io.BytesIO()
    small = Image.fromarray(picture).resize((max(1, round(_FACE * width / height)), _FACE))
    small.save(packed, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(packed.getvalue()).decode()
