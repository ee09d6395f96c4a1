import csv
import io

import pandas as pd
import pytest

from eumlib._common.spreadsheets import csv_of

TABLE = pd.DataFrame(
    {
        "identity": ["=1+1", "Ann, B.", "@SUM(A1)", "-2+3", "+4", "\tx", None, "5=5"],
        "change": [-0.5, 0.25, float("nan"), 1e-9, 1, 2, 3, 4],
        "=name": list(range(8)),
    }
)


@pytest.mark.parametrize("table", [TABLE, TABLE.astype({"identity": "category"})])
def test_a_name_that_is_a_formula_is_text_and_all_else_is_as_it_was(table):
    header, *rows = csv.reader(io.StringIO(csv_of(table)))
    assert header == ["identity", "change", "'=name"]
    assert [row[0] for row in rows] == [
        "'=1+1", "Ann, B.", "'@SUM(A1)", "'-2+3", "'+4", "'\tx", "", "5=5",
    ]  # fmt: skip
    assert [row[1] for row in rows[:3]] == ["-0.5", "0.25", ""]


def test_a_table_without_formulas_is_what_pandas_writes():
    plain = pd.DataFrame({"a": ["x", "y"], "b": [1.5, -2.5], "c": [True, False]})
    assert csv_of(plain) == plain.to_csv(index=False)
