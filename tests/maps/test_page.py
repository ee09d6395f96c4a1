import html
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from exploration import drawn_map, drawn_page, drawn_pictures, drawn_views

from eumlib.maps import HOW_NOT_TO_READ, outcomes, page, sprite_sheet
from eumlib.maps.page import explorer_page, framed, page_data

_, VIEWS = drawn_views()
SPRITES = sprite_sheet(drawn_pictures(len(VIEWS)), size=16)
MAP = drawn_map(VIEWS)


def data_of(page):
    (packed,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(packed)


def test_the_page_holds_what_stands_behind_the_views():
    data = data_of(explorer_page(VIEWS, {"random": MAP}, SPRITES, 0.5))
    assert data["identity"] == VIEWS.rows["identity"].tolist()
    assert data["mate"] == VIEWS.mates.tolist()
    for side, scores in (("before", VIEWS.before), ("after", VIEWS.after)):
        own = [np.nan if value is None else value for value in data[side]["mated"]]
        np.testing.assert_allclose(own, scores.mated, atol=1e-6)
        assert data[side]["ids"] == scores.neighbours.ids.tolist()
        places = np.array(data["maps"][0][side]).T
        np.testing.assert_allclose(places, getattr(MAP, side), atol=1e-4)
    assert data["shape"][0] is None
    assert data["sprites"]["sheet"].startswith("data:image/jpeg")


def test_the_page_needs_nothing_from_elsewhere():
    page = drawn_page(VIEWS)
    own = page.partition("</script>")[2]  # after plotly itself
    assert not re.search(r"https?://|src=|@import", own)
    assert all(sentence in html.unescape(own) for sentence in HOW_NOT_TO_READ)
    assert "{{" not in own


def test_names_cannot_become_markup():
    rows = VIEWS.rows.assign(identity="</script><b>'\"&", image_id="<i>")
    page = explorer_page(replace(VIEWS, rows=rows), {"<m>": MAP}, SPRITES, 0.5, "<t>&")
    assert data_of(page)["identity"][0] == "</script><b>'\"&"
    assert "<b>" not in page.partition("</head>")[2]
    assert "<title>&lt;t&gt;&amp;</title>" in page


def test_every_control_and_list_has_a_name():
    page = drawn_page(VIEWS).partition("<body>")[2]
    for control in re.findall(r"<(?:select|input|textarea)[^>]*>", page):
        labelled = re.search(rf"<label>[^<]*{re.escape(control)}", page) or "aria-label" in control
        assert labelled, control
    assert page.count('role="img"') >= 2
    assert page.count("<h1") == 1


def test_maps_of_other_views_or_of_too_many_are_refused(monkeypatch):
    short = replace(MAP, before=MAP.before[1:])
    with pytest.raises(ValueError, match=r"views, and map 'short' has"):
        page_data(VIEWS, {"short": short}, SPRITES, 0.5)
    monkeypatch.setattr(page, "MOST_ON_A_PAGE", len(VIEWS) - 1)
    with pytest.raises(ValueError, match="ScatterExplorer"):
        page_data(VIEWS, {"flat": MAP}, SPRITES, 0.5)
    with pytest.raises(ValueError, match="one map at least"):
        page_data(VIEWS, {}, SPRITES, 0.5)


def test_the_page_fits_into_a_frame():
    page = '<!doctype html><p title="a\'b">ü & <b>'
    (inside,) = re.findall(r'srcdoc="([^"]*)"', framed(page))
    assert html.unescape(inside) == page


def test_an_infinite_threshold_is_shown_above_all_scores():
    """The highest score is of two people: none is refused by chance, and all by the threshold."""
    data = json.loads(json.dumps(page_data(VIEWS, {"flat": MAP}, SPRITES, np.inf)))
    for side in (VIEWS.before, VIEWS.after):
        np.testing.assert_array_equal(outcomes(side, data["threshold"]), outcomes(side, np.inf))
    assert data["scoreRange"][1] == data["threshold"] < 2
