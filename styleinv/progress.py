"""A progress bar for the command line."""

from typing import Any


class Bar:
    """A progress bar on stderr that changes its stage; silent where stderr is no terminal."""

    def __init__(self, title: str):
        self.title, self.stage, self.bar = title, None, None

    def __enter__(self) -> "Bar":
        return self

    def __call__(self, stage: str, done: int, total: int) -> None:
        from tqdm import tqdm
        if stage != self.stage:
            self.__exit__()
            self.stage, self.bar = stage, tqdm(total=total, desc=f"{self.title}: {stage}", disable=None, leave=False)
        self.bar.update(done - self.bar.n)

    def __exit__(self, *_: Any) -> None:
        if self.bar is not None:
            self.bar.close()
