import pytest
import torch

from eumlib._common.threads import most_threads, torch_threads


def test_the_number_of_threads_holds_for_the_block_alone():
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        with torch_threads(1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_it_is_put_back_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), torch_threads(before + 1):
        1 / 0  # noqa: B018
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("given", "expected"), [("3", 3), ("", 6), ("0", 6), ("4,2", 6)])
def test_there_may_be_as_many_threads_as_the_environment_says_or_there_are_cores(
    given, expected, monkeypatch
):
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert most_threads() == expected
