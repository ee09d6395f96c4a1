"""The tables of embeddings that the study takes, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from eumlib.embeddings import EmbeddingTable, read_table
from eumlib.faces import LFW_SHARES, split_by_identity
from eumlib.study.cases import Tables
from eumlib.study.conditions import few_pictures


@dataclass(frozen=True)
class Material:
    """The tables that the study takes, in both alignments.

    Attributes:
        lfw, orl: of photographs.
        worn: of MFR2, one table of masks that people wore; none where it is not there. Nobody who
            is on LFW's training or validation photographs, too, is in it.
        logged: LFW in the masks of the paper's authors, and LFW's pairs file; None without them.
    """

    lfw: Tables
    orl: Tables
    worn: Tables
    logged: tuple[EmbeddingTable, Path] | None

    @classmethod
    def read(cls, folder: Path) -> Material:
        """Read ``lfw_paper.parquet`` and its like, the tables that ``make study`` embeds.

        ``mfr2.parquet`` may be missing, and ``lfw_log.parquet`` with ``lfw_pairs.txt``.

        Raises:
            TableError: another table is not there.
        """
        lfw, orl = (
            tuple(read_table(folder / f"{name}_{way}.parquet") for way in ("paper", "camera"))
            for name in ("lfw", "orl")
        )
        worn = ()
        if (folder / "mfr2.parquet").exists():
            worn = (_without_acquaintances(read_table(folder / "mfr2.parquet"), lfw[0]),)
        log, pairs = folder / "lfw_log.parquet", folder / "lfw_pairs.txt"
        logged = (read_table(log), pairs) if log.exists() and pairs.exists() else None
        return cls(few_pictures(lfw), few_pictures(orl), few_pictures(worn), logged)

    def of_lfw(self, part: str) -> Tables:
        """LFW's tables, the people of one part of `LFW_SHARES`."""
        return tuple(
            table.where(split_by_identity(table.rows["identity"], LFW_SHARES) == part)
            for table in self.lfw
        )


def _without_acquaintances(worn: EmbeddingTable, lfw: EmbeddingTable) -> EmbeddingTable:
    """The table without people who have the name of a training or validation person of LFW."""
    known = lfw.where(split_by_identity(lfw.rows["identity"], LFW_SHARES) != "test").rows
    return worn.where(~_letters(worn.rows["identity"]).isin(_letters(known["identity"])))


def _letters(names: pd.Series) -> pd.Series:
    """Names without the blanks, dashes and capitals by which sets write one name differently."""
    return names.str.casefold().str.replace(r"[\W_]", "", regex=True)
