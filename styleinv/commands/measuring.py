"""Verbs that measure: evaluate, bench."""

import argparse
from pathlib import Path
from typing import Any

from ..errors import InputError
from .shared import Bar, add_report_options, add_verb, by_name, load, named_folder, positive, write_report


def add_measuring_verbs(verbs: Any) -> None:
    """Add `evaluate` and `bench`."""
    evaluate = add_verb(verbs, "evaluate", _evaluate, "likeness and motion on an evaluation split", bundle=True)
    evaluate.add_argument("data", type=Path, help="folder with splits.json, faces/ and clips/")
    evaluate.add_argument("--networks", type=Path,
                          help="folder with perceptual/lpips_alex.safetensors; without it LPIPS is left out")
    evaluate.add_argument("--faces", type=positive, help="photos to invert, spread over the split (default: all)")
    evaluate.add_argument("--clips", type=positive, help="clips of each kind (default: as many as real ones)")
    evaluate.add_argument("--styles", type=Path, metavar="FOLDER",
                          help="measure styles instead, against the sets in FOLDER/NAME")
    evaluate.add_argument("--restyled", type=named_folder, action="append", default=[], metavar="STYLE=FOLDER",
                          help="measure instead how near a style comes to its own teacher, by photos that it restyled")
    evaluate.add_argument("--verdict", action="store_true",
                          help="measure the verdict on inversions instead, on photos spoiled on purpose too")
    evaluate.add_argument("--controls", action="store_true",
                          help="measure the controls of pose and expression instead, each over its range")
    evaluate.add_argument("--lasting", action="store_true",
                          help="measure variety over seeds, a minute's steadiness, and eyes by mood instead")
    add_report_options(evaluate)
    bench = add_verb(verbs, "bench", _bench, "frames per second by stage, memory, cold start", bundle=True)
    bench.add_argument("--baseline", "--peer", action="store_true",
                       help="time our StyleGAN2 beside a plain one instead")
    bench.add_argument("--frames", type=int, default=50, help="frames that are timed")
    add_report_options(bench)


def _evaluate(options: argparse.Namespace) -> None:
    from ..evaluation.evaluate import evaluate, format_table
    if options.styles:
        return _evaluate_styles(options)
    if options.restyled:
        return _evaluate_restyled(options)
    if options.verdict:
        return _evaluate_verdict(options)
    if options.controls or options.lasting:
        return _evaluate_motion(options)
    with Bar("evaluate") as bar:
        report = evaluate(load(options), options.data, options.networks, options.faces, options.clips, progress=bar)
    write_report(report, format_table(report), options, "evaluate")


def _evaluate_styles(options: argparse.Namespace) -> None:
    from ..evaluation.evaluate import evaluation_photos
    from ..evaluation.styles import evaluate_styles, format_style_table
    networks = _judges(options)
    pipe, count = load(options), 4 if options.clips is None else options.clips
    people = [pipe.invert(photo, "photo", aligned=True) for photo in evaluation_photos(options.data, count)]
    people += [pipe.sample_face(seed) for seed in range(count)]
    report = evaluate_styles(pipe, options.styles, networks, people)
    write_report(report, format_style_table(report), options, "styles")


def _evaluate_restyled(options: argparse.Namespace) -> None:
    from ..evaluation.evaluate import evaluation_photos
    from ..evaluation.restyled import evaluate_restyled, format_restyled_table
    restyled = by_name(options.restyled)
    photos, networks = evaluation_photos(options.data, options.faces), _judges(options)
    with Bar("restyled") as bar:
        report = evaluate_restyled(load(options), photos, restyled, networks, bar)
    write_report(report, format_restyled_table(report), options, "restyled")


def _judges(options: argparse.Namespace) -> Path:
    if options.networks is None:
        raise InputError(
            "Styles are judged by LPIPS: name the folder of perceptual/lpips_alex.safetensors with --networks.")
    return options.networks


def _evaluate_verdict(options: argparse.Namespace) -> None:
    from ..evaluation.evaluate import evaluation_photos, spread
    from ..evaluation.verdicts import format_verdict_table, tested, verdict_report
    with Bar("verdict") as bar:
        photos = spread(tested(evaluation_photos(options.data, None)), options.faces)
        report = verdict_report(load(options), photos, bar)
    write_report(report, format_verdict_table(report), options, "verdict")


def _evaluate_motion(options: argparse.Namespace) -> None:
    from ..data.splits import trait_directions
    from ..evaluation.controls import control_report, format_control_table
    from ..evaluation.evaluate import evaluation_clips, evaluation_photos
    from ..evaluation.lasting import eye_report, format_lasting_tables, length_report, variety_report
    pipe, count = load(options), options.faces or (20 if options.controls else 4)
    people = [pipe.invert(photo, "photo", aligned=True) for photo in evaluation_photos(options.data, count)]
    if options.controls:
        report = control_report(pipe, people)
        return write_report(report, format_control_table(report), options, "controls")
    report = {"variety": variety_report(pipe, people, evaluation_clips(options.data, options.clips)),
              "length": length_report(pipe, people, trait_directions(options.data)), "eyes": eye_report()}
    write_report(report, format_lasting_tables(report), options, "lasting")


def _bench(options: argparse.Namespace) -> None:
    if options.baseline:
        from .research import bench_baseline
        return bench_baseline(options)
    if options.frames < 9:
        raise InputError("The first eight frames of a clip warm it up: time nine or more.")
    from ..evaluation.speed import bench, format_table
    report = bench(load(options), options.checkpoint, frames=options.frames)
    write_report(report, format_table(report), options, "bench")
