"""Frames that are drawn side by side, on a core each, and a few ahead of who reads them."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import Generic, TypeVar

import numpy as np

M = TypeVar("M")
N = TypeVar("N")


@cache
def drawers() -> ThreadPoolExecutor:
    """As many threads as torch has, each of which does its work alone.

    Threads that share the work of one frame wait for the slowest of them at every layer: beside anything else that
    runs, such as a browser, they lose a third.
    """
    import torch

    cores = torch.get_num_threads()
    started = Barrier(cores + 1)

    def begin() -> None:
        torch.get_num_threads()                 # a thread that never asked takes the number of the process later
        torch.set_num_threads(1)                # of this thread, and of all that begin after it
        started.wait()

    pool = ThreadPoolExecutor(cores, "frames", begin)
    for _ in range(cores):
        pool.submit(int)
    started.wait()
    torch.set_num_threads(cores)
    return pool


def each_beside(work: Callable[[M], N], items: Iterable[M]) -> list[N]:
    """The work on each, side by side."""
    return list(drawers().map(work, items))


class Drawn(Generic[M]):
    """(start, stop) -> uint8 [stop - start, H, W, 3].

    Who reads one chunk after the other finds the next one begun.
    """

    def __init__(
        self,
        moment: Callable[[int], M],             # what is drawn of a number; called one after the other
        frame: Callable[[M], np.ndarray],       # draws it, uint8 [H, W, 3]
        length: int,                            # of the clip
        beside: bool,                           # whether frames are drawn side by side: not on an accelerator
    ):
        self.moment, self.frame, self.length, self.beside = moment, frame, length, beside
        self._ahead: tuple[int, dict[int, Future[np.ndarray]]] = (-1, {})      # where it goes on, and what is begun

    def __call__(self, start: int, stop: int) -> np.ndarray:
        if not self.beside:
            return np.stack([self.frame(self.moment(number)) for number in range(start, stop)])
        following, begun = self._ahead          # read at once: another thread may replace it
        wanted = [begun.get(number) or self._begin(number) for number in range(start, stop)]
        later = range(stop, min(2 * stop - start, self.length)) if start == following else ()
        self._ahead = stop, {number: self._begin(number) for number in later}
        return np.stack([future.result() for future in wanted])

    def _begin(self, number: int) -> Future[np.ndarray]:
        return drawers().submit(self.frame, self.moment(number))
