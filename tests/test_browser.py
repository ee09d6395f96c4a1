"""The offline explorer in a real browser, with the network off: `make test-browser`."""

import numpy as np
import pytest
from browser import Browser, what_is_missing
from exploration import drawn_page, drawn_views

from eumlib._common.looks import GREY, SERIES
from eumlib.maps import outcomes, selection_csv
from eumlib.maps.page import OUTCOME_COLOURS, SCORE_COLOURS

MISSING = what_is_missing()
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"a browser test needs {MISSING}")
THRESHOLD = 0.5
READY = "document.documentElement?.dataset.ready === 'yes'"
# Where a point of a panel is in the window.
PLACE = """((panel, trace, i) => {
  const plot = $(panel), { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect();
  return [box.x + xaxis._offset + xaxis.d2p(plot.data[trace].x[i]),
          box.y + yaxis._offset + yaxis.d2p(plot.data[trace].y[i])];
})"""
POINTS, MIDDLES = 2, 1


@pytest.fixture(scope="module")
def views():
    return drawn_views(people=20, pictures=5)[1]


@pytest.fixture(scope="module")
def page(views, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "explorer.html"
    path.write_text(drawn_page(views, threshold=THRESHOLD), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shared_browser():
    with Browser(1280, 1600) as browser:
        browser.offline()
        yield browser


@pytest.fixture
def browser(shared_browser, page):
    """The page, fresh; after the test no error may have been reported."""
    shared_browser.theme("light")
    shared_browser.errors.clear()
    shared_browser.requests.clear()
    shared_browser.open(page.as_uri())
    shared_browser.wait_for(READY)
    yield shared_browser
    assert shared_browser.errors == []


def choose(browser, control, value):
    browser.run(f"$('{control}').value = {value!r}")
    kind = "input" if control in ("threshold", "morph") else "change"
    browser.run(f"$('{control}').dispatchEvent(new Event('{kind}'))")
    browser.run("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")


def point_at(browser, panel, index, trace=POINTS):
    x, y = browser.run(f"{PLACE}('{panel}', {trace}, {index})")
    browser.mouse("mouseMoved", x - 2, y - 2)
    browser.mouse("mouseMoved", x, y)
    return browser.wait_for("!$('hover').hidden && $('hover').innerText")


def test_it_asks_for_nothing_but_itself(browser, page):
    foreign = [url for url in browser.requests if not url.startswith(("blob:", "data:"))]
    assert foreign == [page.as_uri()]


@pytest.mark.parametrize("panel", ["before", "after"])
def test_the_pointer_shows_the_face_and_its_masked_pair(browser, views, panel):
    masked = int(np.flatnonzero(views.masked)[7])
    words = point_at(browser, panel, masked)
    seen = browser.run("state && [...$('hover').querySelectorAll('.sprite')].length")
    assert seen >= 2
    assert browser.run("getComputedStyle($('hover').querySelector('.sprite')).backgroundImage") != (
        "none"
    )
    assert "no mask" in words
    assert "mask a" in words or "mask surgical" in words


def test_a_lasso_in_either_map_selects_in_both(browser, views):
    for panel in ("before", "after"):
        box = browser.run(
            f"(() => {{ const b = $('{panel}').querySelector('.nsewdrag').getBoundingClientRect();"
            "return [b.x, b.y, b.width, b.height]; })()"
        )
        x, y, width, height = box
        corners = [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7), (0.3, 0.32)]
        browser.drag([(x + a * width, y + b * height) for a, b in corners])
        browser.wait_for("state.selected.length > 0 && selecting === 0")
        ids = browser.run("state.selected")
        assert 0 < len(ids) < len(views)
        for other in ("before", "after"):
            assert browser.run(f"$('{other}').data[{POINTS}].selectedpoints") == ids
        inside = [
            i
            for i in range(len(views))
            for px, py in [browser.run(f"{PLACE}('{panel}', {POINTS}, {i})")]
            if 0.32 < (px - x) / width < 0.68 and 0.34 < (py - y) / height < 0.68
        ]
        assert set(inside) <= set(ids)
        assert browser.run("$('csv').value") == selection_csv(views, ids)
        assert browser.run("$('grid').querySelectorAll('button').length") == min(len(ids), 40)
        assert browser.run("$('counts').innerText").count("views by") == 2
        browser.run("$('clear').click()")
        assert browser.run("state.selected") == []


def test_a_click_pins_the_neighbours(browser, views):
    i = int(np.flatnonzero(views.masked)[3])
    place = browser.run(f"{PLACE}('before', {POINTS}, {i})")
    point_at(browser, "before", i)
    browser.click(*place)
    pinned = browser.wait_for("state.pinned !== null && String(state.pinned)")
    words = browser.run("$('card').innerText")
    for scores in (views.before, views.after):
        nearest, score = scores.neighbours.ids[int(pinned)][0], scores.neighbours.scores
        assert views.rows["image_id"][nearest] in words
        assert f"{score[int(pinned)][0]:.3f}" in words
    assert "same" in words or "other" in words


def kinds_of(views, threshold):
    """Slow: the masked views by whether they were correct before, and are after."""
    right = [outcomes(side, threshold) == "correct" for side in (views.before, views.after)]
    known = views.masked & ~np.isnan(views.before.mated)
    return {
        name: np.flatnonzero(known & (right[0] == before) & (right[1] == after)).tolist()
        for name, before, after in (
            ("rescued", False, True), ("lost", True, False), ("wrong", False, False)
        )
    }  # fmt: skip


def test_it_opens_on_a_rescue_and_offers_more_and_failures(browser, views):
    found = kinds_of(views, THRESHOLD)
    assert found["rescued"]
    moved = np.abs(views.after.mated - views.before.mated)
    assert browser.run("state.pinned") == max(found["rescued"], key=lambda i: moved[i])
    for name, views_of_kind in found.items():
        button = f"[...$('examples').children].find((b) => b.innerText.startsWith('{name}'))"
        assert f"({len(views_of_kind)})" in browser.run(f"{button}.innerText")
        assert browser.run(f"{button}.disabled") == (not views_of_kind)
        seen = set()
        for _ in views_of_kind:
            browser.run(f"{button}.click()")
            seen.add(browser.run("state.pinned"))
        assert seen == set(views_of_kind)


def test_an_arrow_points_at_the_pinned_view_in_both_maps_and_travels_with_it(browser, views):
    browser.run("pin(3).then(() => true)")
    choose(browser, "morph", "40")
    for panel in ("before", "after"):
        arrow = browser.run(f"$('{panel}').layout.annotations.map((a) => [a.x, a.y])")
        points = f"$('{panel}').data[{POINTS}]"
        assert arrow == [browser.run(f"[{points}.x[3], {points}.y[3]]")]
    choose(browser, "threshold", "0.9")
    wrong = kinds_of(views, 0.9)["wrong"]
    assert f"({len(wrong)})" in browser.run("$('examples').lastChild.innerText")


def test_it_can_be_used_by_keyboard_alone(browser, views):
    for _ in range(40):
        browser.key("Tab", 9)
        if browser.run("document.activeElement.id") == "person":
            break
    browser.key("ArrowDown", 40)
    browser.wait_for("$('person').value === 'p0' && selecting === 0")
    own = np.flatnonzero(views.rows["identity"] == "p0").tolist()
    assert browser.run("state.selected") == own
    for _ in range(60):
        browser.key("Tab", 9)
        if browser.run("document.activeElement.parentElement.id") == "grid":
            break
    browser.key("Tab", 9)
    browser.key("Enter", 13, "\r")
    assert browser.run("state.pinned") == own[1]
    assert "p0" in browser.run("$('card').innerText")


def test_a_threshold_by_keyboard_recolours_live(browser, views):
    before = browser.run(f"$('before').data[{POINTS}].marker.color")
    browser.run("$('threshold').focus()")
    for _ in range(8):
        browser.key("PageUp", 33)
    browser.wait_for(f"state.threshold > {THRESHOLD + 0.2}")
    browser.run("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
    assert browser.run(f"$('before').data[{POINTS}].marker.color") != before
    assert browser.run("$('summary').innerText").startswith(
        f"Masked views at threshold {browser.run('state.threshold'):.3f}"
    )


def on_the_ramp(score, low, high):
    """The mixture of the two of `SCORE_COLOURS` between which a score lies; grey without one."""
    if np.isnan(score):
        return GREY
    share = (np.float64(round(float(score), 6)) - low) / (high - low) * 2
    first, last = (bytes.fromhex(c[1:]) for c in SCORE_COLOURS[int(share >= 1) :][:2])
    mixed = [
        int(a + (b - a) * (share - (share >= 1)) + 0.5) for a, b in zip(first, last, strict=True)
    ]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def slow_colours(name, views, scores, threshold):
    """What each view is to be coloured, worked out one by one."""
    rows = views.rows
    people = list(dict.fromkeys(rows["identity"]))
    shapes = sorted(set(rows["mask_shape"].dropna()))
    known = np.concatenate(
        [values for s in (views.before, views.after) for values in (s.mated, s.non_mated)]
    )
    low, high = np.nanmin(known).astype(float), np.nanmax(known).astype(float)
    words = outcomes(scores, threshold)
    for i, row in enumerate(rows.itertuples()):
        yield {
            "outcome": OUTCOME_COLOURS[words[i]],
            "mated": on_the_ramp(scores.mated[i], low, high),
            "identity": SERIES[people.index(row.identity) % len(SERIES)],
            "view": SERIES[int(row.view == "masked")],
            "shape": SERIES[shapes.index(row.mask_shape)] if row.view == "masked" else GREY,
            "maskColour": row.mask_colour if row.view == "masked" else GREY,
        }[name].lower()


def test_outcomes_and_colours_agree_with_a_slow_loop(browser, views):
    options = browser.run("[...$('colour').options].map((o) => o.value)")
    assert len(options) == 6
    for threshold in (0.35, 0.5, 0.65):
        choose(browser, "threshold", threshold)
        for name in options:
            choose(browser, "colour", name)
            for side in ("before", "after"):
                expected = slow_colours(name, views, getattr(views, side), threshold)
                shown = browser.run(f"$('{side}').data[{POINTS}].marker.color")
                assert [c.lower() for c in shown] == list(expected), name
    words = browser.run("D.image.map((_, i) => outcome(D.after, i, state.threshold))")
    assert words == outcomes(views.after, 0.65).tolist()


FILLS = r"""[...$('before').querySelectorAll('.scatterlayer .trace:last-child path.point')]
  .map((p) => '#' + p.style.fill.match(/\d+/g)
    .map((v) => (+v).toString(16).padStart(2, '0')).join(''))"""


def test_a_new_colour_stays_when_the_map_is_zoomed_and_when_views_are_selected(browser, views):
    choose(browser, "colour", "mated")
    wanted = list(slow_colours("mated", views, views.before, THRESHOLD))
    assert browser.run(FILLS) == wanted
    browser.run("Plotly.relayout($('before'), {'xaxis.range': [-9, 9]}).then(() => 0)")
    assert browser.run(FILLS) == wanted
    browser.run("select([1, 2, 3]).then(() => 0)")
    assert browser.run(FILLS) == wanted
    choose(browser, "morph", 30)
    assert browser.run(FILLS) == wanted


def test_the_shape_carries_masked_and_unmasked(browser, views):
    symbols = browser.run(f"$('after').data[{POINTS}].marker.symbol")
    assert symbols == ["x" if masked else "circle" for masked in views.masked]


def test_the_morph_moves_masked_points_and_no_axis(browser, views):
    ranges = "JSON.stringify(['xaxis', 'yaxis'].map((a) => $('after')._fullLayout[a].range))"
    at_rest = browser.run(ranges)
    ends = {}
    for way in (0, 50, 100):
        choose(browser, "morph", way)
        ends[way] = np.array(browser.run(f"[...$('after').data[{POINTS}].x]"))
    np.testing.assert_allclose(ends[50], (ends[0] + ends[100]) / 2, atol=1e-4)
    assert ((ends[0] != ends[100]) == views.masked).all()
    assert browser.run(ranges) == at_rest


def test_a_line_tells_the_true_cosine(browser, views):
    browser.run("$('lines').click()")
    browser.wait_for(f"$('after').data[{MIDDLES}].x.length > 0")
    ids = browser.run(f"[...$('after').data[{MIDDLES}].customdata]")
    assert ids == np.flatnonzero(views.masked).tolist()
    words = point_at(browser, "after", 11, MIDDLES)
    if "cosine" in words:  # else a point lies over the middle
        cosines = {f"{views.after.mate[i]:.3f}" for i in ids}
        assert any(cosine in words for cosine in cosines)
    browser.run("$('lines').click()")
    browser.wait_for(f"$('after').data[{MIDDLES}].x.length === 0")


def test_the_third_dimension_keeps_the_selection(browser):
    browser.run("select([3, 4, 5])")
    choose(browser, "map", 1)
    browser.wait_for("$('after').data[2].type === 'scatter3d' && selecting === 0")
    assert browser.run("state.selected") == [3, 4, 5]
    choose(browser, "map", 0)
    browser.wait_for("selecting === 0")
    assert browser.run(f"$('after').data[{POINTS}].selectedpoints") == [3, 4, 5]


def test_the_page_and_the_maps_follow_the_dark_theme(browser):
    browser.theme("dark")
    browser.wait_for("$('before').layout.paper_bgcolor !== '#ffffff'")
    dark = browser.run("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, dark[4:-1].split(","))) < 150


@pytest.mark.parametrize("width", [1280, 1920])
def test_nothing_is_wider_than_the_window(browser, width):
    browser.resize(width, 1600)
    assert browser.run("document.documentElement.scrollWidth") <= width
    browser.resize(1280, 1600)


def test_time_of_hover_and_recolour_at_5000_points(shared_browser, tmp_path, capsys):
    views = drawn_views(people=250, pictures=10, lonely=False)[1]
    assert len(views) == 5000
    path = tmp_path / "large.html"
    path.write_text(drawn_page(views, dimensions=(2,)), encoding="utf-8")
    browser = shared_browser
    browser.open(path.as_uri())
    browser.wait_for(READY)
    recolour = browser.run("""(async () => { const times = [];
      for (let k = 0; k < 7; k++) {
        state.threshold = 0.3 + k / 20;
        const start = performance.now();
        await recolour();
        await new Promise(requestAnimationFrame);
        times.push(performance.now() - start);
      } return times; })()""")
    browser.run("""window.hovered = []; window.moved = 0;
      addEventListener("mousemove", () => { moved = performance.now(); }, true);
      new MutationObserver(() => hovered.push(performance.now() - moved))
        .observe($("hover"), { childList: true }); 0""")
    for index in range(0, 400, 10):
        x, y = browser.run(f"{PLACE}('before', {POINTS}, {index})")
        browser.mouse("mouseMoved", x, y)
        browser.run("new Promise((done) => setTimeout(done, 80))")
    hover = browser.run("hovered")
    with capsys.disabled():
        print(
            f"\n5,000 points: recolour {np.median(recolour):.0f} ms "
            f"(worst {max(recolour):.0f}), hover {np.median(hover):.0f} ms (worst {max(hover):.0f},"
            f" {len(hover)} times)"
        )
    assert len(hover) > 20
    assert browser.errors == []
