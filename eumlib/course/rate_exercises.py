"""The exercises of notebooks 03 and 08: thresholds, refusals, intervals, d′."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from eumlib.course.answers import NO_RETURN, ROUNDS, Answer, compare


def _fmr(non_mated: np.ndarray, threshold: float) -> float:
    return np.mean(non_mated >= threshold)


def check_threshold_at(answer: Answer) -> str | None:
    """A hint, unless the threshold is the lowest at which FMR is as low as it has to be."""
    random = np.random.default_rng()
    for allowed in random.integers(10, 100, size=ROUNDS):
        non_mated = random.normal(0.2, 0.1, size=5000)
        limit = (allowed + 1e-3) / len(non_mated)  # so that rounding decides nothing
        given = answer(non_mated.copy(), limit)
        if given is None:
            return NO_RETURN
        if np.shape(given):
            return f"One threshold is asked for; yours has shape {np.shape(given)}."
        if _fmr(non_mated, given) > 0.9:
            return "Hardly any impostor is rejected: you are at the other end of the scores."
        if _fmr(non_mated, given) > limit:
            return "More impostors are accepted than may be. Is the share at or above it too high?"
        if not (non_mated < given).any() or given > non_mated.max():
            return "No impostor is accepted, and genuine users pay for it. A few may be accepted."
        if _fmr(non_mated, non_mated[non_mated < given].max()) <= limit:
            return "A lower threshold would do as well, and reject fewer genuine users."
    return None


def _two_settings(random: np.random.Generator) -> tuple:
    def scores(mated: float, non_mated: float) -> SimpleNamespace:
        return SimpleNamespace(
            mated=random.normal(mated, 0.15, size=5000),
            non_mated=random.normal(non_mated, 0.1, size=5000),
        )

    return scores(0.7, 0.2), scores(0.5, 0.3), random.uniform(0.03, 0.08)


def _rejected(mated: np.ndarray, non_mated: np.ndarray, limit: float) -> float:
    ordered = np.sort(non_mated)[::-1]
    return np.mean(mated < ordered[int(limit * len(ordered)) - 1])


check_fnmr_at_operating_threshold = compare(
    lambda unmasked, masked, limit: _rejected(masked.mated, unmasked.non_mated, limit),
    _two_settings,
    {
        lambda unmasked, masked, limit: _rejected(masked.mated, masked.non_mated, limit): (
            "You set a new threshold for masked faces. The operating one was set without masks."
        ),
        lambda unmasked, masked, limit: _rejected(unmasked.mated, unmasked.non_mated, limit): (
            "Those are genuine users without masks. The question is about masked faces."
        ),
        lambda unmasked, masked, limit: 1 - _rejected(masked.mated, unmasked.non_mated, limit): (
            "That is the share accepted. The question is how many are rejected."
        ),
        lambda unmasked, masked, limit: _rejected(masked.non_mated, unmasked.non_mated, limit): (
            "Those are rejected impostors. FNMR is about genuine users: mated scores."
        ),
    },
    "The threshold comes from one setting's non-mated scores, the errors from the other's mated.",
    tolerance=0.01,
)


def _people_drawn(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    person = np.repeat(np.arange(8), random.integers(2, 9, size=8))
    rejected = random.random(len(person)) < random.random(8)[person]
    return rejected, person, random.integers(0, 8, size=8)


def _resampled_fnmr(rejected: np.ndarray, person: np.ndarray, drawn: np.ndarray) -> float:
    return np.average(rejected, weights=_times_drawn(person, drawn))


def _times_drawn(person: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    return (person[:, None] == drawn[None, :]).sum(axis=1)


check_resampled_fnmr = compare(
    _resampled_fnmr,
    _people_drawn,
    {
        lambda rejected, person, drawn: rejected[np.isin(person, drawn)].mean(): (
            "You count each person once. A person who was drawn twice counts twice."
        ),
        lambda rejected, person, drawn: rejected[drawn].mean(): (
            "`drawn` holds numbers of people, not of pairs. Take all pairs of each person drawn."
        ),
        lambda rejected, person, drawn: rejected[person[drawn]].mean(): (
            "`drawn` holds numbers of people, not of pairs. Take all pairs of each person drawn."
        ),
        lambda rejected, person, drawn: rejected.mean(): (
            "That is the rate of all people as they are; it does not depend on who was drawn."
        ),
        lambda rejected, person, drawn: np.mean(
            [rejected[person == one].mean() for one in drawn]
        ): ("You average the rates of people. People with more pairs should count more."),
        lambda rejected, person, drawn: 1 - _resampled_fnmr(rejected, person, drawn): (
            "That is the share accepted. A false non-match is a mated pair that is rejected."
        ),
        lambda rejected, person, drawn: (rejected * _times_drawn(person, drawn)).sum(): (
            "That is a number of pairs. Divide it by the number of pairs drawn."
        ),
        lambda rejected, person, drawn: (rejected * _times_drawn(person, drawn)).mean(): (
            "Divide by the number of pairs drawn, not by the number of all pairs."
        ),
    },
    "Each pair counts as often as its person was drawn; the rate is the mean with these weights.",
)


def _draws_of_two_systems(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    luck = random.normal(8, 1.5, size=400)  # of each resample, and it hits both systems alike
    return luck, luck + random.normal(-1, 0.4, size=400)


def _interval(draws: np.ndarray, percent: float = 95) -> np.ndarray:
    return np.percentile(draws, [50 - percent / 2, 50 + percent / 2])


def _bell(draws: np.ndarray, spreads: float) -> np.ndarray:
    return draws.mean() + spreads * draws.std() * np.array([-1, 1])


def check_interval_of_change(answer: Answer) -> str | None:
    """A hint, unless 2.5 % of the changes lie beyond each end; ways to count differ by one draw."""
    random = np.random.default_rng()
    for _ in range(ROUNDS):
        before, after = _draws_of_two_systems(random)
        changes, given = after - before, answer(before.copy(), after.copy())
        if np.shape(given) != (2,):
            return _hint_on_interval(answer)
        beyond = np.sum(changes < given[0]), np.sum(changes > given[1])
        if max(abs(count - 0.025 * len(changes)) for count in beyond) > 1:
            return _hint_on_interval(answer)
    return None


_hint_on_interval = compare(
    lambda before, after: _interval(after - before),
    _draws_of_two_systems,
    {
        lambda before, after: _interval(after) - _interval(before): (
            "You subtract the ends of two intervals. Take the difference within each resample: the "
            "luck of the draw affects both systems, and cancels."
        ),
        lambda before, after: (
            _interval(after)[:1] - _interval(before)[1:]
        ): "One number is missing.",
        lambda before, after: _interval(before - after): (
            "The sign: a change is the new value minus the old one."
        ),
        lambda before, after: _interval(after - before, 90): (
            "Those hold 90 % of the draws. For 95 %, how much is left out at each end?"
        ),
        lambda before, after: np.percentile(after - before, [0.025, 0.975]): (
            "np.percentile counts in percent, from 0 to 100; np.quantile counts from 0 to 1."
        ),
        lambda before, after: _bell(after - before, 1.96 / np.sqrt(len(after))): (
            "That is how well the mean of the draws is known; more draws would shrink it to "
            "nothing. The draws themselves show how far the change may be off."
        ),
        lambda before, after: _interval(after - before)[::-1]: "The lower end comes first.",
        lambda before, after: _interval(np.sort(after) - np.sort(before)): (
            "Sorting breaks the pairs up: draw 7 of one system belongs to draw 7 of the other."
        ),
        lambda before, after: _bell(after - before, 1.96): (
            "Nearly, but that assumes bell-shaped draws. Read the ends off the draws."
        ),
        lambda before, after: _bell(after - before, 2): (
            "Nearly, but that assumes bell-shaped draws. Read the ends off the draws."
        ),
        lambda before, after: (after - before).mean(): (
            "That is the change itself. The answer is the two ends of its interval."
        ),
    },
    "First take one number per resample, then the two numbers between which 95 % of them lie.",
    tolerance=0.002,
)


def _few_scores(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    mated = random.choice([0.6, -0.1])  # a recogniser may be worse than chance
    return random.normal(mated, 0.15, size=8), random.normal(0.2, 0.05, size=40)


def _gap(mated: np.ndarray, non_mated: np.ndarray) -> float:
    return mated.mean() - non_mated.mean()


def _variances(mated: np.ndarray, non_mated: np.ndarray, ddof: int = 0) -> float:
    return mated.var(ddof=ddof) + non_mated.var(ddof=ddof)


check_d_prime = compare(
    lambda mated, others: _gap(mated, others) / np.sqrt(_variances(mated, others) / 2),
    _few_scores,
    {
        lambda mated, others: _gap(mated, others) ** 2 / _variances(mated, others): (
            "That is FDR: its gap is squared, and it has no half."
        ),
        lambda mated, others: abs(_gap(mated, others)) / np.sqrt(_variances(mated, others) / 2): (
            "d′ has a sign: it is below 0 when non-mated scores are higher."
        ),
        lambda mated, others: _gap(mated, others) / np.sqrt(_variances(mated, others)): (
            "The mean of two variances, not their sum."
        ),
        lambda mated, others: _gap(mated, others) / np.sqrt(mated.var() + others.var() / 2): (
            "You halve only one of the variances. Where do the brackets belong?"
        ),
        lambda mated, others: _gap(mated, others) / np.sqrt((mated.std() + others.std()) / 2): (
            "σ² is the variance. You put in the standard deviation."
        ),
        lambda mated, others: -_gap(mated, others) / np.sqrt(_variances(mated, others) / 2): (
            "The sign: d′ is above 0 when mated scores are higher."
        ),
        lambda mated, others: _gap(mated, others) / (_variances(mated, others) / 2): (
            "You divide by a variance. Where is the root?"
        ),
        lambda mated, others: _gap(mated, others) / ((mated.std() + others.std()) / 2): (
            "Take the mean of the variances, before the root, not of the standard deviations."
        ),
        lambda mated, others: _gap(mated, others) / np.sqrt(_variances(mated, others, 1) / 2): (
            "Nearly: σ here divides by the number of scores, not by one less (ddof=0)."
        ),
        lambda mated, others: _gap(mated, others) / np.concatenate([mated, others]).std(): (
            "You take the spread of all scores together, and the gap makes it wider. Each kind has "
            "its own variance."
        ),
    },
    "The gap between two means, divided by the root of the mean of two variances.",
)
