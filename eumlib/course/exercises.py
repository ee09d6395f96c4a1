"""The exercises of the notebooks: lettered along the way, numbered at the end.

A check tries an answer on fresh random cases and gives a hint, never the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eumlib._common.errors import EumlibError
from eumlib.course import (
    face_exercises,
    loss_exercises,
    rate_exercises,
    reading_exercises,
    restraint_exercises,
    training_exercises,
)
from eumlib.course.answers import Answer, Check


class AnswerError(EumlibError, AssertionError):
    """An answer that is not right yet; the message is a hint."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the hint alone; the lines that led here are not the student's."""
        return [f"Not yet. {self}"]


@dataclass(frozen=True)
class Exercise:
    """One exercise that can be checked.

    Attributes:
        notebook: its number, ``"00"`` to ``"09"``.
        title: what is to be written, in a few words.
        check: from the answer, a function, to a hint, or to None where it is right.
    """

    notebook: str
    title: str
    check: Check


EXERCISES = {
    "00.1": Exercise("00", "the score of two lists", face_exercises.check_cosine),
    "00.2": Exercise("00", "the nearest reference", face_exercises.check_nearest),
    "01.1": Exercise("01", "the share not acquired", face_exercises.check_share_not_acquired),
    "01.2": Exercise("01", "what a mask leaves visible", face_exercises.check_still_visible),
    "02.1": Exercise("02", "the outline of shape e", face_exercises.check_outline_e),
    "02.2": Exercise("02", "a pair of sunglasses", face_exercises.check_sunglasses),
    "03.1": Exercise("03", "a threshold for an FMR", rate_exercises.check_threshold_at),
    "03.2": Exercise(
        "03", "genuine pairs rejected", rate_exercises.check_fnmr_at_operating_threshold
    ),
    "04.1": Exercise("04", "neighbours that a map keeps", reading_exercises.check_preservation),
    "04.2": Exercise("04", "who lives next door", reading_exercises.check_same_person_next_door),
    "05.a": Exercise("05", "the squared distance", loss_exercises.check_squared_distance),
    "05.b": Exercise("05", "the triplet loss", loss_exercises.check_triplet_loss),
    "05.1": Exercise("05", "a margin for a share", loss_exercises.check_margin_for),
    "05.2": Exercise("05", "the distance by the cosine", loss_exercises.check_distance_by_cosine),
    "06.a": Exercise("06", "the restraint", restraint_exercises.check_restrained),
    "06.b": Exercise(
        "06",
        "the self-restrained triplet loss",
        restraint_exercises.check_self_restrained_triplet_loss,
    ),
    "06.1": Exercise("06", "a batch at equality", restraint_exercises.check_batch_at_equality),
    "06.2": Exercise(
        "06", "a condition for each triplet", restraint_exercises.check_share_that_differs
    ),
    "07.a": Exercise("07", "one training step", training_exercises.check_training_step),
    "07.1": Exercise("07", "the schedule", training_exercises.check_learning_rate_of),
    "07.2": Exercise("07", "the average face", training_exercises.check_score_of_the_average_face),
    "08.a": Exercise("08", "one draw of the bootstrap", rate_exercises.check_resampled_fnmr),
    "08.1": Exercise("08", "the interval of a change", rate_exercises.check_interval_of_change),
    "08.2": Exercise("08", "d′ by hand", rate_exercises.check_d_prime),
    "09.1": Exercise("09", "a change in percent", reading_exercises.check_change_in_percent),
    "09.2": Exercise("09", "the step that matters most", reading_exercises.check_largest_step),
}


def check(number: str, answer: Answer) -> None:
    """Try an answer to an exercise; print that it is right, or raise with a hint.

    Args:
        number: of the exercise, such as ``"05.a"``, the first along the way through notebook 05, or
            ``"05.1"``, the first at its end.
        answer: the function itself, not what it returns.

    Errors of the answer itself pass through: they say more than a hint could.

    >>> check("05.2", lambda x, y: 2 * (1 - (x * y).sum(dim=1) / x.norm(dim=1) / y.norm(dim=1)))
    Right: 05.2, the distance by the cosine.

    Raises:
        AnswerError: the answer is not right yet, or not written yet; the message is a hint.
        ValueError: there is no exercise of that number.
    """
    if number not in EXERCISES:
        raise ValueError(f"no exercise {number!r}; there are {', '.join(EXERCISES)}")
    if not isinstance(answer, Callable):
        raise AnswerError("Hand in the function itself: its name, without brackets behind it.")
    try:
        hint = EXERCISES[number].check(answer)
    except NotImplementedError:
        raise AnswerError("Write your answer first, in place of the line that raises.") from None
    if hint:
        raise AnswerError(hint)
    print(f"Right: {number}, {EXERCISES[number].title}.")
