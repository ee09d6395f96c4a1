import numpy as np
import torch

from eumlib.course.answers import NO_RETURN, ROUNDS, compare, same


def test_numbers_of_any_library_are_equal_up_to_a_tolerance():
    assert same(torch.tensor([1.0, 2.0]), [1, 2])
    assert same(np.float32(0.1), 0.1)
    assert same([True, False], np.array([1, 0]))
    assert same(0.51, 0.5, tolerance=0.02)
    assert not same(0.51, 0.5)
    assert not same([1.0, 2.0], [1.0])
    assert not same([[1.0]], [1.0])


def test_what_cannot_be_compared_is_not_the_same():
    assert not same([[1, 2], [3]], [[1, 2], [3, 4]])
    assert not same(torch.ones(2, requires_grad=True), torch.ones(2))
    assert not same("two", 2)
    assert not same(None, 0)
    assert same({"flat": "a"}, {"flat": "a"})


def test_a_wrong_answer_gets_the_hint_of_the_mistake_it_agrees_with():
    check = compare(
        np.sum,
        lambda random: (random.normal(size=4),),
        {np.max: "not the largest", lambda x: -np.sum(x): "the sign"},
        "add them up",
    )
    assert check(sum) is None
    assert check(max) == "not the largest"
    assert check(lambda x: -x.sum()) == "the sign"
    assert check(lambda x: 0.0) == "add them up"
    assert check(lambda x: None) == NO_RETURN


def test_an_answer_that_is_right_by_luck_in_some_cases_is_wrong():
    check = compare(lambda x: x > 0, lambda random: (random.normal(),), {}, "no")
    assert check(lambda x: True) == "no"


def test_every_check_draws_anew():
    drawn = []
    check = compare(abs, lambda random: (random.normal(),), {}, "no")
    for _ in range(2):
        check(lambda x: drawn.append(x) or abs(x))
    assert len(set(drawn)) == 2 * ROUNDS


def test_an_answer_may_change_what_it_is_given():
    def sorts_in_place(values):
        values.sort()
        return values[0]

    check = compare(np.min, lambda random: (random.normal(size=5),), {}, "no")
    assert check(sorts_in_place) is None
