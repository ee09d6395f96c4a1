"""Would another density of people than one Gaussian train a better EUM? On validation people.

``python benchmarks/densities.py build/study --out densities.md``, where ``make study`` has left its
tables; without them there is nothing to choose a density by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from publishing import markdown_table, publish
from sklearn.mixture import GaussianMixture

from eumlib._common.progress import progress_bar
from eumlib._common.threads import torch_threads
from eumlib.embeddings import UNMASKED, EmbeddingTable, PeopleOfNobody
from eumlib.embeddings.table import unit_length
from eumlib.masks import style_of
from eumlib.study import CAMERAS_WAY, LIFELIKE_MASKS, PAPERS_WAY, Judge, Material
from eumlib.study.cases import FULL_SIZE
from eumlib.unmasking import FAITHFUL, WORKBOOK, train_unmasker

PEOPLE = FULL_SIZE.people
SEEDS = range(2)
RECIPES = {"the paper's": FAITHFUL, "the workbook's": WORKBOOK}
RATES = {"eer": "EER %", "fmr1000": "FMR1000 %", "error_at_1000": "HTER %"}


@dataclass(frozen=True)
class Densities:
    """Ways to draw `PEOPLE` people in all masks, all from LFW's training people."""

    people: PeopleOfNobody
    faces: EmbeddingTable
    tables: tuple[EmbeddingTable, ...]

    def gaussian(self) -> EmbeddingTable:
        """What the workbook does."""
        return self.people.draw(PEOPLE, seed=1)

    def mixture(self, components: int) -> EmbeddingTable:
        """A mixture of Gaussians in place of one."""
        mixture = GaussianMixture(components, reg_covar=2e-4, random_state=0, max_iter=30)
        mixture.fit(self.faces.vectors.astype(float))
        return self._in_masks(mixture.sample(PEOPLE)[0])

    def smoothed(self, share: float) -> EmbeddingTable:
        """Photographs' embeddings, and so much of a Gaussian added that the covariance stays."""
        random = np.random.default_rng(1)
        drawn = self.faces.vectors[random.integers(len(self.faces), size=PEOPLE)]
        noise = random.standard_normal(drawn.shape) @ self.people.root
        mean = self.people.mean
        return self._in_masks(mean + np.sqrt(1 - share**2) * (drawn - mean) + share * noise)

    def spread(self, mean_of_person: bool) -> EmbeddingTable:
        """The positive is another picture of the person, or the person's mean."""
        identities, person, count = np.unique(
            self.faces.rows["identity"], return_inverse=True, return_counts=True
        )
        means = np.zeros((len(identities), self.people.dim))
        np.add.at(means, person, self.faces.vectors)
        means /= count[:, None]
        several = count[person] > 1
        rest = (self.faces.vectors - means[person])[several]
        within = np.cov((rest * np.sqrt(count / np.maximum(count - 1, 1))[person][several, None]).T)
        between = _positive(self.people.root.T @ self.people.root - within)
        random = np.random.default_rng(1)
        centre = random.multivariate_normal(self.people.mean, between, PEOPLE, method="cholesky")
        pictures = centre + random.multivariate_normal(
            np.zeros(self.people.dim), _positive(within), (2, PEOPLE), method="cholesky"
        )
        return self._in_masks(pictures[0], centre if mean_of_person else pictures[1])

    def own_residuals(self) -> EmbeddingTable:
        """What the linear map leaves is drawn from what it left of photographs, not a Gaussian."""
        random = np.random.default_rng(1)
        faces = self.people.mean + random.standard_normal((PEOPLE, self.people.dim)) @ (
            self.people.root
        )
        return self._in_masks(faces, rest=lambda kind: random.choice(self._residuals(kind), PEOPLE))

    def _residuals(self, kind: tuple[str, str]) -> np.ndarray:
        effect, found = self.people.effects[kind], []
        for table in self.tables:
            masked, unmasked = table.mated_views()
            rows = table.rows.iloc[masked]
            chosen = (rows["mask_shape"].map(style_of) == kind[0]) & (
                rows["landmarks_from"] == kind[1]
            )
            expected = table.vectors[unmasked] @ effect.map[:-1] + effect.map[-1]
            found.append((table.vectors[masked] - expected)[chosen.to_numpy()])
        return np.concatenate(found)

    def _in_masks(
        self,
        faces: np.ndarray,
        positives: np.ndarray | None = None,
        rest: Callable[[tuple[str, str]], np.ndarray] | None = None,
    ) -> EmbeddingTable:
        random = np.random.default_rng(2)
        views = [unit_length(faces if positives is None else positives)]
        for kind, effect in self.people.effects.items():
            left = random.standard_normal(faces.shape) @ effect.rest if rest is None else rest(kind)
            views.append(unit_length(faces @ effect.map[:-1] + effect.map[-1] + left))
        return replace(self.gaussian(), vectors=np.concatenate(views))


def _positive(covariance: np.ndarray) -> np.ndarray:
    values, directions = np.linalg.eigh(covariance)
    return (directions * np.maximum(values, 1e-6)) @ directions.T


def main(
    folder: Annotated[Path, typer.Argument(help="of the study's tables")],
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Train on each density with the study's number of steps, and judge on validation people."""
    material = Material.read(folder)
    training, validation = material.of_lfw("train"), material.of_lfw("validation")
    ways = Densities(PeopleOfNobody.of_tables(*training), training[0].of_view(UNMASKED), training)
    densities = {
        "one Gaussian": ways.gaussian,
        "a mixture of four": partial(ways.mixture, 4),
        "photographs, half smoothed": partial(ways.smoothed, 0.5),
        "positive: another picture of the person": partial(ways.spread, False),
        "positive: the mean of the person": partial(ways.spread, True),
        "the rest as it was left on photographs": ways.own_residuals,
    }
    judges = {
        condition.name: Judge(condition.of(validation), resamples=2, seed=0)
        for condition in (PAPERS_WAY, LIFELIKE_MASKS, CAMERAS_WAY)
    }
    rows = []
    with progress_bar(len(densities) * len(RECIPES), "densities", "case") as progress:
        for density, draw in densities.items():
            table = draw()
            for name, recipe in RECIPES.items():
                fits = [
                    train_unmasker((table,), validation, FULL_SIZE.of(replace(recipe, seed=seed)))
                    for seed in SEEDS
                ]
                for condition, judge in judges.items():
                    rates = judge.measure(*(fit.unmasker for fit in fits)).values
                    rows.append(
                        {"recipe": name, "condition": condition, "density": density}
                        | {title: f"{100 * rates[rate]:.2f}" for rate, title in RATES.items()}
                    )
                progress.update()
    table = pd.DataFrame(rows).sort_values(["recipe", "condition"], kind="stable")
    title = (
        f"# Densities of people of nobody, {PEOPLE:,} drawn, SRT, mean of {len(SEEDS)} trainings"
    )
    publish([title, "", *markdown_table(table)], out)


if __name__ == "__main__":
    with torch_threads(1):
        typer.run(main)
