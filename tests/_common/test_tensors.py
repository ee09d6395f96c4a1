import pytest
import torch
from safetensors.torch import save_file
from small_files import with_a_flipped_bit

from eumlib._common.tensors import TensorFileError, read_tensors, write_tensors


def test_tensors_and_note_come_back_the_same(tmp_path):
    path = tmp_path / "folder" / "w.safetensors"
    given = {"a": torch.arange(6.0).reshape(2, 3).T, "b": torch.tensor(7)}
    write_tensors(path, given, {"what": "ein Versuch · 1"})
    weights, note = read_tensors(path)
    assert note == {"what": "ein Versuch · 1"}
    assert all(torch.equal(weights[name], value) for name, value in given.items())


def test_the_same_tensors_and_note_give_the_same_bytes(tmp_path):
    note = {name: name for name in "abcdefgh"}
    written = set()
    for number in range(10):
        path = tmp_path / f"{number}.safetensors"
        write_tensors(path, {"a": torch.ones(2), "b": torch.zeros(3)}, note)
        written.add(path.read_bytes())
    assert len(written) == 1


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "w.safetensors"
    write_tensors(path, {"a": torch.ones(1)}, {})
    with pytest.raises(TypeError):
        write_tensors(path, {"a": torch.zeros(1)}, {"no text": object()})
    assert read_tensors(path)[0]["a"].item() == 1
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_what_is_no_file_of_weights_is_refused_by_name(tmp_path):
    with pytest.raises(TensorFileError, match=r"no file .*none\.safetensors"):
        read_tensors(tmp_path / "none.safetensors")
    pickled = tmp_path / "pickled.pt"
    torch.save({"a": torch.ones(1)}, pickled)
    with pytest.raises(TensorFileError, match=r"pickled\.pt is not a file of weights"):
        read_tensors(pickled)


@pytest.mark.parametrize("note", ["hello", "[1]", "3"])
def test_a_file_of_tensors_from_elsewhere_is_refused_whatever_its_note(note, tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.ones(1)}, path, metadata={"note": note})
    with pytest.raises(TensorFileError, match=r"other\.safetensors is not a file of weights"):
        read_tensors(path)


def test_a_flipped_bit_is_found_wherever_it_is(tmp_path):
    path = tmp_path / "w.safetensors"
    given = {"a": torch.arange(40.0), "b": torch.tensor(7), "c": torch.empty(0)}
    write_tensors(path, given, {"dim": "40", "backbone": "a recogniser"})
    whole = path.read_bytes()
    refused = 0
    for damaged in with_a_flipped_bit(whole, 300):
        path.write_bytes(damaged)
        try:
            weights, note = read_tensors(path)
        except TensorFileError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
        else:  # white space in the header, say
            assert note == {"dim": "40", "backbone": "a recogniser"}
            assert all(torch.equal(weights[name], value) for name, value in given.items())
    assert refused > 280
