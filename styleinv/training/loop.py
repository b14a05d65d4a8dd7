"""The one training loop: steps a stage, logs, checkpoints, resumes, and stops cleanly on SIGTERM."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from .log import write_line
from .team import Team


class Stage(Protocol):
    """What the loop needs of a stage: `step` does one optimisation step and returns figures to log."""

    def step(self, step: int) -> dict[str, float]: ...
    def state_dict(self) -> dict: ...                       # everything that resuming needs
    def load_state_dict(self, state: dict) -> None: ...
    def snapshot(self, folder: Path) -> dict | None: ...    # networks and previews for people; the held-out figures, if any


@dataclass(frozen=True)
class LoopConfig:
    out: Path                       # run folder: log.jsonl, measures.jsonl, state.pt, and what the stage saves
    steps: int                      # stop after so many steps, those before a resume included
    minutes: float | None = None    # or after so many minutes of this run
    save_minutes: float = 4.0       # time between checkpoints
    save_first: bool = False        # and one before the first step, so that the measures start where the training does
    log_every: int = 20             # steps between lines of the log
    seed: int = 0                   # of the first step; resuming continues the stored generator


def run(stage: Stage, config: LoopConfig, team: Team = Team()) -> int:
    """Train until `steps`, `minutes` or SIGTERM, resuming from `out` if it holds a checkpoint; returns the step reached."""
    config.out.mkdir(parents=True, exist_ok=True)
    stopping = []
    previous = signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    step, begin, figures = _resume(stage, config), time.monotonic(), []
    saved = begin if step or not config.save_first else float("-inf")
    try:
        while step < config.steps:
            if team.any(time.monotonic() - saved > 60 * config.save_minutes):
                _save(stage, config, team, step, begin)
                saved = time.monotonic()
            figures.append(stage.step(step))
            step, seconds = step + 1, time.monotonic() - begin
            if step % config.log_every == 0:
                write_line(config.out, team, step, seconds, figures)
                figures = []
            if team.any(bool(stopping) or config.minutes is not None and seconds > 60 * config.minutes):
                break
    finally:
        signal.signal(signal.SIGTERM, previous)
    _save(stage, config, team, step, begin)
    return step


def _resume(stage: Stage, config: LoopConfig) -> int:
    path = config.out / "state.pt"
    if not path.exists():
        torch.manual_seed(config.seed)
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    stage.load_state_dict(state["stage"])
    torch.set_rng_state(state["rng"])
    return state["step"]


def _save(stage: Stage, config: LoopConfig, team: Team, step: int, begin: float) -> None:
    """Write the checkpoint beside the old one and swap, so that a kill never leaves half a file."""
    if team.leads:
        partial, rng = config.out / "state.partial", torch.get_rng_state()
        torch.save({"step": step, "rng": rng, "stage": stage.state_dict()}, partial)
        partial.replace(config.out / "state.pt")
        if figures := stage.snapshot(config.out):
            write_line(config.out, team, step, time.monotonic() - begin, [figures], "measures")
        torch.set_rng_state(rng)        # previews draw, and must not change what follows
    team.wait()
