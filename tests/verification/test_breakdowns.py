import numpy as np
import pandas as pd
import pytest
from builders import drawn_table

from eumlib.embeddings import MASKED
from eumlib.verification import (
    ComparedViews,
    OperatingThresholds,
    ScoreCounts,
    by_mask,
    by_person,
    error_rates,
)
from eumlib.verification.breakdowns import FEW_PAIRS, FEW_PEOPLE

TABLE = drawn_table(people=FEW_PEOPLE + 4, pictures=4, noise=1.5)
VIEWS = ComparedViews.of_table(TABLE)
OPERATING = OperatingThresholds(0.4, 0.5)


def test_a_kind_has_the_rates_of_its_own_views():
    identities = VIEWS.masked.identities
    rare = np.isin(identities, sorted(set(identities))[:3])
    kinds = pd.Series(np.where(rare, "rare", "common"))
    rows = by_mask(VIEWS, kinds, OPERATING, resamples=20).set_index("kind")
    assert rows["few"].to_dict() == {"common": False, "rare": True}
    assert rows["people"].to_dict() == {"common": FEW_PEOPLE + 1, "rare": 3}
    names = TABLE.rows["identity"].isin(sorted(set(identities))[:3])
    kept = TABLE.where(~(names & (TABLE.rows["view"] == MASKED)))
    alone = ComparedViews.of_table(kept).compare("UMR-MP")
    expected = error_rates(ScoreCounts.of_comparison(alone), OPERATING)
    common = rows.loc["common"]
    assert (common.eer, common.fnmr_at_1000) == (expected.eer, expected.fnmr_at_1000)
    assert common.eer_low <= common.eer <= common.eer_high


def test_kinds_keep_an_order_of_their_own():
    kinds = np.resize(["low", "high", "medium"], len(VIEWS.masked))
    ordered = pd.Categorical(kinds, ["none", "high", "medium", "low"])
    names = [by_mask(VIEWS, given, OPERATING, resamples=2)["kind"] for given in (kinds, ordered)]
    assert list(names[0]) == ["high", "low", "medium"]
    assert list(names[1]) == ["high", "medium", "low"]


def test_a_kind_without_mated_pairs_is_shown_without_rates():
    kinds = np.full(len(VIEWS.masked), "common", dtype=object)
    table = drawn_table(people=5, pictures=1)
    single = ComparedViews.of_table(table)
    rows = by_mask(single, pd.Series(["only"] * len(single.masked)), OPERATING, resamples=5)
    assert rows["eer"].isna().all()
    assert len(by_mask(VIEWS, pd.Series(kinds), OPERATING, resamples=5)) == 1


@pytest.mark.parametrize("setting", ["UMR-UMP", "UMR-MP"])
def test_people_are_sorted_by_how_hard_they_are(setting):
    comparison = VIEWS.compare(setting)
    rows = by_person(comparison, 0.5)
    scores = comparison.scores()
    names = np.unique(VIEWS.unmasked.identities)
    for row in rows.itertuples():
        own = scores.mated[names[scores.mated_person] == row.identity]
        assert row.mated_pairs == len(own)
        assert row.fnmr == pytest.approx((own < 0.5).mean())
        assert row.mean_score == pytest.approx(own.mean())
        assert row.few == (len(own) < FEW_PAIRS)
    assert rows["fnmr"].is_monotonic_decreasing
    assert len(rows) == len(names)
