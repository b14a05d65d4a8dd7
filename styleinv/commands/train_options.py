"""Options that all stages share, and how they become settings."""

import argparse
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ..errors import InputError
from .shared import natural, number, positive


def add_run_options(parser: argparse.ArgumentParser, steps: int) -> None:
    """Where and how long a stage runs."""
    parser.add_argument("--out", type=Path, required=True, help="run folder: caches, checkpoints, log, previews")
    parser.add_argument("--steps", type=natural, default=steps, help="optimisation steps")
    parser.add_argument("--minutes", type=number(0, 1e6), help="stop after so many minutes, with a checkpoint")
    parser.add_argument("--threads", type=positive, help="CPU threads (default: all)")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other settings of the stage")
    parser.add_argument("--dry-run", action="store_true", help="print the resolved settings and stop")


def settings(kind: type, options: argparse.Namespace, **changed: Any) -> Any:
    """The stage's settings: defaults, then `changed` ones, then those of --set; printed as JSON.

    Raises:
        InputError: --set names no setting, or gives it no value of its kind; or --out is a file.
    """
    from ..training.fields import parse
    values = dict(changed)
    types = {field.name: field.type for field in fields(kind)}
    for item in options.set:
        name, _, text = item.partition("=")
        if name not in types or not text:
            raise InputError(f"--set {item} names no setting: choose NAME=VALUE of {', '.join(types)}.")
        try:
            values[name] = parse(types[name], text)
        except ValueError as error:
            raise InputError(f"--set {item}: {name} must be a {error}.") from error
    if options.out.exists() and not options.out.is_dir():
        raise InputError(f"--out {options.out} is a file: name a folder.")
    config = kind(**values)
    options.settings = getattr(options, "settings", {}) | asdict(config)
    print(json.dumps(asdict(config), indent=1))
    return config


def use_threads(options: argparse.Namespace) -> None:
    """Limit torch to the CPU threads that were asked for."""
    import torch
    if options.threads:
        torch.set_num_threads(options.threads)
