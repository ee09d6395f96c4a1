import pandas as pd
import pytest
from rival_rows import SYSTEMS

from eumlib.rivals import forest_plot


def test_a_forest_has_a_panel_a_test_and_a_bar_a_system():
    renamed = SYSTEMS.replace({"system": {"a rival": "a rival: what it does"}})
    assert list(forest_plot(renamed, "eer", "EER").data[0].y) == ["no EUM", "a rival"]
    other = SYSTEMS.assign(face_set="orl", eer_minus_srt=SYSTEMS["eer_minus_srt"] + 0.03)
    figure = forest_plot(pd.concat([SYSTEMS, other]), "eer", "EER")
    lfw, orl = figure.data
    assert list(lfw.y) == ["no EUM", "a rival"]
    assert list(lfw.x) == pytest.approx([3, -1.2])
    assert list(lfw.error_x.array) == pytest.approx([1, 1])
    assert list(orl.x) == pytest.approx([6, 1.8])
    assert "lfw, flat masks, a rival: -1.2" in figure.layout.meta["alt"]
    assert [note.text for note in figure.layout.annotations] == [
        "LFW<br>flat masks", "ORL<br>flat masks",
    ]  # fmt: skip
