import pandas as pd

from eumlib._reports.tested import tested_on


def test_failures_to_acquire_are_counted_beside_those_who_were_tested():
    row = {"people": 6.0, "pictures": 24.0, "not_acquired": 2.0, "attempts": 24.0}
    told = tested_on(pd.DataFrame([row, row | {"people": 9.0}]))
    assert told == "6 people, 24 photographs; 2 of 24 faces were not acquired."
