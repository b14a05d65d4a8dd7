"""Figures and pictures of a run, for people."""

import json
from pathlib import Path

import torch
from PIL import Image

from ..models.ops import to_uint8
from .team import Team


def write_line(folder: Path, team: Team, step: int, seconds: float, figures: list[dict[str, float]], name: str = "log") -> None:
    """Means of the last steps' figures: a line of `folder`/`name`.jsonl and of the screen, and to the team's trackers."""
    line = {"step": step, "seconds": round(seconds, 1)}
    for key in dict.fromkeys(key for step_figures in figures for key in step_figures):      # some come every few steps
        values = [f[key] for f in figures if key in f]
        line[key] = round(sum(values) / len(values), 5)
    if team.leads:
        with open(folder / f"{name}.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")
        print("  ".join(f"{k} {v:g}" for k, v in line.items()), flush=True)
    team.log(line, step)


def save_sheet(path: Path, images: torch.Tensor, columns: int) -> None:
    """Images [N, 3, S, S] in [-1, 1] as one picture, row by row; N a multiple of `columns`."""
    rows = [torch.cat(list(row), dim=1) for row in to_uint8(images.cpu()).split(columns)]
    Image.fromarray(torch.cat(rows).numpy()).save(path)
