"""People of nobody: embeddings drawn from means and covariances, without and with masks.

To train an EUM takes embeddings of many people, without and with masks, and nobody's photographs:
means, covariances and linear maps of a few thousand people are enough. Of unmasked embeddings x the
mean μ and the covariance Σ are kept; of each kind of mask a linear map, and the covariance of what
the map leaves unexplained. A person of nobody is drawn as

    x ~ N(μ, Σ),   masked = [x, 1] · map + e,   e ~ N(0, Σ_rest),

and both are scaled to unit length. Other densities than this one Gaussian, and a spread between the
pictures of a person, were tried (``benchmarks/densities.py``): none trains a better EUM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import Ridge

from eumlib._common.files import DATA_FOLDER
from eumlib._common.tensors import TensorFileError, read_tensors, write_tensors
from eumlib.embeddings.table import MASKED, UNMASKED, EmbeddingTable, TableError, unit_length
from eumlib.masks import style_of

PEOPLE_OF_NOBODY = DATA_FOLDER / "people_of_nobody.safetensors"
RIDGE = 0.01  # of the mean squared length of what the map sees; chosen on validation people
_KIND = ["mask_shape", "landmarks_from"]


@dataclass(frozen=True)
class MaskEffect:
    """What one kind of mask does to embeddings.

    Attributes:
        map: ``(d + 1, d)`` float32, from an unmasked embedding and a 1 to the masked one expected.
        rest: ``(d, d)`` float32, a root of the covariance of what is left: ``restᵀ · rest``.
    """

    map: np.ndarray
    rest: np.ndarray


@dataclass(frozen=True)
class PeopleOfNobody:
    """Statistics of people's embeddings, from which embeddings of nobody are drawn.

    Attributes:
        backbone: name of the recogniser.
        mean: ``(d,)`` float32, μ.
        root: ``(d, d)`` float32, of the covariance: Σ = ``rootᵀ · root``.
        effects: by style of mask and the view whose landmarks align it, such as
            ``("surgical", "masked")``.

    Taught in notebook 18.
    """

    backbone: str
    mean: np.ndarray
    root: np.ndarray
    effects: Mapping[tuple[str, str], MaskEffect]

    @classmethod
    def of_tables(cls, *tables: EmbeddingTable) -> PeopleOfNobody:
        """The statistics of tables of one recogniser, covariances shrunk by Ledoit and Wolf's rule.

        Raises:
            TableError: a table without pictures in both views, or of another recogniser.
        """
        backbones = {name for table in tables for name in table.rows["backbone"].unique()}
        if len(backbones) != 1:
            raise TableError(f"statistics are of one recogniser, not of {sorted(backbones)}")
        pairs: dict[tuple[str, str], list[tuple[np.ndarray, np.ndarray]]] = {}
        for table in tables:
            masked, unmasked = table.mated_views()
            kinds = table.rows[_KIND].iloc[masked]
            kinds = list(
                zip(kinds["mask_shape"].map(style_of), kinds["landmarks_from"], strict=True)
            )
            for kind in sorted(set(kinds)):
                chosen = np.array([other == kind for other in kinds])
                both = table.vectors[unmasked[chosen]], table.vectors[masked[chosen]]
                pairs.setdefault(kind, []).append(both)
        faces = tables[0].of_view(UNMASKED).vectors
        effects = {
            kind: _effect(*(np.concatenate(side) for side in zip(*parts, strict=True)))
            for kind, parts in pairs.items()
        }
        return cls(backbones.pop(), faces.mean(axis=0), _root_of_covariance(faces), effects)

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return len(self.mean)

    def draw(
        self, count: int, seed: int, kinds: Sequence[tuple[str, str]] | None = None
    ) -> EmbeddingTable:
        """Embeddings of `count` people who do not exist, each unmasked and with each kind of mask.

        Args:
            count: of people, 1 or more; each has one picture.
            seed: of the draw.
            kinds: of masks, keys of `effects`; None for all.

        Raises:
            ValueError: no people, or a kind that is not known.
        """
        kinds = list(self.effects) if kinds is None else list(kinds)
        if count < 1:
            raise ValueError(f"{count} people of nobody are none: draw 1 or more")
        for kind in kinds:
            if kind not in self.effects:
                known = ", ".join(map(str, self.effects))
                raise ValueError(f"no masks of the kind {kind}; there are {known}")
        random = np.random.default_rng(seed)
        faces = self.mean + self._noise(random, count) @ self.root
        views = [unit_length(faces)]
        for kind in kinds:
            effect = self.effects[kind]
            masked = faces @ effect.map[:-1] + effect.map[-1]
            views.append(unit_length(masked + self._noise(random, count) @ effect.rest))
        names = [f"nobody-{seed}-{number:06d}" for number in range(count)]
        columns = [(UNMASKED, None, UNMASKED), *((MASKED, *kind) for kind in kinds)]
        rows = pd.concat(
            pd.DataFrame(
                {
                    "image_id": names, "identity": names, "face_set": "nobody", "view": view,
                    "mask_shape": shape, "mask_colour": None, "mask_label": None,
                    "detector": "drawn", "landmarks_from": landmarks, "backbone": self.backbone,
                },
                dtype="str",
            )
            for view, shape, landmarks in columns
        )  # fmt: skip
        nothing = EmbeddingTable.of_rows([], np.empty((0, self.dim), np.float32), []).failures
        return EmbeddingTable(rows.reset_index(drop=True), np.concatenate(views), nothing)

    def _noise(self, random: np.random.Generator, count: int) -> np.ndarray:
        return random.standard_normal((count, self.dim), dtype=np.float32)

    def save(self, path: Path | str) -> None:
        """Write the statistics as safetensors in half precision, atomically."""
        tensors = {"mean": self.mean, "root": self.root}
        for (style, landmarks), effect in self.effects.items():
            tensors |= {f"{style}/{landmarks}/map": effect.map}
            tensors |= {f"{style}/{landmarks}/rest": effect.rest}
        halves = {name: torch.from_numpy(value).half() for name, value in tensors.items()}
        write_tensors(path, halves, {"backbone": self.backbone})

    @classmethod
    def load(cls, path: Path | str = PEOPLE_OF_NOBODY) -> PeopleOfNobody:
        """Read statistics that `save` wrote; without a path, those that come with the workbook.

        Raises:
            TensorFileError: no such file, or it holds something else.
        """
        tensors, note = read_tensors(path)
        found = {name: value.float().numpy() for name, value in tensors.items()}
        try:
            _check_shapes(found)
            kinds = [tuple(name.split("/")[:2]) for name in found if name.endswith("/map")]
            effects = {
                (style, landmarks): MaskEffect(
                    found[f"{style}/{landmarks}/map"], found[f"{style}/{landmarks}/rest"]
                )
                for style, landmarks in kinds
            }
            return cls(note["backbone"], found["mean"], found["root"], effects)
        except (KeyError, ValueError) as error:
            raise TensorFileError(f"{path} does not hold people of nobody: {error}") from error


def _check_shapes(found: Mapping[str, np.ndarray]) -> None:
    dim = found["mean"].size
    shapes = {"mean": (dim,), "map": (dim + 1, dim), "root": (dim, dim), "rest": (dim, dim)}
    for name, value in found.items():
        wanted = shapes[name.rpartition("/")[2]]
        if value.shape != wanted or not np.isfinite(value).all():
            raise ValueError(f"{name} is to be {wanted} finite numbers, and is {value.shape}")


def _effect(unmasked: np.ndarray, masked: np.ndarray) -> MaskEffect:
    # each feature is penalised by its share of the squared length
    penalty = RIDGE * len(unmasked) * float((unmasked**2).sum(axis=1).mean()) / unmasked.shape[1]
    fitted = Ridge(penalty).fit(unmasked, masked)
    rest = masked - fitted.predict(unmasked)
    linear = np.vstack([fitted.coef_.T, fitted.intercept_]).astype(np.float32)
    return MaskEffect(linear, _root_of_covariance(rest))


def _root_of_covariance(values: np.ndarray) -> np.ndarray:
    covariance, _ = ledoit_wolf(values.astype(np.float64))
    return np.linalg.cholesky(covariance).T.astype(np.float32)
