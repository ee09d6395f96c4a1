import pytest
from builders import drawn_table

from eumlib._reports.runs import Run
from eumlib.unmasking import EmbeddingUnmaskingModel, Unmasker
from eumlib.verification import evaluate


@pytest.fixture(scope="session")
def results():
    model = Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser")
    return evaluate(drawn_table(people=6), {"srt": model}, resamples=5)


@pytest.fixture
def manifest(results):
    return {
        "started": "2026-01-02T03:00:00+00:00",
        "finished": None,
        "status": "running",
        "profile": "quick",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "uncommitted_changes": False,
        "parameters": {"people": 6},
        "seeds": {"01_a": 0, "02_b": 7},
        "python": "3.11.7",
        "system": "Linux",
        "cpu": "Z80",
        "cores": 2,
        "threads": 1,
        "gpu": False,
        "device": "CPU",
        "packages": {"torch": "2.13.0"},
        "inputs": {"data/faces.parquet": "ab" * 32},
        "outputs": {},
        "runs": [{"notebook": "01_a", "results": {"headline": results.to_dict("records")}}],
    }


@pytest.fixture
def runs(results):
    published = {"headline": results.to_dict("records")}
    made = "2026-01-01T01:02:03+00:00"
    return [
        Run("01_a", "The first", "done", 61, {}, None, published, made, made, kept=True),
        Run("02_b", "The second", "failed", 2, {"people": 6, "seed": 7}, "cell In [3]: no"),
        Run("03_c", "The third", "not run", 0, {}),
    ]
