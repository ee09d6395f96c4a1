import html
import re

import numpy as np
import pytest
from exploration import drawn_map, drawn_pictures, drawn_views

from eumlib.maps import MapExplorer

_, VIEWS = drawn_views()
PICTURES = drawn_pictures(len(VIEWS))
MAPS = {"flat": drawn_map(VIEWS), "space": drawn_map(VIEWS, 3)}


@pytest.fixture
def explorer():
    return MapExplorer(VIEWS, MAPS, PICTURES.__getitem__, 0.5)


def test_the_selection_can_be_made_in_python_before_and_while_the_page_is_live(explorer):
    explorer.select([4, 1])
    frame = explorer.widget()
    assert frame.selected == explorer.selected == [1, 4]
    explorer.select([5, 3, 3])
    assert frame.selected == explorer.selected == [3, 5]
    with pytest.raises(ValueError, match="no view has id 999"):
        explorer.select([999])
    assert frame.selected == explorer.selected == [3, 5]


def test_what_the_page_selects_reaches_python(explorer):
    explorer.widget().set_state({"selected": [2, 7, 9]})  # as the front end sends it
    assert explorer.selected == [2, 7, 9]


def test_a_selection_that_is_changed_outside_is_not_changed_inside(explorer):
    explorer.select([1])
    explorer.selected.append(2)
    assert explorer.selected == [1]


def test_shown_twice_it_is_one_explorer(explorer):
    assert explorer.widget() is explorer.widget()


def test_both_hosts_hold_the_same_page(explorer, tmp_path):
    (inside,) = re.findall(r'srcdoc="([^"]*)"', explorer.static().data)
    explorer.save_page(tmp_path / "page.html")
    saved = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert html.unescape(inside) == explorer.widget().page == saved


def test_pictures_are_asked_for_once_a_view():
    asked = []

    def picture_of(row):
        asked.append(row)
        return PICTURES[row]

    explorer = MapExplorer(VIEWS, MAPS, picture_of, 0.5)
    explorer.select([1])
    assert asked == []
    assert explorer.page == explorer.page
    np.testing.assert_array_equal(asked, np.arange(len(VIEWS)))
