import pandas as pd

from eumlib._commands.printing import print_table


def test_all_cells_are_printed_as_they_are(capsys):
    print_table(pd.DataFrame({"EER %": ["5.0 [4.0, 6.0]", "[bold]"], "people": [3, 4]}))
    printed = capsys.readouterr().out
    for text in ("EER %", "people", "5.0 [4.0, 6.0]", "[bold]", "3"):
        assert text in printed


def test_a_pipe_gets_wide_rows(capsys):
    print_table(pd.DataFrame({"a": ["x" * 70], "b": ["y" * 70]}))
    assert any(
        "x" * 70 in line and "y" * 70 in line for line in capsys.readouterr().out.splitlines()
    )
