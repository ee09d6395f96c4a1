"""The settings of the paper, evaluated on a table of embeddings, with and without an EUM.

=========  ====================  ====================
setting    reference             probe
=========  ====================  ====================
UMR-UMP    unmasked              unmasked
UMR-MP     unmasked              masked
MR-MP      masked                masked
=========  ====================  ====================

Only masked embeddings pass through the EUM. Where people wore their masks, a picture has one view,
and a fourth setting, *as worn*, compares all pictures as they are. A stream of bare and masked
probes, of which nobody has said which are masked, is the setting UMR-AP: all probes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from eumlib._common.clusters import over_cluster as over_cluster  # the room shows it
from eumlib._common.progress import progress_bar
from eumlib._common.spreading import QUICK
from eumlib.embeddings import MASKED, UNMASKED, WORN, EmbeddingTable, TableError
from eumlib.faces import Pair
from eumlib.unmasking import Unmasker
from eumlib.verification.comparison import Comparison, FaceViews, ScoreError
from eumlib.verification.counters import ON_ALL_CORES, PairCounter
from eumlib.verification.measurement import METRICS, Measurement, intervals, measure, unresolved
from eumlib.verification.rates import OperatingThresholds, ScoreCounts, thresholds_of

UNMASKED_SETTING, MIXED_SETTING, MASKED_SETTING = "UMR-UMP", "UMR-MP", "MR-MP"
AS_WORN_SETTING, STREAM_SETTING = "as worn", "UMR-AP"
# The error at the operating threshold that hangs on each of these.
AT_OPERATING_THRESHOLD = {"fmr100": "error_at_100", "fmr1000": "error_at_1000"}
_AT_THRESHOLDS = (
    "fmr_at_100", "fnmr_at_100", "error_at_100", "fmr_at_1000", "fnmr_at_1000", "error_at_1000",
)  # fmt: skip
RATES = ("eer", "fmr100", "fmr1000", *_AT_THRESHOLDS)


@dataclass(frozen=True)
class ComparedViews:
    """What a table has to compare: its unmasked views and its masked ones.

    Attributes:
        unmasked: the unmasked views.
        masked: the masked views, raw or after an EUM.
        backbone: name of the recogniser.
        worn: whether masks were worn, not painted; then a picture has one view.
        pairs: the pairs to compare, by picture; None compares everyone with everyone.
        stream: whether the masked ones are a stream of bare and masked faces, as `as_stream` says.
        counter: counts pairs where they are many; on this machine's cores by default.
    """

    unmasked: FaceViews
    masked: FaceViews
    backbone: str
    worn: bool = False
    pairs: tuple[Pair, ...] | None = None
    stream: bool = False
    counter: PairCounter = ON_ALL_CORES

    @classmethod
    def of_table(
        cls,
        table: EmbeddingTable,
        pairs: Sequence[Pair] | None = None,
        counter: PairCounter = ON_ALL_CORES,
    ) -> ComparedViews:
        """The views of a table.

        Raises:
            TableError: it has no masked or no unmasked views, or mixes recognisers or face sets.
        """
        if pairs is not None:
            listed = {name for pair in pairs for name in (pair.reference, pair.probe)}
            table = table.where(table.rows["image_id"].isin(listed))
        for column, what in (("backbone", "recogniser"), ("face_set", "face set")):
            values = table.rows[column].unique()
            if len(values) > 1:
                raise TableError(f"one table, one {what}; this one has {', '.join(values)}")
        unmasked, masked = (
            FaceViews(
                part.vectors, part.rows["identity"].to_numpy(), part.rows["image_id"].to_numpy()
            )
            for part in (table.of_view(UNMASKED), table.of_view(MASKED))
        )
        if not len(unmasked.vectors) or not len(masked.vectors):
            raise TableError(
                f"to compare takes unmasked and masked views, and this table has "
                f"{len(unmasked.vectors)} and {len(masked.vectors)}"
            )
        worn = bool((table.rows["mask_shape"] == WORN).any())
        return cls(
            unmasked,
            masked,
            table.rows["backbone"].iloc[0],
            worn,
            None if pairs is None else tuple(pairs),
            counter=counter,
        )

    def through(self, unmasker: Unmasker) -> ComparedViews:
        """The same views, the masked ones passed through the EUM.

        Raises:
            ModelError: embeddings of another recogniser than it was trained for.
        """
        unmasked = unmasker.unmask(self.masked.vectors, self.backbone)
        return replace(self, masked=replace(self.masked, vectors=unmasked))

    def as_stream(self) -> ComparedViews:
        """The same references; all views together are the probes, in place of the masked ones."""
        return replace(self, masked=self._all, stream=True)

    def operating_thresholds(self) -> OperatingThresholds:
        """The thresholds of a system that was tuned on these people's unmasked faces.

        Raises:
            ScoreError: too few of them to compare.
        """
        return thresholds_of(ScoreCounts.of_comparison(self.compare(UNMASKED_SETTING)))

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings to evaluate; photographs of worn masks add ``"as worn"``, all of them.

        Of a stream they are the unmasked faces among themselves, and all probes.
        """
        if self.stream:
            return UNMASKED_SETTING, STREAM_SETTING
        three = (UNMASKED_SETTING, MIXED_SETTING, MASKED_SETTING)
        return (*three, AS_WORN_SETTING) if self.worn else three

    def compare(self, setting: str) -> Comparison:
        """The comparison of one of the `settings`."""
        references, probes = {
            UNMASKED_SETTING: (self.unmasked, self.unmasked),
            MIXED_SETTING: (self.unmasked, self.masked),
            MASKED_SETTING: (self.masked, self.masked),
            AS_WORN_SETTING: (self._all, self._all),
            STREAM_SETTING: (self.unmasked, self.masked),
        }[setting]
        return Comparison(references, probes, self.pairs, self.counter)

    @cached_property
    def _all(self) -> FaceViews:
        both = (self.unmasked, self.masked)
        return FaceViews(
            np.concatenate([side.vectors for side in both]),
            np.concatenate([side.identities for side in both]),
            np.concatenate([side.pictures for side in both]),
        )


def evaluate(
    table: EmbeddingTable,
    unmaskers: Mapping[str, Unmasker],
    resamples: int = 200,
    seed: int = 0,
    pairs: Sequence[Pair] | None = None,
    counter: PairCounter = ON_ALL_CORES,
) -> pd.DataFrame:
    """Every setting without an EUM, and those with masks with each unmasker.

    Args:
        table: faces of people on whom no model was trained, unmasked and masked.
        unmaskers: by the name that the results carry.
        resamples: bootstrap resamples of people behind each interval.
        seed: of the bootstrap.
        pairs: the pairs to compare; without them, everyone with everyone.
        counter: counts pairs where they are many; on this machine's cores by default.

    Returns:
        One row per setting and unmasking: ``setting``, ``backbone``, ``unmasking`` (None or the
        unmasker's name), counts of people, pictures, pairs and faces that were not acquired, every
        one of `METRICS` (rates as fractions) with its 95 % interval in ``…_low`` and ``…_high``,
        and ``…_change``: the metric minus that of the same setting without an EUM, with the
        interval of the difference, taken resample by resample. ``unresolved`` names metrics for
        which there are too few pairs, those at the operating threshold among them where unmasked
        faces have too few. A setting that has no mated or no non-mated pairs is left
        out; without the unmasked setting, there are no rates at its thresholds.

    Raises:
        TableError: no unmasked or no masked views.
        ScoreError: no setting has mated and non-mated pairs.
        ModelError: an unmasker for another recogniser than the table's.

    Taught in notebook 08.
    """
    unmasked = ComparedViews.of_table(table, pairs, counter)
    unmaskings = {name: unmasked.through(unmasker) for name, unmasker in unmaskers.items()}
    return evaluate_views(table, {None: unmasked} | unmaskings, resamples, seed)


def evaluate_views(
    table: EmbeddingTable,
    unmaskings: Mapping[str | None, ComparedViews],
    resamples: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """As `evaluate`, of views that have passed through whatever they pass through.

    Args:
        table: whose views they are.
        unmaskings: by the name that the results carry; under None the views as they are, which
            say which settings there are.
        resamples, seed: as in `evaluate`.

    Raises:
        ScoreError: no setting has mated and non-mated pairs.
    """
    plain: dict[str, Measurement] = {}
    operating: OperatingThresholds | None = None
    guessed: list[str] = []
    rows, last_error = [], None
    for setting, name, views in _compared(unmaskings):
        comparison = views.compare(setting)
        try:
            measured = measure(comparison, operating, resamples, seed)
        except ScoreError as error:
            last_error = error
            continue
        if setting == UNMASKED_SETTING:
            operating = thresholds_of(measured.counts)
            guessed = [AT_OPERATING_THRESHOLD[name] for name in unresolved(measured.counts)]
        case = {"setting": setting, "backbone": views.backbone, "unmasking": name}
        row = case | _sizes(table, comparison, measured) | _figures(measured, plain.get(setting))
        if operating is None:
            row |= dict.fromkeys([key for key in row if key.startswith(_AT_THRESHOLDS)], np.nan)
        row["unresolved"] = ", ".join([*unresolved(measured.counts), *guessed])
        rows.append(row)
        plain.setdefault(setting, measured)
    if not rows:
        raise last_error
    return pd.DataFrame(rows)


def _compared(
    unmaskings: Mapping[str | None, ComparedViews],
) -> Iterator[tuple[str, str | None, ComparedViews]]:
    """Every setting with each unmasking; unmasked faces do not pass through an EUM."""
    compared = [
        (setting, name, views)
        for setting in unmaskings[None].settings
        for name, views in unmaskings.items()
        if name is None or setting != UNMASKED_SETTING
    ]
    with progress_bar(len(compared), "evaluating", "comparison", delay=QUICK) as progress:
        for each in compared:
            yield each
            progress.update()


def _figures(measured: Measurement, plain: Measurement | None) -> dict[str, float]:
    """Values, intervals, and how they differ from those without an EUM, if there are any."""
    figures = measured.values | intervals(measured.draws)
    if plain is None:
        ends = ("", "_low", "_high")
        return figures | {f"{name}_change{end}": np.nan for name in METRICS for end in ends}
    values, draws = measured.change_from(plain)
    changes = {f"{name}_change": value for name, value in values.items()}
    return figures | changes | intervals(draws, "_change")


def _sizes(
    table: EmbeddingTable, comparison: Comparison, measured: Measurement
) -> dict[str, object]:
    return {
        "people": comparison.people,
        "pictures": table.rows["image_id"].nunique(),
        "mated_pairs": int(measured.counts.mated.sum()),
        "non_mated_pairs": int(measured.counts.non_mated.sum()),
        "not_acquired": table.not_acquired,
        "attempts": table.attempts,
    }
