"""`styleinv train STAGE`: options, files and networks of each stage. Torch is imported when a stage runs."""

import argparse
import json
from pathlib import Path
from typing import Any

from ..errors import InputError
from .examples import epilog
from .shared import Help, by_name, named_folder, natural, positive
from .train_options import add_run_options, settings, use_threads
from .train_paper import add_paper_stages
from .train_style import add_style


def add_train(verbs: Any) -> None:
    """Add the verb `train` and its stages."""
    text = "train a part of the bundle; resumes by default"
    train = verbs.add_parser("train", help=text, description=text, formatter_class=Help, epilog=epilog("train"))
    stages = train.add_subparsers(dest="stage", required=True, metavar="STAGE")
    tops = _stage(stages, "tops", _tops, "the decoder's outputs at 128, 256 and 512 px")
    tops.add_argument("--size", type=int, choices=(128, 256, 512), default=256, help="side of the output to train")
    tops.add_argument("--images", type=int, default=1000, help="targets to make from the 1024 px image")
    tops.add_argument("--refine", action="store_true", help="start from the output as it is, not from a new fit")
    inversion = _stage(stages, "inversion", _inversion, "face -> latent")
    inversion.add_argument("--pairs", type=int, default=12_000, help="synthetic pairs to make")
    motion = _stage(stages, "motion", _motion, "latent, motion code, time -> latent")
    motion.add_argument("--prior-steps", type=natural, default=16_000,
                        help="adversarial steps of the prior in latent space")
    motion.add_argument("--frames", type=positive, default=1000, help="first frames to decode for the network")
    _stage(stages, "dense-motion", _dense_motion,
           "how a photo's own pixels move with its latent, and what it cannot show")
    residual = _stage(stages, "residual", _residual, "what a photo shows and its latent does not, for styles")
    residual.add_argument("--photos", type=Path, help="folder of aligned photos that join those of DATA/faces")
    residual.add_argument("--restyled", type=named_folder, action="append", default=[], metavar="STYLE=FOLDER",
                          help="photos under their own names as the teacher of an installed style restyles them; again "
                               "for each such style. The others must only stay clean")
    residual.add_argument("--refined", type=natural, default=400,
                          help="restyled photos that are seen again by inversions refined on them")
    _stage(stages, "steering", _steering, "what moves one measure of a face, such as its smile, and no other")
    add_style(stages)
    add_paper_stages(stages)


def _stage(stages: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    former = {"tops": ["heads"], "residual": ["detail"]}            # other names of a stage
    parser = stages.add_parser(name, help=text, description=text, formatter_class=Help, aliases=former.get(name, []))
    parser.set_defaults(run=run)
    parser.add_argument("data", type=Path,
                        help="folder with splits.json, faces/, clips/, identity/, perceptual/, directions/")
    parser.add_argument("--bundle", type=Path, required=True,
                        help="bundle whose other parts the stage uses, and starts from")
    add_run_options(parser, steps=2000)
    return parser


def _run(stage: Any, options: argparse.Namespace) -> None:
    from ..training.loop import LoopConfig, run
    run(stage, LoopConfig(options.out, options.steps, options.minutes, settings=options.settings))
    print(json.dumps(stage.measure()))


def _prepared(options: argparse.Namespace) -> None:
    from ..losses.networks import PLACES, MobileFaceNet, SqueezePerceptual
    for name in (PLACES[MobileFaceNet], PLACES[SqueezePerceptual]):
        if not (options.data / name).is_file():
            raise InputError(f"{options.data} has no {name}: name the folder of the training data.")
    use_threads(options)


def _at_least(least: int, name: str, options: argparse.Namespace) -> None:
    count = getattr(options, name)
    if count < least:
        raise InputError(f"--{name} is {count}: choose {least} or more.")


def _judges(options: argparse.Namespace) -> tuple[Any, Any]:
    from ..losses.networks import light_judges
    return light_judges(options.data)


def _network(kind: type, options: argparse.Namespace, part: str) -> Any:
    """A part of the bundle, trainable."""
    from ..checkpoint import load_network
    return load_network(kind, options.bundle / part).requires_grad_(True)


def _tops(options: argparse.Namespace) -> None:
    from ..models.mobile_stylegan import MobileDecoder
    from ..training.light.tops import TopsConfig, TopsStage, fit_head, make_targets
    config = settings(TopsConfig, options, size=options.size)
    _at_least(config.held_out + config.batch, "images", options)
    if options.dry_run:
        return
    _prepared(options)
    decoder, cache = _network(MobileDecoder, options, "decoder"), options.out / "targets"
    if not (cache / "ws.npy").exists():
        make_targets(decoder, cache, options.images)
    stage = TopsStage(decoder, _judges(options)[0], cache, config)
    if not (options.refine or (options.out / "state.pt").exists()):
        fit_head(decoder, config.size, stage.ws[:100], stage.images[:100])
    _run(stage, options)


def _inversion(options: argparse.Namespace) -> None:
    from ..data.splits import edit_directions, read_faces
    from ..models.inversion import InversionEncoder
    from ..models.mobile_stylegan import MobileDecoder
    from ..training.light.inversion import InversionConfig, InversionStage, fit_new_layers
    from ..training.light.pairs import PairsConfig, make_pairs
    config = settings(InversionConfig, options, steps=options.steps)
    _at_least(100, "pairs", options)        # a fiftieth of them is held out
    if options.dry_run:
        return
    _prepared(options)
    decoder, cache = _network(MobileDecoder, options, "decoder"), options.out / "pairs"
    perceptual, identity = _judges(options)
    make_pairs(decoder, cache, PairsConfig(count=options.pairs, side=config.side), edit_directions(options.data))
    fresh = not (options.bundle / "inversion").is_dir()
    encoder = InversionEncoder() if fresh else _network(InversionEncoder, options, "inversion")
    stage = InversionStage(encoder, decoder, cache, read_faces(options.data, config.side), perceptual, identity, config)
    if fresh and not (options.out / "state.pt").exists():
        encoder.w_avg.copy_(decoder.w_avg)
        encoder.body.load_state_dict({name: identity.state_dict()[name] for name in encoder.body.state_dict()})
        fit_new_layers(encoder, stage.images, stage.ws)
    _run(stage, options)


def _motion(options: argparse.Namespace) -> None:
    import torch

    from ..data.splits import read_faces
    from ..metrics.face_motion import SIGNALS
    from ..models.inversion import InversionEncoder
    from ..models.mobile_stylegan import MobileDecoder
    from ..models.motion import MotionNetwork
    from ..training.light.calibration import Calibration, match
    from ..training.light.motion import MotionConfig, MotionPrior, MotionStage, PriorStage, Trajectories, first_frames
    from ..training.light.trajectories import TrajectoryConfig, find_trajectories
    from ..training.loop import LoopConfig, run
    config = settings(MotionConfig, options, steps=options.steps)
    if options.dry_run:
        return
    _prepared(options)
    decoder, encoder = _network(MobileDecoder, options, "decoder"), _network(InversionEncoder, options, "inversion")
    network = MotionNetwork()
    network.warm_start(encoder)
    cache = options.out / "trajectories.pt"
    if not cache.exists():
        options.out.mkdir(parents=True, exist_ok=True)
        found = find_trajectories(options.data, decoder, encoder, _judges(options)[1], read_faces(options.data, 128),
                                  TrajectoryConfig())
        torch.save([vars(part) for part in found], cache)
    parts = torch.load(cache, weights_only=True)
    data, calibration = Trajectories(**parts[0]), Calibration(**parts[1])
    stage = PriorStage(MotionPrior(network.style), data)
    run(stage, LoopConfig(options.out / "prior", options.prior_steps, options.minutes))
    w0, images = first_frames(decoder, data, options.frames, network.config.input_size)
    _run(MotionStage(network, stage.average, data, w0, images, config), options)
    spread = match(network, decoder, calibration)
    network.save_pretrained(options.out / "motion-calibrated")
    print(json.dumps({"spread": dict(zip(SIGNALS, spread.tolist()))}))


def _dense_motion(options: argparse.Namespace) -> None:
    from ..models.dense_motion import DenseMotion
    from ..models.inversion import InversionEncoder
    from ..models.matte import MatteNetwork
    from ..models.mobile_stylegan import MobileDecoder
    from ..models.steering import Steering
    from ..training.light.dense_motion import DenseMotionConfig, DenseMotionStage
    from ..training.light.dense_motion_data import dense_motion_data
    from ..training.light.posed import kept_people
    config = settings(DenseMotionConfig, options, steps=options.steps)
    if options.dry_run:
        return
    _prepared(options)
    decoder = _network(MobileDecoder, options, "decoder").requires_grad_(False)
    encoder = _network(InversionEncoder, options, "inversion").requires_grad_(False)
    perceptual, identity = _judges(options)
    data = dense_motion_data(options.data, options.out / "cache", decoder, encoder, identity)
    begun = (options.bundle / "dense_motion").is_dir()
    network = _network(DenseMotion, options, "dense_motion") if begun else DenseMotion()
    matte = (_network(MatteNetwork, options, "matte").requires_grad_(False)
             if (options.bundle / "matte").is_dir() else None)
    people = (kept_people(decoder, _network(Steering, options, "steering").directions,
                          options.out / "cache" / "posed.pt")
              if (options.bundle / "steering").is_dir() else None)
    stage = DenseMotionStage(
        network, decoder, encoder, data.clips, data.held_out, data.landmarks, perceptual, matte, people, config)
    _run(stage, options)


def _residual(options: argparse.Namespace) -> None:
    from ..models.inversion import InversionEncoder
    from ..models.mobile_stylegan import MobileDecoder
    from ..models.residual import ResidualEncoder
    from ..styles import find_styles, load_style
    from ..training.light.dense_motion_data import follow_landmarks
    from ..training.light.residual import ResidualConfig, ResidualStage
    from ..training.light.residual_data import SIDE, photo_files, read_photos, with_refined
    config, restyled = settings(ResidualConfig, options, steps=options.steps), dict(options.restyled)
    installed = find_styles(options.bundle.parent / "styles")
    if unknown := sorted(set(restyled) - set(installed)):
        raise InputError(f"There is no style {unknown[0]!r} beside {options.bundle}: install it, or leave it out.")
    if options.dry_run:
        return
    _prepared(options)
    restyled = by_name(options.restyled)
    decoder, encoder = _network(MobileDecoder, options, "decoder"), _network(InversionEncoder, options, "inversion")
    decoder.requires_grad_(False)
    encoder.requires_grad_(False)          # refining would find its gradients for nothing
    styles = {name: load_style(info.folder, decoder)[0].top(SIDE) for name, info in installed.items()}
    options.out.mkdir(parents=True, exist_ok=True)
    photos, held_out = (
        read_photos(photo_files(options.data, options.photos, kept), options.out / f"{part}.pt", encoder, restyled)
        for part, kept in (("photos", False), ("held_out", True)))
    photos = with_refined(photos, encoder, decoder, options.refined, options.out / "refined.pt")
    begun = (options.bundle / "residual").is_dir()
    network = _network(ResidualEncoder, options, "residual") if begun else ResidualEncoder()
    landmarks = follow_landmarks(options.data, decoder, options.out / "landmarks.pt")
    stage = ResidualStage(network, decoder, styles, photos, held_out, _judges(options)[0], landmarks, config)
    _run(stage, options)


def _steering(options: argparse.Namespace) -> None:
    from ..checkpoint import save_network
    from ..models.inversion import InversionEncoder
    from ..models.mobile_stylegan import MobileDecoder
    from ..training.light.steering import SteeringConfig, find_steering
    config = settings(SteeringConfig, options)
    if options.dry_run:
        return
    _prepared(options)
    decoder, encoder = _network(MobileDecoder, options, "decoder"), _network(InversionEncoder, options, "inversion")
    network = find_steering(options.data, decoder, encoder, _judges(options)[1], config)
    save_network(network, options.out / "steering")
    print(json.dumps({"norms": network.directions.norm(dim=1).tolist()}))
