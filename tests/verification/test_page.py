from builders import drawn_table, worn_table

from eumlib.faces import Pair
from eumlib.unmasking import EmbeddingUnmaskingModel, Unmasker
from eumlib.verification import ComparedViews, all_curves, evaluate, summary, write_page

UNMASKERS = {"srt": Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser")}


def test_every_system_has_a_curve_in_every_figure():
    views = ComparedViews.of_table(drawn_table(people=6, pictures=3))
    det, roc, scores, cmc = all_curves(views, UNMASKERS).values()
    systems = ["no masks", "masks", "masks, srt"]
    for figure in (det, roc, cmc):
        assert [trace.name for trace in figure.data] == systems
        assert len({trace.line.dash for trace in figure.data}) == 3
        assert len({trace.line.color for trace in figure.data}) == 3
    assert len(scores.data) == 2 * len(systems)


def test_settings_without_pairs_and_ranks_of_listed_pairs_are_left_out():
    pairs = [Pair(f"p{p}/0", f"p{p}/1", mated=True) for p in range(6)]
    pairs += [Pair(f"p{p}/0", f"p{(p + 1) % 6}/1", mated=False) for p in range(6)]
    views = ComparedViews.of_table(worn_table(people=6, pictures=4), pairs)
    figures = all_curves(views, {})
    assert len(figures) == 3
    assert [trace.name for trace in figures["Rightful pairs accepted"].data] == ["masks"]


TABLE = drawn_table(people=10, pictures=4, noise=1.2, mask=1.0)


RESULTS = evaluate(TABLE, UNMASKERS, resamples=5)


def test_the_page_holds_table_and_figures_and_needs_no_network(tmp_path):
    figures = all_curves(ComparedViews.of_table(TABLE), UNMASKERS)
    assert len(figures) == 4
    path = tmp_path / "page.html"
    write_page(RESULTS, figures, path)
    text = path.read_text(encoding="utf-8")
    for cell in summary(RESULTS).to_numpy().ravel():
        assert str(cell) in text
    assert text.count('role="img"') == 4
    assert "A star marks" in text
    assert "<script src=" not in text
    assert "<link" not in text


def test_the_same_page_is_the_same_bytes(tmp_path):
    for name in ("a.html", "b.html"):
        figures = all_curves(ComparedViews.of_table(TABLE), UNMASKERS)
        write_page(RESULTS, figures, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
