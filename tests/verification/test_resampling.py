import numpy as np
import pytest
from builders import drawn_table
from oracles import slow_ranks

from eumlib.verification import (
    ComparedViews,
    Comparison,
    FaceViews,
    OperatingThresholds,
    ScoreCounts,
    error_rates,
    resampling,
    thresholds_of,
)
from eumlib.verification import comparison as module
from eumlib.verification.resampling import ResampledRates, TeamTables

OPERATING = OperatingThresholds(0.5, 0.625)


def tables_of(comparison, operating=OPERATING):
    return TeamTables.of(comparison, ScoreCounts.of_comparison(comparison), operating, seed=0)


@pytest.fixture(scope="module", params=["UMR-MP", "UMR-UMP"])
def comparison(request):
    return ComparedViews.of_table(drawn_table(people=40, pictures=5, noise=1.2)).compare(
        request.param
    )


def slow_rates(scores, times, threshold):
    """FMR and FNMR at a threshold, pair by pair."""
    left, right = scores.non_mated_people.T
    weights = times[left] * times[right]
    fmr = np.average(scores.non_mated >= threshold, weights=weights)
    return fmr, np.average(scores.mated < threshold, weights=times[scores.mated_person])


@pytest.mark.parametrize("few", [0, 2**22])
def test_rates_agree_with_a_count_of_all_pairs(comparison, few, monkeypatch):
    monkeypatch.setattr(module, "FEW", few)
    scores, tables = comparison.scores(), tables_of(comparison)
    times = tables.draw(3, seed=1)
    rates = ResampledRates(tables, times)
    for place in (0, 40, 120, len(tables.thresholds) - 1):
        for b in range(3):
            fmr, fnmr = slow_rates(scores, times[b], tables.thresholds[place])
            assert rates.fmr[b, place] == pytest.approx(fmr)
            assert rates.fnmr[b, place] == pytest.approx(fnmr)
    fmr, fnmr = rates.at(0.5)
    assert (fmr[0], fnmr[0]) == pytest.approx(slow_rates(scores, times[0], 0.5))
    assert [end[0] for end in rates.at(np.inf)] == [0, 1]


def repeated(scores, times):
    """The scores, each as often as its people were drawn."""
    left, right = scores.non_mated_people.T
    times = times.astype(int)
    return ScoreCounts.of(
        np.repeat(scores.mated, times[scores.mated_person]),
        np.repeat(scores.non_mated, times[left] * times[right]),
    )


def test_every_metric_is_that_of_the_pairs_drawn_again(comparison):
    scores, tables = comparison.scores(), tables_of(comparison)
    times = tables.draw(4, seed=9)
    metrics = ResampledRates(tables, times).metrics(OPERATING)
    for b, row in metrics.iterrows():
        slow = error_rates(repeated(scores, times[b]), OPERATING)
        for name in ("fmr_at_100", "fnmr_at_100", "error_at_1000"):
            assert row[name] == pytest.approx(getattr(slow, name), rel=1e-6), name
        for name in ("g_mean", "i_mean", "fdr", "d_prime"):
            assert row[name] == pytest.approx(getattr(slow, name), rel=0.01, abs=1e-3), name
        assert row["auc"] == pytest.approx(slow.auc, abs=1e-3)
        assert row["eer"] == pytest.approx(slow.eer, abs=3e-3)
        assert row["fmr100"] == pytest.approx(slow.fmr100, abs=0.02)
        assert row["fmr1000"] == pytest.approx(slow.fmr1000, abs=0.06)


def test_a_resample_of_everyone_once_has_the_rates_of_the_scores(comparison):
    counts = ScoreCounts.of_comparison(comparison)
    own = thresholds_of(counts)
    tables = tables_of(comparison, own)
    metrics = ResampledRates(tables, np.ones((1, 40))).metrics(own).iloc[0]
    exact = error_rates(counts)
    for name in metrics.index:
        assert metrics[name] == pytest.approx(getattr(exact, name), abs=0.01), name


def test_ranks_agree_with_a_slow_search(comparison):
    tables = tables_of(comparison)
    ranks = slow_ranks(comparison)
    np.testing.assert_array_equal(tables.ranks, ranks)
    times = tables.draw(2, seed=0)
    found = ResampledRates(tables, times).found_by(2)
    weights = times[0][tables.team_of_probe]
    assert found[0] == pytest.approx(np.average(ranks <= 2, weights=weights))


def test_more_people_than_teams_are_dealt_into_teams(monkeypatch):
    """Drawing teams is drawing people, all of a team together."""
    compared = ComparedViews.of_table(drawn_table(people=30, pictures=3)).compare("UMR-MP")
    alone = tables_of(compared)
    monkeypatch.setattr(resampling, "TEAMS", 8)
    tables = tables_of(compared)
    assert tables.non_mated.shape[:2] == (8, 8)
    assert tables.non_mated.sum() == alone.non_mated.sum()
    assert tables.mated.sum() == alone.mated.sum()
    np.testing.assert_array_equal(tables.ranks, alone.ranks)
    team_of = np.zeros(30, int)
    team_of[compared.person_of[1]] = tables.team_of_probe
    assert np.bincount(team_of).tolist() == [4] * 6 + [3] * 2
    times = tables.draw(3, seed=2)
    by_team, by_person = ResampledRates(tables, times), ResampledRates(alone, times[:, team_of])
    np.testing.assert_allclose(by_team.fmr, by_person.fmr)
    np.testing.assert_allclose(by_team.fnmr, by_person.fnmr)


def test_teams_give_intervals_as_wide_as_people_do(monkeypatch):
    table = drawn_table(people=120, pictures=3, noise=1.5)
    compared = ComparedViews.of_table(table).compare("UMR-MP")
    spreads = []
    for teams in (256, 40):
        monkeypatch.setattr(resampling, "TEAMS", teams)
        tables = tables_of(compared)
        spreads.append(ResampledRates(tables, tables.draw(300, seed=0)).eer.std())
    assert spreads[1] == pytest.approx(spreads[0], rel=0.35)


def test_people_are_drawn_with_replacement_and_the_seed_repeats_them(comparison):
    tables = tables_of(comparison)
    times = tables.draw(50, seed=4)
    assert (times.sum(axis=1) == 40).all()
    assert times.max() > 1
    assert times.min() == 0
    np.testing.assert_array_equal(times, tables.draw(50, seed=4))
    assert (times != tables.draw(50, seed=5)).any()


def test_a_draw_without_pairs_is_drawn_again():
    compared = ComparedViews.of_table(drawn_table(people=2, pictures=2)).compare("UMR-MP")
    tables = tables_of(compared)
    times = tables.draw(7, seed=0)
    assert (times == 1).all()  # the only draw of two that has strangers
    assert len(times) == 7


def test_where_a_stranger_scores_highest_no_owner_passes_a_threshold_without_false_matches():
    angles = np.radians([0, 10, 120, 130, 240, 240])  # two pictures of each of three people
    views = FaceViews(
        np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32),
        np.array([0, 0, 1, 1, 2, 2]),
        np.arange(6),
    )
    probes = FaceViews(views.vectors[[2, 3, 0, 1, 4, 5]], views.identities, views.pictures)
    compared = Comparison(views, probes)  # the first two look like each other, not themselves
    counts = ScoreCounts.of_comparison(compared)
    assert error_rates(counts).fmr1000 == 1
    tables = tables_of(compared, thresholds_of(counts))
    everyone = ResampledRates(tables, np.ones((1, 3)))
    assert everyone.fnmr_at_fmr(0.001).item() == 1


def test_intervals_get_narrower_with_more_people():
    widths = []
    for people in (8, 60):
        table = drawn_table(people=people, pictures=3, noise=1.5)
        tables = tables_of(ComparedViews.of_table(table).compare("UMR-MP"))
        eers = ResampledRates(tables, tables.draw(100, seed=0)).eer
        widths.append(np.ptp(np.percentile(eers, [2.5, 97.5])))
    assert widths[1] < widths[0] / 1.5
