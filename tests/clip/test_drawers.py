"""Frames are drawn side by side, come in order, and are drawn once by who reads on."""

from threading import Event

import numpy as np
import pytest
import torch

from styleinv.clip.drawers import Drawn, drawers


@pytest.fixture
def counted() -> tuple[Drawn[int], list[int]]:
    """Frames of one pixel, their number; and the numbers that were asked for."""
    asked: list[int] = []

    def moment(number: int) -> int:
        asked.append(number)
        return number

    return Drawn(moment, lambda number: np.full((1, 1, 3), number, np.uint8), 10, beside=True), asked


def numbers(frames: np.ndarray) -> list[int]:
    return frames[:, 0, 0, 0].tolist()


def test_frames_come_in_order_and_once(counted):
    drawn, asked = counted
    chunks = [numbers(drawn(start, min(start + 4, 10))) for start in (0, 4, 8)]
    assert chunks == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] and asked == list(range(10))


def test_who_jumps_gets_what_he_asks_for(counted):
    drawn, asked = counted
    assert numbers(drawn(8, 10)) == [8, 9] and numbers(drawn(2, 4)) == [2, 3] and asked == [8, 9, 2, 3]
    assert numbers(drawn(4, 6)) == [4, 5] and asked[4:] == [4, 5, 6, 7]           # who reads on finds more begun
    assert numbers(drawn(5, 7)) == [5, 6]


def test_alone_where_frames_are_not_drawn_side_by_side():
    drawn = Drawn(int, lambda number: np.full((1, 1, 3), number, np.uint8), 4, beside=False)
    assert numbers(drawn(0, 2)) == [0, 1] and numbers(drawn(2, 4)) == [2, 3]


def test_what_goes_wrong_in_a_frame_is_told():
    def fail(number: int) -> np.ndarray:
        raise ValueError(f"frame {number}")

    with pytest.raises(ValueError, match="frame 3"):
        Drawn(int, fail, 5, beside=True)(3, 5)


def test_drawers_work_alone_and_leave_other_threads_as_they_were():
    threads = torch.get_num_threads()
    assert drawers().submit(torch.get_num_threads).result() == 1 and torch.get_num_threads() == threads


def test_as_many_draw_at_once_as_torch_has_threads():
    cores, here, on = torch.get_num_threads(), [Event() for _ in range(torch.get_num_threads())], Event()

    def frame(number: int) -> np.ndarray:
        here[number].set()
        assert on.wait(60)
        return np.zeros((1, 1, 3), np.uint8)

    drawn = [drawers().submit(frame, number) for number in range(cores)]
    assert all(event.wait(60) for event in here)
    on.set()
    assert all(one.result() is not None for one in drawn)
