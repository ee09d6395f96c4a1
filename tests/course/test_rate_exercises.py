"""Answers that students write, right and wrong."""

import numpy as np
import pytest

from eumlib.course.answers import NO_RETURN
from eumlib.course.rate_exercises import (
    check_d_prime,
    check_fnmr_at_operating_threshold,
    check_interval_of_change,
    check_resampled_fnmr,
    check_threshold_at,
)


def threshold_at(non_mated, limit):
    return np.quantile(non_mated, 1 - limit)


def lowest_that_serves(non_mated, limit):
    return min(t for t in np.sort(non_mated)[-300:] if np.mean(non_mated >= t) <= limit)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda s, limit: np.quantile(s, limit), "the other end"),
        (lambda s, limit: np.quantile(s, 1 - 2 * limit), "More impostors"),
        (lambda s, limit: s.max() + 0.01, "No impostor"),
        (lambda s, limit: np.quantile(s, 1 - limit / 2), "A lower threshold"),
        (lambda s, limit: np.percentile(s, 1 - limit), "the other end"),
        (lambda s, limit: np.sort(s)[::-1], "One threshold"),
        (lambda s, limit: None, NO_RETURN),
    ],
)
def test_a_threshold_for_an_fmr(answer, hint):
    assert check_threshold_at(threshold_at) is None
    assert check_threshold_at(lowest_that_serves) is None
    assert check_threshold_at(lambda s, limit: np.sort(s)[len(s) - int(limit * len(s))]) is None
    assert hint in check_threshold_at(answer)


def refused(mated, non_mated, limit):
    return np.mean(mated < threshold_at(non_mated, limit))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda u, m, limit: refused(m.mated, m.non_mated, limit), "new threshold"),
        (lambda u, m, limit: refused(u.mated, u.non_mated, limit), "without masks"),
        (lambda u, m, limit: 1 - refused(m.mated, u.non_mated, limit), "the share accepted"),
        (lambda u, m, limit: refused(m.non_mated, u.non_mated, limit), "about genuine users"),
        (lambda u, m, limit: 0.0, "from one setting"),
    ],
)
def test_genuine_users_rejected_at_the_operating_threshold(answer, hint):
    assert (
        check_fnmr_at_operating_threshold(lambda u, m, t: refused(m.mated, u.non_mated, t)) is None
    )
    assert hint in check_fnmr_at_operating_threshold(answer)


def mean_of_drawn(rejected, person, drawn):
    """Slow: all pairs of each person drawn, in one list."""
    return np.mean(
        [no for one in drawn for no, of in zip(rejected, person, strict=True) if of == one]
    )


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda r, p, drawn: mean_of_drawn(r, p, sorted(set(drawn))), "once"),
        (lambda r, p, drawn: np.mean([r[i] for i in drawn]), "not of pairs"),
        (lambda r, p, drawn: r[p[drawn]].mean(), "not of pairs"),
        (lambda r, p, drawn: sum(r) / len(r), "does not depend"),
        (lambda r, p, drawn: np.mean([mean_of_drawn(r, p, [one]) for one in drawn]), "average"),
        (lambda r, p, drawn: mean_of_drawn(~r, p, drawn), "share accepted"),
        (lambda r, p, drawn: sum(r[p == one].sum() for one in drawn), "a number of pairs"),
        (lambda r, p, drawn: sum(r[p == one].sum() for one in drawn) / len(r), "all pairs"),
        (lambda r, p, drawn: len(drawn), "as often as"),
    ],
)
def test_the_fnmr_of_people_drawn(answer, hint):
    assert check_resampled_fnmr(mean_of_drawn) is None
    assert hint in check_resampled_fnmr(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (
            lambda b, a: np.percentile(a, [2.5, 97.5]) - np.percentile(b, [2.5, 97.5]),
            "within each resample",
        ),
        (lambda b, a: np.percentile(b - a, [2.5, 97.5]), "The sign"),
        (lambda b, a: np.percentile(a - b, [5, 95]), "90 %"),
        (lambda b, a: np.percentile(a - b, [0.025, 0.975]), "in percent"),
        (lambda b, a: np.mean(a - b) + np.array([-2, 2]) * np.std(a - b), "bell-shaped"),
        (lambda b, a: np.mean(a - b) + np.array([-0.098, 0.098]) * np.std(a - b), "shrink"),
        (lambda b, a: np.percentile(a - b, [97.5, 2.5]), "lower end"),
        (lambda b, a: np.percentile(sorted(a) - np.sort(b), [2.5, 97.5]), "breaks"),
        (lambda b, a: np.mean(a - b), "two ends"),
        (lambda b, a: np.quantile(a, [0.025, 0.975]), "per resample"),
    ],
)
def test_the_interval_of_a_change(answer, hint):
    def interval(b, a):
        low, high = np.quantile(a - b, [0.025, 0.975])
        return low, high

    assert check_interval_of_change(interval) is None
    for ways in ([10, 389], [10, 390], [9, 389]):
        assert check_interval_of_change(lambda b, a, ways=ways: np.sort(a - b)[ways]) is None
    assert hint in check_interval_of_change(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda m, n: (m.mean() - n.mean()) ** 2 / (m.var() + n.var()), "FDR"),
        (lambda m, n: (m.mean() - n.mean()) / np.sqrt(m.var() + n.var()), "mean of two"),
        (lambda m, n: (m.mean() - n.mean()) / np.sqrt(m.var() + n.var() / 2), "brackets"),
        (lambda m, n: (m.mean() - n.mean()) / np.sqrt((m.std() + n.std()) / 2), "σ² is"),
        (lambda m, n: (n.mean() - m.mean()) / np.sqrt((m.var() + n.var()) / 2), "sign"),
        (lambda m, n: abs(m.mean() - n.mean()) / np.sqrt((m.var() + n.var()) / 2), "has a sign"),
        (lambda m, n: (m.mean() - n.mean()) / ((m.var() + n.var()) / 2), "a variance"),
        (lambda m, n: 2 * (m.mean() - n.mean()) / (m.std() + n.std()), "before the root"),
        (
            lambda m, n: (m.mean() - n.mean()) / np.sqrt((m.var(ddof=1) + n.var(ddof=1)) / 2),
            "ddof",
        ),
        (lambda m, n: (m.mean() - n.mean()) / np.std([*m, *n]), "all scores together"),
        (lambda m, n: m.mean() - n.mean(), "gap"),
    ],
)
def test_d_prime_by_hand(answer, hint):
    def d_prime(m, n):
        return (m.mean() - n.mean()) / np.sqrt((m.std() ** 2 + n.std() ** 2) / 2)

    assert check_d_prime(d_prime) is None
    assert hint in check_d_prime(answer)
