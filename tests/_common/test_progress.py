from eumlib._common.progress import progress_bar


def test_the_bar_shows_its_count_unless_it_is_switched_off(monkeypatch, capsys):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    with progress_bar(2, "counting", "face") as progress:
        progress.update(2)
    assert "counting: 100%" in capsys.readouterr().err
    monkeypatch.setenv("TQDM_DISABLE", "1")
    with progress_bar(2, "counting", "face") as progress:
        progress.update(2)
    assert capsys.readouterr().err == ""
