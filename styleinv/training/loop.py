"""The one training loop: steps a stage, logs, checkpoints, resumes, and stops cleanly on SIGTERM."""

import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch


class Stage(Protocol):
    """What the loop needs of a stage: `step` does one optimisation step and returns figures to log."""

    def step(self, step: int) -> dict[str, float]: ...
    def state_dict(self) -> dict: ...                       # everything that resuming needs
    def load_state_dict(self, state: dict) -> None: ...
    def snapshot(self, folder: Path) -> None: ...           # networks and previews for people


@dataclass(frozen=True)
class LoopConfig:
    out: Path                       # run folder: log.jsonl, state.pt, and what the stage saves
    steps: int                      # stop after so many steps, those before a resume included
    minutes: float | None = None    # or after so many minutes of this run
    save_minutes: float = 4.0       # time between checkpoints
    log_every: int = 20             # steps between lines of the log
    seed: int = 0                   # of the first step; resuming continues the stored generator


def run(stage: Stage, config: LoopConfig) -> int:
    """Train until `steps`, `minutes` or SIGTERM, resuming from `out` if it holds a checkpoint; returns the step reached."""
    config.out.mkdir(parents=True, exist_ok=True)
    stopping = []
    previous = signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    step = _resume(stage, config)
    begin = saved = time.monotonic()
    figures: list[dict[str, float]] = []
    try:
        while step < config.steps and not stopping:
            figures.append(stage.step(step))
            step += 1
            now = time.monotonic()
            if step % config.log_every == 0:
                _log(config, step, now - begin, figures)
                figures = []
            if now - saved > 60 * config.save_minutes:
                _save(stage, config, step)
                saved = now
            if config.minutes is not None and now - begin > 60 * config.minutes:
                break
    finally:
        signal.signal(signal.SIGTERM, previous)
    _save(stage, config, step)
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


def _save(stage: Stage, config: LoopConfig, step: int) -> None:
    """Write the checkpoint beside the old one and swap, so that a kill never leaves half a file."""
    partial = config.out / "state.partial"
    torch.save({"step": step, "rng": torch.get_rng_state(), "stage": stage.state_dict()}, partial)
    partial.replace(config.out / "state.pt")
    stage.snapshot(config.out)


def _log(config: LoopConfig, step: int, seconds: float, figures: list[dict[str, float]]) -> None:
    means = {name: round(sum(f[name] for f in figures) / len(figures), 5) for name in figures[-1]}
    line = {"step": step, "seconds": round(seconds, 1), **means}
    with open(config.out / "log.jsonl", "a") as file:
        file.write(json.dumps(line) + "\n")
    print("  ".join(f"{k} {v:g}" for k, v in line.items()), flush=True)
