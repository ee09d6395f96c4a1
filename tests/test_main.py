"""The command line as a whole, as its user types it."""

import shutil

from builders import drawn_table

from eumlib.embeddings import write_table
from eumlib.unmasking import EmbeddingUnmaskingModel, Unmasker


def test_bad_input_ends_with_a_message_and_nothing_lost(run, people, tmp_path):
    kept = tmp_path / "kept.parquet"
    write_table(drawn_table(), kept)
    before = kept.read_bytes()
    Unmasker(EmbeddingUnmaskingModel(8), "arcface").save(tmp_path / "other.safetensors")
    lonely = tmp_path / "lonely"
    shutil.copytree(people / "s1", lonely / "s1")
    (tmp_path / "empty").mkdir()
    cases = {
        ("embed", "--faces", tmp_path / "empty", "--out", kept): "no pictures in",
        ("embed", "--faces", lonely, "--out", kept): "s1",
        ("embed", "--faces", "olr", "--out", kept): "orl, synthetic",
        ("embed", "--faces", "mfr2", "--root", people, "--out", kept): "labels.txt",
        ("embed", "--faces", "orl", "--backbone", "none.onnx", "--out", kept): "none.onnx",
        ("evaluate", "--table", kept, "--pairs", people / "s1" / "torn.jpg"): "torn.jpg",
        ("evaluate", "--table", tmp_path / "none.parquet"): "python -m eumlib embed",
        (
            "evaluate", "--table", kept, "--model", tmp_path / "other.safetensors", "--json", kept,
        ): "embeddings of arcface, and these are of drawn_recogniser",
        ("report", "-p", "poeple=3", "--out", tmp_path / "report"): "did you mean 'people'",
        ("report", "-p", "people=many", "--out", tmp_path / "report"): "takes int",
        ("report", "--only", "77", "--out", tmp_path / "report"): "no notebook begins with '77'",
    }  # fmt: skip
    for arguments, message in cases.items():
        code, _, err = run(*arguments)
        assert code == 1, arguments
        assert err.startswith("error: "), arguments
        assert message in err, arguments
        assert "Traceback" not in err
    assert kept.read_bytes() == before
    assert not (tmp_path / "report").exists()


def test_every_command_explains_itself(run):
    code, out, _ = run("--help")
    assert code == 0
    commands = "report compare doctor embed pairs train evaluate study fetch readme"
    for command in commands.split():
        assert command in out
        assert run(command, "--help")[0] == 0
