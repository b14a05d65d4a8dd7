"""Verbs of what lies on the disk: prepare, styles, verify."""

import argparse
import sys
from pathlib import Path
from typing import Any

from .shared import Bar, add_verb, make_folder, number, positive


def add_data_verbs(verbs: Any) -> None:
    """Add `prepare`, `styles` and `verify`."""
    prepare = add_verb(verbs, "prepare", _prepare, "a folder of photos or videos -> an aligned training set")
    prepare.add_argument("kind", choices=("faces", "clips", "style", "pairs"),
                         help="pairs: SRC is a bundle; its faces are written to DST/faces, to be restyled into "
                         "DST/styled")
    prepare.add_argument("source", type=Path, metavar="SRC")
    prepare.add_argument("target", type=Path, metavar="DST")
    prepare.add_argument("--size", type=number(16, 4096, int), default=256, help="side in pixels")
    prepare.add_argument("--people", type=positive, default=400, help="of pairs; each is seen twice")
    prepare.add_argument("--fps", type=number(1, 240), default=25, help="frames per second, of clips")
    verify = add_verb(verbs, "verify", _verify, "what a clip says of its origin")
    verify.add_argument("clip", type=Path, metavar="CLIP")
    add_verb(verbs, "styles", _styles, "the installed styles, one per line", bundle=True)


def _styles(options: argparse.Namespace) -> None:
    from ..checkpoint import resolve
    from ..styles import find_styles
    styles = find_styles(resolve(options.checkpoint).parent / "styles").values()
    for style in styles:
        print(f"{style.name:12} {style.title} ({style.licence})")
    if not styles:
        print("No style is installed: put one under checkpoints/styles.")


def _prepare(options: argparse.Namespace) -> int:
    from ..data import prepare
    if options.kind == "pairs":
        return _prepare_pairs(options)
    with Bar(str(options.source)) as bar:
        def note(done, total):
            return bar("files", done, total)
        if options.kind in ("faces", "style"):
            report = prepare.prepare_faces(options.source, options.target, options.size, note)
        else:
            report = prepare.prepare_clips(options.source, options.target, options.size, options.fps, note)
    for name, reason in report.failed:
        print(f"styleinv: {name}: {reason}", file=sys.stderr)
    print(f"{report.done} written to {options.target}, {len(report.failed)} left out")
    return 0 if report.done else 2


def _prepare_pairs(options: argparse.Namespace) -> int:
    from ..pipeline import StyleInVPipeline
    from ..training.light.style_data import write_pairs
    pipe = StyleInVPipeline.from_pretrained(options.source)
    make_folder(options.target)
    count = write_pairs(pipe.decoder, pipe.motion, options.target, options.people, options.size)
    print(f"{count} faces in {options.target / 'faces'}: restyle each into {options.target / 'styled'}, "
          "under its own name.")
    return 0


def _verify(options: argparse.Namespace) -> None:
    from ..clip.provenance import describe
    print(describe(options.clip))
