"""What is found of a face is found once, whoever asks."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from styleinv.motion.answers import Answers


def test_who_asks_while_it_is_being_found_waits_for_it():
    answers, found, begun, go_on = Answers(), [], Event(), Event()

    def find() -> int:
        begun.set()
        assert go_on.wait(60)
        found.append(1)
        return len(found)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(answers.get, "light", find)
        assert begun.wait(60)
        second = pool.submit(answers.get, "light", find)
        go_on.set()
        assert (first.result(), second.result(), found) == (1, 1, [1])


def test_one_thing_may_ask_for_another():
    answers = Answers()
    assert answers.get("b", lambda: answers.get("a", lambda: 1) + 1) == 2 and answers.get("a", lambda: 0) == 1


def test_what_fails_is_tried_again():
    answers = Answers()
    with pytest.raises(ZeroDivisionError):
        answers.get("a", lambda: 1 / 0)
    assert answers.get("a", lambda: 1) == 1


def test_they_go_to_another_process():
    answers = Answers()
    answers.get("a", lambda: 1)
    assert pickle.loads(pickle.dumps(answers)).get("a", lambda: 2) == 1
