import numpy as np
import pytest
from builders import drawn_table
from oracles import slow_ranks

from eumlib.verification import ComparedViews, found_by, ranks_of
from eumlib.verification import comparison as module


@pytest.mark.parametrize("setting", ["UMR-UMP", "UMR-MP", "MR-MP"])
@pytest.mark.parametrize("few", [0, 2**22])
def test_ranks_agree_with_a_slow_search(setting, few, monkeypatch):
    monkeypatch.setattr(module, "FEW", few)
    table = drawn_table(people=9, pictures=3, noise=2.0)
    alone = (table.rows["identity"] == "p0") & ~table.rows["image_id"].isin(["p0/0"])
    comparison = ComparedViews.of_table(table.where(~alone)).compare(setting)
    ranks = ranks_of(comparison)
    np.testing.assert_array_equal(ranks, slow_ranks(comparison))
    assert (ranks == 0).sum() == 1  # whose other pictures were taken away
    assert ranks.max() > 1


def test_the_cmc_counts_probes_that_have_a_rank():
    assert found_by(np.array([0, 1, 3, 2]), 2) == pytest.approx(2 / 3)
    assert np.isnan(found_by(np.zeros(3, int), 1))
