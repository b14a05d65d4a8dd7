"""The command line: `styleinv VERB ...`, or `python -m styleinv VERB ...`.

Exit codes: 0 done, 2 bad input (one sentence on stderr), 1 a fault of ours. Heavy imports happen inside the verbs.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from . import __version__
from .errors import InputError
from .helptext import Help
from .progress import Bar

if TYPE_CHECKING:
    from .pipeline import Inversion, StyleInVPipeline
    from .video import Clip

BUNDLE = Path(__file__).resolve().parent.parent / "checkpoints" / "ffhq"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage text."""

    def error(self, message: str) -> NoReturn:
        print(f"styleinv: {message}; see `{self.prog} --help`.", file=sys.stderr)
        raise SystemExit(2)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except InputError as error:
        print(f"styleinv: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("styleinv: stopped; nothing half-written was left.", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    parser = Parser(prog="styleinv", description="A face photo brought to life, with no driver video.")
    parser.add_argument("--version", action="version", version=f"styleinv {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_rendering_verbs(verbs)
    _add_data_verbs(verbs)
    _add_measuring_verbs(verbs)
    from .research import add_research_verbs
    from .training.commands import add_train       # argparse alone: torch is imported when a stage runs
    add_research_verbs(verbs, _verb)
    add_train(verbs)
    return parser


def _verb(verbs: Any, name: str, run: Callable, text: str, bundle: bool = False) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=text, description=text, formatter_class=Help)
    parser.set_defaults(run=run)
    if bundle:
        parser.add_argument("--checkpoint", default=str(BUNDLE), metavar="FOLDER|HUB_ID", help="the bundle of weights")
    return parser


def _add_rendering_verbs(verbs: Any) -> None:
    animate = _verb(verbs, "animate", _animate, "photos -> clips", bundle=True)
    animate.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    _add_face_options(animate)
    _add_clip_options(animate)
    sample = _verb(verbs, "sample", _sample, "people who do not exist -> clips", bundle=True)
    sample.add_argument("--count", type=int, default=1, help="how many people, with seeds from --seed on")
    sample.add_argument("--psi", type=float, default=0.7, help="truncation: 0 the mean face, 1 the whole variety")
    _add_clip_options(sample)
    invert = _verb(verbs, "invert", _invert, "photo -> crop | inversion, and how alike they are", bundle=True)
    invert.add_argument("photo", type=Path, metavar="PHOTO")
    invert.add_argument("-o", "--out", type=Path, required=True, metavar="PNG", help="the picture to write")
    _add_face_options(invert)
    render = _verb(verbs, "render", _render, "a recipe, or a clip that holds one -> the same clip again", bundle=True)
    render.add_argument("recipe", type=Path, metavar="RECIPE", help="a .json recipe, or a clip that StyleInV saved")
    _add_output_options(render)


def _add_face_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--likeness", choices=("paper", "fast", "close"), default="close",
                        help="paper: w0 alone; fast: one encoder pass; close: refined on the photo, some 15 s")
    parser.add_argument("--face", type=int, default=0, metavar="N", help="which face of the photo, 0 is the largest")


def _add_clip_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=4.0, help="length, any")
    parser.add_argument("--fps", type=float, default=25.0, help="frames a second")
    parser.add_argument("--seed", type=int, default=0, help="of the motion; the same seed gives the same clip")
    parser.add_argument("--motion", type=float, default=1.0, help="strength: 0 still, 1 as learned")
    parser.add_argument("--speed", type=float, default=1.0, help="of the motion: 0.5 is slow motion")
    parser.add_argument("--size", type=int, choices=(256, 512, 1024), default=256, help="side in pixels")
    parser.add_argument("--layout", choices=("result", "compare"), default="result",
                        help="compare: crop | inversion | result, with a style crop | raw | styled")
    parser.add_argument("--style", default="", metavar="NAME|all",
                        help="an installed style, its folder or Hub id, several joined by commas, or all in a grid")
    parser.add_argument("--style-strength", type=float, default=1.0, help="from 0, raw, to 1")
    parser.add_argument("--loop", choices=("none", "pingpong"), default="none", help="pingpong: forth and back, without a seam")
    _add_output_options(parser)


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT", help="an .mp4, .gif or .webp; or a folder")
    parser.add_argument("--quality", choices=("high", "medium", "small"), default="high", help="of the file")
    parser.add_argument("--no-mark", action="store_true", help="leave out the visible mark; metadata and signature stay")
    parser.add_argument("--save-recipe", action="store_true", help="write the recipe as .json beside each clip")


def _add_data_verbs(verbs: Any) -> None:
    prepare = _verb(verbs, "prepare", _prepare, "a folder of photos or videos -> an aligned training set")
    prepare.add_argument("kind", choices=("faces", "clips", "style", "pairs"),
                         help="pairs: SRC is a bundle; its faces are written to DST/faces, to be restyled into DST/styled")
    prepare.add_argument("source", type=Path, metavar="SRC")
    prepare.add_argument("target", type=Path, metavar="DST")
    prepare.add_argument("--size", type=int, default=256, help="side in pixels")
    prepare.add_argument("--people", type=int, default=400, help="of pairs; each is seen twice")
    prepare.add_argument("--fps", type=float, default=25, help="frames a second, of clips")


def _add_measuring_verbs(verbs: Any) -> None:
    evaluate = _verb(verbs, "evaluate", _evaluate, "likeness and motion on an evaluation split", bundle=True)
    evaluate.add_argument("data", type=Path, help="folder with splits.json, faces/ and clips/")
    evaluate.add_argument("--networks", type=Path, help="folder with lpips_alex.safetensors; without it LPIPS is left out")
    evaluate.add_argument("--faces", type=int, help="photos to invert, spread over the split (default: all)")
    evaluate.add_argument("--clips", type=int, help="clips of each kind (default: as many as real ones)")
    evaluate.add_argument("--styles", type=Path, metavar="FOLDER", help="measure styles instead, against the sets in FOLDER/NAME")
    evaluate.add_argument("--json", type=Path, help="write the figures to this file too")
    bench = _verb(verbs, "bench", _bench, "frames a second by stage, memory, cold start", bundle=True)
    bench.add_argument("--peer", action="store_true", help="time our StyleGAN2 beside a plain reference recipe instead")
    bench.add_argument("--frames", type=int, default=50, help="frames that are timed")
    bench.add_argument("--json", type=Path, help="write the figures to this file too")
    verify = _verb(verbs, "verify", _verify, "what a clip says of its origin")
    verify.add_argument("clip", type=Path, metavar="CLIP")
    _verb(verbs, "styles", _styles, "the installed styles, a line each", bundle=True)


def _load(options: argparse.Namespace) -> "StyleInVPipeline":
    from .pipeline import StyleInVPipeline
    return StyleInVPipeline.from_pretrained(options.checkpoint)


def _animate(options: argparse.Namespace) -> int:
    _check_outputs(options, len(options.photos))
    from .photo import load_photo
    # A single photo is read before the weights, so that a bad one is reported at once.
    known = {photo: load_photo(photo) for photo in options.photos if len(options.photos) == 1}
    pipe, failed = _load(options), 0
    for photo, name in zip(options.photos, _names(options.photos)):
        try:
            with Bar(photo.name) as bar:
                inversion = pipe.invert(known.get(photo, photo), options.likeness, options.face, size=options.size, progress=bar)
                _save(_clip(pipe, inversion, options), _target(options, name), options, bar)
            print(f"{_target(options, name)}  likeness {inversion.likeness:.2f}")
        except InputError as error:
            print(f"styleinv: {photo}: {error}" if len(options.photos) > 1 else f"styleinv: {error}", file=sys.stderr)
            failed += 1
    return 2 if failed else 0


def _names(photos: list[Path]) -> list[str]:
    """The photos' names without suffix; of those that share one, the second becomes NAME-2."""
    stems = [photo.stem for photo in photos]
    before = [stems[:place].count(stem) for place, stem in enumerate(stems)]
    return [f"{stem}-{count + 1}" if count else stem for stem, count in zip(stems, before)]


def _sample(options: argparse.Namespace) -> None:
    if options.count < 1:
        raise InputError(f"--count is {options.count}: choose 1 or more.")
    _check_outputs(options, options.count)
    pipe, first = _load(options), options.seed
    for options.seed in range(first, first + options.count):
        target = _target(options, f"sample-{options.seed}")
        with Bar(target.name) as bar:
            _save(_clip(pipe, pipe.sample_face(options.seed, options.psi), options), target, options, bar)
        print(target)


def _clip(pipe: "StyleInVPipeline", inversion: "Inversion", options: argparse.Namespace) -> "Clip":
    return pipe.animate(inversion, options.seconds, options.fps, options.seed, options.motion, options.size,
                        options.loop, options.layout, options.speed, options.style, options.style_strength)


def _invert(options: argparse.Namespace) -> None:
    from PIL import Image
    from .files import replacing
    from .layout import side_by_side
    if options.out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise InputError(f"{options.out.name} is no picture: end the name in .png or .jpg.")
    with Bar(options.photo.name) as bar:
        inversion = _load(options).invert(options.photo, options.likeness, options.face, progress=bar)
    with replacing(options.out) as temporary:
        Image.fromarray(side_by_side([inversion.crop, inversion.image])).save(temporary)
    print(f"likeness {inversion.likeness:.3f} (distance of face descriptors: below 0.6 is the same person to a recogniser)")


def _render(options: argparse.Namespace) -> None:
    from .video import read_recipe
    recipe = read_recipe(options.recipe)
    _check_outputs(options, 1)
    target = _target(options, options.recipe.stem)
    with Bar(target.name) as bar:
        _save(_load(options).render(recipe), target, options, bar)
    print(target)


def _check_outputs(options: argparse.Namespace, count: int) -> None:
    """Refuse what cannot work before the weights are loaded."""
    from .recipe import Recipe
    from .video import WRITERS
    if hasattr(options, "seconds"):
        Recipe(options.seconds, options.fps, options.seed, options.motion, options.size, speed=options.speed,
               style_strength=options.style_strength).check()
    if _is_folder(options.out) or count > 1:
        if options.out.suffix.lower() in WRITERS:
            raise InputError(f"{options.out} is one file for {count} clips: name a folder.")
        if options.out.exists() and not options.out.is_dir():
            raise InputError(f"{options.out} is a file: name a folder, or a file that ends in {', '.join(WRITERS)}.")
    elif options.out.suffix.lower() not in WRITERS:
        raise InputError(f"{options.out.name} is of no known kind: end the name in {', '.join(WRITERS)}, or name a folder.")


def _is_folder(out: Path) -> bool:
    return out.is_dir() or not out.suffix


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made: choose another one.") from error


def _target(options: argparse.Namespace, stem: str) -> Path:
    return options.out / f"{stem}.mp4" if _is_folder(options.out) else options.out


def _save(clip: "Clip", target: Path, options: argparse.Namespace, bar: Bar) -> None:
    _make_folder(target.parent)
    clip.save(target, not options.no_mark, options.quality, lambda done, total: bar("frames", done, total))
    if options.save_recipe:
        target.with_suffix(".json").write_text(json.dumps(clip.recipe, indent=1))


def _styles(options: argparse.Namespace) -> None:
    from .checkpoint import resolve
    from .styles import find_styles
    styles = find_styles(resolve(options.checkpoint).parent / "styles").values()
    for style in styles:
        print(f"{style.name:12} {style.title} ({style.licence})")
    if not styles:
        print("No style is installed: put one under checkpoints/styles.")


def _prepare(options: argparse.Namespace) -> int:
    from . import prepare
    if options.kind == "pairs":
        return _prepare_pairs(options)
    with Bar(str(options.source)) as bar:
        note = lambda done, total: bar("files", done, total)
        if options.kind in ("faces", "style"):
            report = prepare.prepare_faces(options.source, options.target, options.size, note)
        else:
            report = prepare.prepare_clips(options.source, options.target, options.size, options.fps, note)
    for name, reason in report.failed:
        print(f"styleinv: {name}: {reason}", file=sys.stderr)
    print(f"{report.done} written to {options.target}, {len(report.failed)} left out")
    return 0 if report.done else 2


def _prepare_pairs(options: argparse.Namespace) -> int:
    from .pipeline import StyleInVPipeline
    from .training.style import write_pairs
    pipe = StyleInVPipeline.from_pretrained(options.source)
    _make_folder(options.target)
    count = write_pairs(pipe.decoder, pipe.motion, options.target, options.people, options.size)
    print(f"{count} faces in {options.target / 'faces'}: restyle each into {options.target / 'styled'}, under its own name.")
    return 0


def _evaluate(options: argparse.Namespace) -> None:
    from .evaluate import evaluate, format_table
    if options.styles:
        return _evaluate_styles(options)
    with Bar("evaluate") as bar:
        report = evaluate(_load(options), options.data, options.networks, options.faces, options.clips, progress=bar)
    _report(report, format_table(report), options.json)


def _evaluate_styles(options: argparse.Namespace) -> None:
    from .evaluate import evaluation_photos
    from .evaluate_styles import evaluate_styles, format_style_table
    if options.networks is None:
        raise InputError("Styles are judged by LPIPS: name the folder of lpips_alex.safetensors with --networks.")
    pipe, count = _load(options), 4 if options.clips is None else options.clips
    people = [pipe.invert(photo, aligned=True) for photo in evaluation_photos(options.data, count)]
    people += [pipe.sample_face(seed) for seed in range(count)]
    report = evaluate_styles(pipe, options.styles, options.networks, people)
    _report(report, format_style_table(report), options.json)


def _bench(options: argparse.Namespace) -> None:
    if options.peer:
        from .research import peer
        return peer(options)
    from .bench import bench, format_table
    report = bench(_load(options), options.checkpoint, frames=options.frames)
    _report(report, format_table(report), options.json)


def _report(report: dict[str, Any], table: str, path: Path | None) -> None:
    print(table)
    if path:
        path.write_text(json.dumps(report, indent=1))


def _verify(options: argparse.Namespace) -> None:
    from .provenance import describe
    print(describe(options.clip))


if __name__ == "__main__":
    sys.exit(main())
