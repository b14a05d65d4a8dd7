"""Verbs that make pictures: animate, sample, invert, render."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clip.clip import QUALITIES, WRITERS, read_recipe
from ..clip.recipe import PSI, SAMPLE_SEED, SETTINGS, Recipe, check_face
from ..errors import InputError, in_words
from ..files import write_text
from .outputs import clip_paths
from .posing import add_controls, check_picture, wanted_controls
from .shared import Bar, add_face_options, add_setting, add_verb, load, make_folder

if TYPE_CHECKING:
    from ..clip.clip import Clip
    from ..inversion import Inversion
    from ..motion.driver import Driver

SEAMLESS_FROM = 2.0     # s: a shorter clip would do nothing but come back
CHANGED: dict[str, dict[str, Any]] = {      # of the options of settings
    "styles": {"metavar": "NAME|all"},
    "loop": {"default": None},              # chosen by the kind of the file
}


def add_rendering_verbs(verbs: Any) -> None:
    """Add `animate`, `sample`, `invert` and `render`."""
    animate = add_verb(verbs, "animate", _animate, "photos -> clips", bundle=True)
    animate.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    animate.add_argument("--motion-from", type=Path, metavar="VIDEO",
                         help="move as the face in a video does, which gives the length and the rate too")
    add_face_options(animate)
    _add_clip_options(animate)
    add_controls(animate)
    sample = add_verb(verbs, "sample", _sample, "people who do not exist -> clips", bundle=True)
    sample.add_argument("--count", type=int, default=1, help="how many people, with seeds from --seed on")
    add_setting(sample, PSI)
    _add_clip_options(sample)
    invert = add_verb(verbs, "invert", _invert, "photo -> crop | inversion, and how alike they are", bundle=True)
    invert.add_argument("photo", type=Path, metavar="PHOTO")
    invert.add_argument("-o", "--out", type=Path, required=True, metavar="PNG", help="the picture to write")
    add_face_options(invert)
    render = add_verb(verbs, "render", _render, "a recipe, or a clip that holds a whole one -> the same clip again",
                      bundle=True)
    render.add_argument("--photo", type=Path, metavar="PHOTO",
                        help="the photo that the clip carries, if it carries one")
    render.add_argument("recipe", type=Path, metavar="RECIPE",
                        help="a .json recipe, or a clip saved with --embed-recipe")
    _add_output_options(render)


def _add_clip_options(parser: argparse.ArgumentParser) -> None:
    for name, setting in SETTINGS.items():
        add_setting(parser, setting, dest=name, **CHANGED.get(name, {}))
    _add_output_options(parser)


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT",
                        help="an .mp4, .gif or .webp; or a folder")
    parser.add_argument("--quality", choices=tuple(QUALITIES), default="high", help="of the file")
    parser.add_argument("--for", dest="purpose", choices=("chat",),
                        help="a file below 8 MB, as chats take it: quality, rate and size are lowered to fit")
    parser.add_argument("--no-mark", action="store_true",
                        help="leave out the visible mark; metadata and signature stay")
    parser.add_argument("--save-recipe", action="store_true",
                        help="write the recipe as .json beside each clip; it holds the face's latents")
    parser.add_argument("--embed-recipe", action="store_true",
                        help="put the face's latents into the clip too: whoever gets it can make more clips of that "
                        "face")


def _animate(options: argparse.Namespace) -> int:
    recipe, controls = _recipe(options), wanted_controls(options)
    check_face(options.face, recipe, options.likeness)
    inputs = [*options.photos, *filter(None, [options.motion_from])]
    targets = _targets(options, [photo.stem for photo in options.photos], inputs)
    from ..face.photo import load_photo
    from ..face.verdict import likeness_percent
    # A single photo is read before the weights, so that a bad one is reported at once.
    loaded = {photo: load_photo(photo) for photo in options.photos if len(options.photos) == 1}
    driver = _driver(options)
    pipe, failed = load(options), 0
    for photo, target in zip(options.photos, targets):
        try:
            with Bar(photo.name) as bar:
                inversion = pipe.invert(loaded.get(photo, photo), options.likeness, options.face, size=options.size,
                                        progress=bar)
                _warn(photo, inversion)
                inversion = pipe.pose(inversion, **controls) if controls else inversion
                clip = pipe.reenact(inversion, driver, recipe) if driver else pipe.animate(inversion, recipe)
                lowered = _save(clip, target, options, bar)
            percents = ", ".join(str(likeness_percent(face.likeness or 0.0)) for face in inversion.faces)
            _report(f"{target}  likeness {percents} %", lowered)
        except Exception as error:
            if len(options.photos) == 1 or isinstance(error, OSError):       # a full disk is full for the next one too
                raise
            print(f"styleinv: {photo}: {in_words(error)}", file=sys.stderr)
            failed += 1
    return 2 if failed else 0


def _sample(options: argparse.Namespace) -> None:
    if options.count < 1:
        raise InputError(f"--count is {options.count}: choose 1 or more.")
    recipe = _recipe(options)
    first = SAMPLE_SEED if recipe.seed is None else recipe.seed
    seeds = range(first, first + options.count)
    targets = _targets(options, [f"sample-{seed}" for seed in seeds], [])
    pipe = load(options)
    for seed, target in zip(seeds, targets):
        with Bar(target.name) as bar:
            lowered = _save(pipe.sample(options.psi, replace(recipe, seed=seed)), target, options, bar)
        _report(target, lowered)


def _driver(options: argparse.Namespace) -> "Driver | None":
    """The motion of the video of --motion-from."""
    if options.motion_from is None:
        return None
    from ..motion.driver import read_driver
    return read_driver(options.motion_from)


def _recipe(options: argparse.Namespace) -> Recipe:
    """The settings of the clip, checked."""
    recipe = Recipe(**{name: getattr(options, name) for name in SETTINGS} | {"loop": options.loop or _loop(options)})
    recipe.check()
    return recipe


def _loop(options: argparse.Namespace) -> str:
    """Of a clip for which none was asked: gif and webp play again and again, so they are to have no seam."""
    short = options.seconds < SEAMLESS_FROM
    return "seamless" if options.out.suffix.lower() in (".gif", ".webp") and not short else SETTINGS["loop"].default


def _invert(options: argparse.Namespace) -> None:
    from PIL import Image

    from ..clip.layout import side_by_side
    from ..clip.provenance import sign
    from ..face.verdict import likeness_percent
    from ..files import replacing
    check_picture(options.out, [options.photo])
    with Bar(options.photo.name) as bar:
        inversion = load(options).invert(options.photo, options.likeness, options.face, progress=bar)
    make_folder(options.out.parent)
    with replacing(options.out) as temporary:
        Image.fromarray(side_by_side([x for face in inversion.faces for x in (face.crop, face.image)])).save(temporary)
        sign(temporary)
    _warn(options.photo, inversion)
    percent = likeness_percent(inversion.likeness or 0.0)
    print(f"likeness {percent} % (above 50 % it is the same person to a recogniser)")


def _render(options: argparse.Namespace) -> None:
    recipe = read_recipe(options.recipe)
    target, = _targets(options, [options.recipe.stem], [options.recipe])
    with Bar(target.name) as bar:
        lowered = _save(load(options).render(recipe, options.photo), target, options, bar)
    _report(target, lowered)


def _targets(options: argparse.Namespace, stems: list[str], inputs: list[Path]) -> list[Path]:
    """Where the clips go, known before the weights are loaded."""
    return clip_paths(options.out, stems, tuple(WRITERS), inputs, options.save_recipe)


def _save(clip: "Clip", target: Path, options: argparse.Namespace, bar: Bar) -> str:
    """Write the clip, and its recipe if asked for; what was lowered so that it is small, in a sentence."""
    make_folder(target.parent)
    save = clip.save_for_chat if options.purpose == "chat" else clip.save
    said = save(target, not options.no_mark, options.quality, lambda done, total: bar("frames", done, total),
                options.embed_recipe)
    if options.save_recipe:
        write_text(target.with_suffix(".json"), json.dumps(clip.recipe, indent=1))
    return said if isinstance(said, str) else ""


def _warn(photo: Path, inversion: "Inversion") -> None:
    """Say of a doubtful inversion why it is doubtful."""
    if inversion.verdict and inversion.verdict.sentence:
        print(f"styleinv: {photo}: {inversion.verdict.sentence}", file=sys.stderr)


def _report(line: str | Path, *sentences: str) -> None:
    """Print a line for what was written, and what is to be said of it below."""
    print("\n  ".join(filter(None, (str(line), *sentences))))
