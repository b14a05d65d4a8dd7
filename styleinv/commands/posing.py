"""The verb `pose`, and its options, which `animate` has too."""

import argparse
from pathlib import Path
from typing import Any

from ..clip.recipe import SETTINGS, Recipe, check_face
from ..errors import InputError
from ..motion.controls import CONTROLS, PRESETS
from .outputs import check_paths
from .shared import Bar, add_face_options, add_setting, add_verb, load, make_folder


def add_pose(verbs: Any) -> None:
    """Add `pose`."""
    pose = add_verb(verbs, "pose", _pose, "photo -> the same person with another expression", bundle=True)
    pose.add_argument("photo", type=Path, metavar="PHOTO")
    pose.add_argument("-o", "--out", type=Path, required=True, metavar="PNG", help="the picture to write")
    add_face_options(pose)
    for setting in (SETTINGS["size"], SETTINGS["frame"]):
        add_setting(pose, setting)
    add_controls(pose)


def add_controls(parser: argparse.ArgumentParser) -> None:
    """Add `--expression` and an option for each control."""
    group = parser.add_argument_group("expression")
    group.add_argument("--expression", choices=("neutral", *PRESETS),
                       help="a preset; neutral closes a mouth that the photo caught open")
    for control in CONTROLS.values():
        group.add_argument(f"--{control.name.replace('_', '-')}", type=float, metavar="X",
                           help=f"{control.help}; {control.low:g} to {control.high:g}")


def wanted_controls(options: argparse.Namespace) -> dict[str, Any]:
    """Those that were asked for, checked; with the name of a preset as `expression`.

    Raises:
        InputError: one of them is out of its range.
    """
    asked = {name: getattr(options, name) for name in CONTROLS if getattr(options, name) is not None}
    for name, value in asked.items():
        CONTROLS[name].check(value)
    return asked | ({"expression": options.expression} if options.expression else {})


def check_picture(out: Path, inputs: list[Path]) -> None:
    """Raises InputError for a name that is no picture's, or cannot be written."""
    from ..clip.provenance import PICTURES
    if out.suffix.lower() not in PICTURES:
        raise InputError(f"{out.name} is no picture: end the name in .png or .jpg.")
    check_paths([out], inputs)


def _pose(options: argparse.Namespace) -> None:
    controls, recipe = wanted_controls(options), Recipe(size=options.size, frame=options.frame, hold=True)
    recipe.check()
    check_face(options.face, recipe, options.likeness)
    if not controls:
        raise InputError("No expression was asked for: name one, such as --turn 10 or --expression smile.")
    check_picture(options.out, [options.photo])
    from PIL import Image

    from ..clip.provenance import sign
    from ..files import replacing
    with Bar(options.photo.name) as bar:
        pipe = load(options)
        inversion = pipe.invert(options.photo, options.likeness, options.face, size=options.size, progress=bar)
    picture = pipe.still(pipe.pose(inversion, **controls), recipe)
    make_folder(options.out.parent)
    with replacing(options.out) as temporary:
        Image.fromarray(picture).save(temporary)
        sign(temporary)
    print(options.out)
