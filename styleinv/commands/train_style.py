"""`styleinv train style DIR --name NAME`: a folder of images -> an installed style."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..files import CHECKPOINTS
from .caches import check_free, clear, is_made, note_installed, note_made, sources_key
from .shared import Help, positive
from .train_options import add_run_options, settings, use_threads

if TYPE_CHECKING:
    import torch

    from ..models.mobile_stylegan import Top
    from ..pipeline import StyleInVPipeline
    from ..training.light.style import StyleConfig
    from ..training.light.style_data import StyleData

FEWEST = 50             # images of a style; from fewer, the discriminator learns them by heart


def add_style(stages: Any) -> None:
    """Add the stage `style`."""
    text = "a style of your own: the decoder's top learns it from 50 to 2,000 images, and is installed"
    parser = stages.add_parser("style", help=text, description=text, formatter_class=Help)
    parser.set_defaults(run=_style)
    parser.add_argument("data", type=Path, metavar="DIR",
                        help="images of any size; of a paired style, what `prepare pairs` wrote")
    parser.add_argument("--name", required=True, help="of the style and of its folder")
    parser.add_argument("--title", help="for people; the name, if not given")
    parser.add_argument("--licence", default="unknown", help="of the images, and so of the style")
    parser.add_argument("--bundle", type=Path, default=CHECKPOINTS / "ffhq", help="whose decoder is the parent")
    parser.add_argument("--styles", type=Path, default=CHECKPOINTS / "styles", help="where the style is installed")
    parser.add_argument("--networks", type=Path, help="folder with perceptual/lpips_squeeze.safetensors and "
                        "identity/mobilefacenet.safetensors, better judges than the bundle's encoder")
    parser.add_argument("--aligned", action="store_true", help="the images are FFHQ-aligned faces already")
    parser.add_argument("--paired", action="store_true", help="DIR has a restyled image of each decoded face")
    parser.add_argument("--people", type=positive, default=400, help="people who do not exist to learn on")
    parser.add_argument("--photos", type=Path, help="folder of aligned faces whose inversions join them")
    parser.add_argument("--replace", action="store_true",
                        help="the style of that name that is installed may be replaced")
    parser.add_argument("--size", type=int, choices=(256, 512), default=256,
                        help="side of the images; train 512 after 256")
    parser.add_argument("--start", type=Path,
                        help="folder of a style to start from (default for 512: the installed one; else the decoder)")
    add_run_options(parser, steps=300)


def _style(options: argparse.Namespace) -> None:
    from ..training.light.style import StyleConfig
    # Of a pair the target is known, so that the judge of the whole set matters less, and the parent's identity nothing.
    paired = {"pixel": 4.0, "adversarial": 0.5, "identity": 0.0, "tone": 0.0} if options.paired else {}
    _check(options)
    config = settings(StyleConfig, options, size=options.size, steps=options.steps, **paired)
    if not options.dry_run:
        _train(options, config)


def _check(options: argparse.Namespace) -> None:
    """Refuse what cannot be before the work."""
    if not options.name.isidentifier():
        raise InputError(f"--name {options.name} is no name for a style: use letters, digits and underscores.")
    if options.name.casefold() == "all":
        raise InputError("--name all stands for every style: choose another name.")
    if options.steps < 1:
        raise InputError("--steps is 0, after which the style would be the raw decoder: choose 1 or more.")
    for folder in filter(None, (options.data, options.photos)):
        if not folder.is_dir():
            raise InputError(f"The folder {folder} was not found: check the path.")
    if not options.replace:
        check_free(options.styles / options.name, options.out, options.size, options.start is None)


def _train(options: argparse.Namespace, config: "StyleConfig") -> None:
    use_threads(options)
    from ..pipeline import StyleInVPipeline
    from ..training.light.style import StyleStage
    from ..training.light.style_choice import install, keep_best
    from ..training.loop import LoopConfig, run
    pipe = StyleInVPipeline.from_pretrained(options.bundle)
    start, guide = _start(options, pipe)
    images = _images(options)
    data = _paired(pipe, images, options) if options.paired else _unpaired(pipe, images, options, config)
    stage = StyleStage(pipe.decoder, data, *_judges(options, pipe), config, start, guide, keep_best)
    run(stage, LoopConfig(options.out, options.steps, options.minutes, log_every=10, settings=options.settings))
    figures = install(stage, options.out, options.styles / options.name, options.title or options.name, options.licence)
    note_installed(options.styles / options.name, options.out)
    print(json.dumps(figures))


def _start(options: argparse.Namespace, pipe: "StyleInVPipeline") -> "tuple[Top | None, Top | None]":
    """The top that the training starts from, if not from the decoder's, and the one of another size to agree with, if
    any.
    """
    from ..styles import load_style
    folder = options.start or options.styles / options.name
    if options.start is None and (options.size == 256 or not folder.is_dir()):
        return None, None
    style = load_style(folder, pipe.decoder)[0]
    start = style.top(options.size)
    if start.size > options.size:
        raise InputError(f"{folder} has no top for {options.size} px to start from: train that one from the decoder.")
    return start, next((top for top in style.tops.values() if top.size != options.size), None)


def _images(options: argparse.Namespace) -> "torch.Tensor":
    """The style set, uint8 [M, S, S, 3], aligned unless it is."""
    from ..data.prepare import prepare_faces
    from ..data.splits import read_images
    folder = options.data / "styled" if options.paired else options.data
    if not (options.aligned or options.paired):
        folder = options.out / "aligned"
        key = sources_key(options.data, size=options.size)
        if not is_made(folder, key):
            clear(folder)
            report = prepare_faces(options.data, folder, options.size)
            print(f"{report.done} faces aligned, {len(report.failed)} images left out")
            note_made(folder, key)
    images = read_images(folder, options.size)
    count = len({image.numpy().tobytes() for image in images})
    if count < FEWEST:
        raise InputError(f"{options.data} gives {count} faces, and a style needs {FEWEST}: add images"
                         + ("." if options.aligned else ", or use --aligned if they are aligned faces already."))
    return images


def _unpaired(
    pipe: "StyleInVPipeline", images: "torch.Tensor", options: argparse.Namespace, config: "StyleConfig"
) -> "StyleData":
    """People in the midst of a motion, inversions, and the parent's images of them; kept in the run's folder."""
    import torch

    from ..data.splits import read_images
    from ..styles import trunk_sum
    from ..training.light.style_data import StyleData, frame_latents, inverted, parent_images
    cache, photos = options.out / "parents.pt", options.photos
    key = sources_key(photos, size=config.size, people=options.people, decoder=trunk_sum(pipe.decoder))
    if not is_made(cache, key):
        ws, moves = frame_latents(pipe.decoder, pipe.motion, options.people)
        faces = [parent_images(pipe.decoder, ws[::2], 256)]
        faces += [] if photos is None else [read_images(photos, 256)]
        ws = torch.cat([ws[:, None].expand(-1, pipe.decoder.num_ws, -1), *(inverted(pipe.inversion, x) for x in faces)])
        options.out.mkdir(parents=True, exist_ok=True)
        torch.save({"ws": ws, "parents": parent_images(pipe.decoder, ws, config.size), "moves": moves}, cache)
        note_made(cache, key)
    return StyleData(style=images, **torch.load(cache, weights_only=True))


def _paired(pipe: "StyleInVPipeline", styled: "torch.Tensor", options: argparse.Namespace) -> "StyleData":
    import numpy as np
    import torch

    from ..data.splits import read_images
    from ..training.light.style_data import StyleData, frame_latents
    folder = options.data
    _check_pairs(folder)
    ws, faces = torch.from_numpy(np.load(folder / "latents.npy")), read_images(folder / "faces", options.size)
    if not len(ws) == len(faces) == len(styled):
        raise InputError(f"{folder} has {len(ws)} latents, {len(faces)} faces and {len(styled)} styled images: "
                         "restyle every file of faces/ into styled/, under its own name.")
    _, moves = frame_latents(pipe.decoder, pipe.motion, people=64)
    return StyleData(ws, faces, styled, moves, paired=True)


def _check_pairs(folder: Path) -> None:
    """Raises InputError unless each face has one styled image of its own name, and a number in turn as its latents
    have.
    """
    from ..data.splits import picture_files
    faces, styled = ([path.stem for path in picture_files(folder / part)] for part in ("faces", "styled"))
    for names, others, part, other in ((faces, styled, "faces", "styled"), (styled, faces, "styled", "faces")):
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError(f"{folder / part} has {twice} twice: keep one of them.")
        if alone := next((name for name in names if name not in others), None):
            raise InputError(f"{folder / part} has {alone}, and {folder / other} has not: restyle each face under its "
                             "own name.")
    if all(name.isdecimal() for name in faces) and [int(name) for name in faces] != list(range(len(faces))):
        raise InputError(f"{folder / 'faces'} lacks faces that its latents.npy has: run `styleinv prepare pairs` "
                         "again.")


def _judges(options: argparse.Namespace, pipe: "StyleInVPipeline") -> tuple[Any, Any]:
    """Perceptual and identity network."""
    from ..losses.encoder import EncoderIdentity, EncoderPerceptual
    from ..losses.networks import light_judges
    if options.networks is None:
        return EncoderPerceptual(pipe.inversion), EncoderIdentity(pipe.inversion)
    return light_judges(options.networks)
