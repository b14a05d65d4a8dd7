"""Figures and pictures of a run, for people."""

import json
from pathlib import Path

import torch
from PIL import Image

from ..models.ops import to_uint8
from .team import Team


def write_line(folder: Path, team: Team, step: int, seconds: float, figures: list[dict[str, float]]) -> None:
    """Means of the last steps' figures: a line of `folder`/log.jsonl and of the screen, and to the team's trackers."""
    line = {"step": step, "seconds": round(seconds, 1)}
    for name in dict.fromkeys(name for step_figures in figures for name in step_figures):   # some come every few steps
        values = [f[name] for f in figures if name in f]
        line[name] = round(sum(values) / len(values), 5)
    if team.leads:
        with open(folder / "log.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")
        print("  ".join(f"{k} {v:g}" for k, v in line.items()), flush=True)
    team.log(line, step)


def save_sheet(path: Path, images: torch.Tensor, columns: int) -> None:
    """Images [N, 3, S, S] in [-1, 1] as one picture, row by row; N a multiple of `columns`."""
    rows = [torch.cat(list(row), dim=1) for row in to_uint8(images.cpu()).split(columns)]
    Image.fromarray(torch.cat(rows).numpy()).save(path)
