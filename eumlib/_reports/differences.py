"""What two reports, or files of results, differ in: what made them, and what came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import combinations
from numbers import Real

import pandas as pd

_CAUSES = (
    "profile", "commit", "uncommitted_changes", "python", "system", "cpu", "cores", "threads",
    "device", "packages", "inputs",
)  # fmt: skip
_ENDS = ("", "_low", "_high")
MOST_COLUMNS = 10
_SCORES = ("d_prime", "fdr", "g_mean", "i_mean")
NOISE = 1e-9  # what the order of a sum may change


def differing_causes(a: Mapping, b: Mapping) -> pd.DataFrame:
    """Parameters, versions, inputs and machine, where two manifests differ.

    Args:
        a, b: of `eumlib._reports.results.read_compared`.

    Returns:
        Columns ``what``, ``A``, ``B``; None where one of them has no such entry. A notebook that
        only one of them has is one row.
    """
    both = {run["notebook"] for run in a["runs"]} & {run["notebook"] for run in b["runs"]}
    before, after = dict(_causes(a, both)), dict(_causes(b, both))
    rows = [
        {"what": what, "A": before.get(what), "B": after.get(what)}
        for what in {**before, **after}
        if before.get(what) != after.get(what)
    ]
    return pd.DataFrame(rows, columns=["what", "A", "B"], dtype=object)


def _causes(manifest: Mapping, both: Set[str]) -> Iterator[tuple[str, object]]:
    for name in _CAUSES:
        value = manifest.get(name)
        if isinstance(value, Mapping):
            yield from ((f"{name}: {key}", part) for key, part in value.items())
        else:
            yield name, value
    for run in manifest["runs"]:
        yield f"{run['notebook']}: status", run["status"]
        if run["notebook"] in both:
            yield from ((f"{run['notebook']}: {n}", v) for n, v in run["parameters"].items())


def differing_results(a: Mapping, b: Mapping) -> pd.DataFrame:
    """Numbers that the notebooks of both reports published with intervals, where they differ.

    Rows of a table are matched by their words, the fewest that tell them apart, or by words and
    whole numbers that both reports have; a row that only one of them has is in the result, too.

    Returns:
        Columns ``table``, ``row``, ``metric``, ``A``, ``A_low``, ``A_high``, ``B``, ``B_low``,
        ``B_high``, and ``apart``: whether each lies outside of the other's interval.
    """
    rows = []
    tables_a, tables_b = _tables(a), _tables(b)
    for name in {**tables_a, **tables_b}:
        rows += _table_differences(name, tables_a.get(name), tables_b.get(name))
    numbers = [f"{side}{end}" for side in "AB" for end in _ENDS]
    found = pd.DataFrame(rows, columns=["table", "row", "metric", *numbers])
    found[numbers] = found[numbers].astype(float)
    outside = [
        (found[one] < found[f"{other}_low"]) | (found[one] > found[f"{other}_high"])
        for one, other in ("AB", "BA")
    ]
    return found.assign(apart=outside[0] & outside[1])


def published(manifest: Mapping) -> set[str]:
    """The names of all numbers that a report's notebooks published with intervals."""
    columns = {str(name) for table in _tables(manifest).values() for name in table}
    return {name for name in columns if f"{name}_low" in columns}


def is_share(metric: str) -> bool:
    """Whether it is a share or a change of one, to be shown in percent, and not a score."""
    return not metric.startswith(_SCORES)


def with_unit(metric: str) -> str:
    """The metric's name with its unit."""
    return f"{metric} %" if is_share(metric) else metric


def _tables(manifest: Mapping) -> dict[str, pd.DataFrame]:
    return {
        name: pd.DataFrame(rows)
        for run in manifest["runs"]
        for name, rows in run["results"].items()
        if rows
    }


def _table_differences(name: str, a: pd.DataFrame | None, b: pd.DataFrame | None) -> list[dict]:
    key = _key(*(table for table in (a, b) if table is not None))
    before, after = _by_row(a, key), _by_row(b, key)
    rows = []
    for row in {**before, **after}:
        mine, theirs = before.get(row, {}), after.get(row, {})
        for metric in [m for m in {**mine, **theirs} if f"{m}_low" in {**mine, **theirs}]:
            if _differ(mine.get(metric), theirs.get(metric)):
                found = {"table": name, "row": ", ".join(filter(None, row)), "metric": metric}
                for side, values in (("A", mine), ("B", theirs)):
                    found |= {f"{side}{e}": values.get(f"{metric}{e}") for e in _ENDS}
                rows.append(found)
    return rows


def _differ(a: float | None, b: float | None) -> bool:
    if pd.isna(a) or pd.isna(b):
        return pd.isna(a) != pd.isna(b)
    return abs(a - b) > NOISE


def _key(*tables: pd.DataFrame) -> list[str]:
    """The fewest columns of words that tell the rows of each table apart, or with whole numbers.

    Numbers serve where all tables have the same ones, such as the steps of a training; what has an
    interval is a result, and tells nothing apart.
    """
    columns = [c for c in tables[0].columns if all(c in table for table in tables)]
    words = [c for c in columns if all(_is_words(table[c]) for table in tables)]
    for chosen in _combinations(words) if _tells_apart(words, tables) else ():
        if _tells_apart(chosen, tables):
            return chosen
    measured = {f"{c}{end}" for c in columns if f"{c}_low" in columns for end in _ENDS}
    numbers = [
        c for c in columns if c not in measured and all(_is_whole(table[c]) for table in tables)
    ]
    if not _tells_apart(words + numbers, tables):
        return []
    for chosen in _combinations(words + numbers):
        same = len({frozenset(_by_row(table, chosen)) for table in tables}) == 1
        if same and _tells_apart(chosen, tables):
            return chosen
    return []


def _combinations(columns: Sequence[str]) -> Iterator[list[str]]:
    """Few columns before many; of forty there are too many choices to try all."""
    few = len(columns) if len(columns) <= MOST_COLUMNS else 2
    for size in range(1, few + 1):
        yield from map(list, combinations(columns, size))
    if few < len(columns):
        yield list(columns)


def _tells_apart(columns: list[str], tables: Sequence[pd.DataFrame]) -> bool:
    return bool(columns) and not any(table.duplicated(columns).any() for table in tables)


def _is_words(column: pd.Series) -> bool:
    known = column.dropna()
    return len(known) > 0 and all(isinstance(value, str) for value in known)


def _is_whole(column: pd.Series) -> bool:
    known = column.dropna()
    return len(known) > 0 and all(
        isinstance(value, Real) and float(value).is_integer() for value in known
    )


def _by_row(table: pd.DataFrame | None, key: list[str]) -> dict[tuple, dict]:
    if table is None:
        return {}
    rows = table.to_dict("records")
    if not key:  # nothing tells them apart: by their place
        return {(f"row {place + 1}",): row for place, row in enumerate(rows)}
    return {tuple(_named(name, row[name]) for name in key): row for row in rows}


def _named(column: str, value: object) -> str:
    if pd.isna(value):
        return ""
    return value if isinstance(value, str) else f"{value:g} {column}"
