"""Reports: evaluation on a stand-in for the pipeline, speeds by stage, and their tables."""

import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from styleinv.__main__ import build_parser, main
from styleinv.clip.ffmpeg import write_mp4
from styleinv.commands.shared import write_report
from styleinv.errors import InputError
from styleinv.evaluation import evaluate, speed
from styleinv.evaluation.styles import read_set
from styleinv.evaluation.summary import ClipFigures, motion_distance, summarise
from styleinv.evaluation.table import Row, markdown_table, within
from styleinv.metrics.face_motion import MotionStats


def picture(seed: int) -> np.ndarray:
    """A blurred noise, uint8 [256, 256, 3]: measures must not need a face."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return np.array(Image.fromarray(small).resize((256, 256), Image.Resampling.BICUBIC))


class Part:
    """A network whose methods take a known time."""

    def frames(self) -> None:
        time.sleep(0.004)

    def trunk(self) -> None:
        time.sleep(0.002)

    def top(self) -> None:
        time.sleep(0.001)


class Clip:
    """Frames that slide slowly."""

    def __init__(self, pipe: "Pipe", length: int, seed: int):
        self.pipe, self.length, self.seed = pipe, length, seed

    @property
    def frames(self):
        return (self.frame(self.moment(i)) for i in range(self.length))

    def moment(self, number):
        self.pipe.motion.frames()
        return number

    def frame(self, moment):
        self.pipe.decoder.trunk(), self.pipe.decoder.top()
        return np.roll(picture(self.seed), moment // 4, axis=1)


class Pipe:
    """The pipeline's public names without its networks: the inversion is the photo, brighter by its likeness."""

    styles: dict = {}

    def __init__(self):
        self.motion, self.decoder = Part(), Part()

    dense_motion = steering = None

    def invert(self, photo, likeness, aligned):
        assert aligned
        error = {"paper": 40, "fast": 20, "close": 0}[likeness]
        return SimpleNamespace(crop=photo, image=np.clip(photo.astype(int) + error, 0, 255).astype(np.uint8),
                               likeness=error / 40, photo=None)

    def animate(self, inversion, seconds, fps, seed, mood="lively", size=256):
        return Clip(self, round(seconds * fps), seed)

    def renderer(self, inversion, recipe):
        return Clip(self, recipe.frames, recipe.seed)

    def sample_face(self, seed):
        return SimpleNamespace(crop=None, image=picture(seed), likeness=None, photo=None)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name in ("faces", "clips"):
        (folder / name).mkdir()
    for i in range(3):
        Image.fromarray(picture(i)).save(folder / "faces" / f"{i}.png")
    for i in range(2):
        write_mp4(folder / "clips" / f"{i}.mp4", [np.roll(picture(i), t, axis=1) for t in range(40)], 25, 20)
    split = {"faces_eval": ["0.png", "1.png", "2.png"], "clips_eval": ["0", "1"]}
    (folder / "splits.json").write_text(json.dumps(split))
    return folder


def evaluated(data) -> dict:
    """The report on short clips: the descriptor is slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "FRAMES", 32)
        patch.setattr(evaluate, "IDENTITY_STEP", 16)
        return evaluate.evaluate(Pipe(), data, faces=2, likeness=("fast", "close"))


@pytest.fixture(scope="module")
def report(data):
    return evaluated(data)


def test_report_is_json_and_complete(report):
    json.dumps(report, allow_nan=False)
    assert report["inversion"]["fast"]["faces"] == 2
    assert set(report["clips"]) == {"photos", "samples", "real"}
    assert report["clips"]["photos"]["clips"] == report["clips"]["samples"]["clips"] == 2
    assert set(report["judges"]) == {"distance, identity", "lpips", "motion"}


def test_an_equal_inversion_is_perfect_and_a_brighter_one_is_not(report):
    close, fast = report["inversion"]["close"], report["inversion"]["fast"]
    assert close["distance"]["median"] == 0 and close["same_person"] == 1 and close["psnr"] == evaluate.MAX_PSNR
    assert fast["distance"]["median"] == 0.5 and fast["same_person"] == 1
    assert fast["psnr"] == pytest.approx(20 * np.log10(255 / 20), abs=0.7)     # clipping makes the error smaller


def test_frame_0_is_compared_with_the_inversion(report):
    assert report["clips"]["real"]["start"] is None
    assert 0 < report["clips"]["photos"]["start"] < 100                        # the photo is shown, not its inversion
    assert report["clips"]["samples"]["start"] == evaluate.MAX_PSNR


def test_evaluation_is_deterministic(data, report):
    assert evaluated(data) == report


def test_table_shows_targets_and_misses(report):
    table = evaluate.format_table(report)
    assert "| PSNR, median, dB | 22" in table and "<= 0.500, close <= 0.400" in table
    assert "(missed)" in table and "LPIPS-Alex" not in table


def test_a_folder_without_a_split_is_named(tmp_path):
    with pytest.raises(InputError, match="splits.json"):
        evaluate.evaluate(Pipe(), tmp_path)


def figures(yaw: float, identity: float | None = None) -> ClipFigures:
    each = dict.fromkeys(("yaw", "pitch", "mouth", "eyes"), yaw)
    stats = MotionStats(
        seconds=6.0, spread=each, speed=each, jerk=400.0, jump=0.1, torn=1, blinks=2, flicker=1.0, pumping=0.5
    )
    rows = np.random.default_rng(0).standard_normal((8, 12)) * yaw
    return ClipFigures(stats, rows, identity)


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"faces_eval": []}', '{"faces_eval": 1, "clips_eval": []}'])
def test_a_split_without_its_lists_is_named(text, tmp_path):
    (tmp_path / "splits.json").write_text(text)
    with pytest.raises(InputError, match="faces_eval"):
        evaluate.evaluation_photos(tmp_path, 1)


def test_files_of_a_split_are_looked_for_before_the_work(data, tmp_path):
    split = {"faces_eval": ["0.png"], "clips_eval": ["gone"]}
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "0.png").write_text("no picture")
    (tmp_path / "splits.json").write_text(json.dumps(split))
    with pytest.raises(InputError, match="gone.mp4 is listed"):
        evaluate.evaluate(None, tmp_path)
    (tmp_path / "splits.json").write_text(json.dumps(split | {"clips_eval": []}))
    with pytest.raises(InputError, match="clips_eval"):
        evaluate.evaluate(None, tmp_path)
    with pytest.raises(InputError, match="0.png is no image"):
        evaluate.inversion_figures(Pipe(), evaluate.evaluation_photos(tmp_path, 1), "fast", None, lambda *_: None)


def test_style_sets_are_read_strictly(tmp_path):
    Image.fromarray(picture(0)).save(tmp_path / "0.png")
    with pytest.raises(InputError, match="1 images"):
        read_set(tmp_path)
    (tmp_path / "1.png").write_text("no picture")
    with pytest.raises(InputError, match="1.png"):
        read_set(tmp_path)
    Image.fromarray(picture(1)).save(tmp_path / "1.png")
    assert [image.shape for image in read_set(tmp_path)] == [(256, 256, 3)] * 2


@pytest.mark.parametrize("arguments", [
    ["evaluate", "data", "--faces", "0"], ["evaluate", "data", "--clips", "-1"], ["bench", "--frames", "0"],
    ["bench", "--frames", "8"],
    ["bench", "--json", "{folder}"], ["evaluate", "data", "--json", "{folder}/a.txt/b.json"],
    ["compare", "real", "fake", "--networks", "none", "--json", "{folder}/a.txt/b/c.json"],
])
def test_odd_numbers_and_files_end_in_one_sentence_before_the_work(arguments, tmp_path, capsys):
    (tmp_path / "a.txt").touch()
    try:
        code = main([argument.format(folder=tmp_path) for argument in arguments])
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr().err
    assert code == 2 and said.count("\n") == 1 and any(
        word in said for word in ("--faces", "--clips", "--frames", "--json", "nine"))


def test_a_report_s_folder_is_made(tmp_path):
    options = build_parser().parse_args(["bench", "--json", str(tmp_path / "new" / "folder" / "r.json")])
    assert not (tmp_path / "new").exists()
    write_report({"a": 1}, "table", options, "bench")
    assert json.loads(options.json.read_text()) == {"a": 1}


def test_a_table_takes_its_place_in_a_text(tmp_path):
    path = tmp_path / "figures.md"
    path.write_text("# Figures\n\n<!-- bench -->\n| old |\n<!-- end of bench -->\n\nThe end.\n")
    for name, table in (("bench", "| new |"), ("evaluate", "| first |"), ("evaluate", "| second |")):
        write_report({}, table, build_parser().parse_args(["bench", "--markdown", str(path)]), name)
    assert path.read_text() == ("# Figures\n\n<!-- bench -->\n| new |\n<!-- end of bench -->\n\nThe end.\n\n"
                                "<!-- evaluate -->\n| second |\n<!-- end of evaluate -->\n")


def test_networks_that_are_not_there_are_named(data):
    with pytest.raises(InputError, match="LPIPSAlex"):
        evaluate.evaluate(None, data, networks="nowhere")


def test_summary_is_of_medians_and_their_ratios():
    real = [figures(2), figures(4), figures(30)]
    summary = summarise([figures(2, 0.2), figures(2, 0.3), figures(2, 0.4)], real)
    assert summary["ratio"]["spread"]["yaw"] == 0.5 and summary["ratio"]["jerk"] == 1
    assert summary["identity"] == 0.3 and summary["torn"] == 3 and summary["blinks_per_minute"] == 20
    assert summarise(real, real)["ratio"] is None


def test_motion_distance_grows_with_the_difference():
    real = [figures(1), figures(1)]
    assert motion_distance(real, real) == pytest.approx(0, abs=1e-6)           # its halves are equal
    assert motion_distance([figures(1.2)], real) < motion_distance([figures(3)], real)
    assert motion_distance([figures(1)], real[:0]) is None


@pytest.mark.parametrize("value, bounds, met", [
    (1, (0.5, 1.5), True), (0.4, (0.5, 1.5), False), (1.6, (0.5, 1.5), False), (0.3, (None, 0.3), True),
    (34, (35, None), False), (7, None, True),
])
def test_within(value, bounds, met):
    assert within(value, bounds) is met


def test_markdown_table():
    rows = (Row("speed", "a.b", ".1f", {"x": (2.0, None)}), Row("absent", "c"))
    assert markdown_table(rows, {"x": {"a": {"b": 1}}, "y": {}}, "t").splitlines() == [
        "| t | x | y | target |", "| --- | --- | --- | --- |", "| speed | 1.0 (missed) | - | >= 2.0 |",
    ]


def test_stage_times_add_up():
    times = speed.stage_times(Pipe(), picture(0), 256, 20)
    assert 4 <= times["motion_ms"] < 8 and 2 <= times["trunk_ms"] < 5 and 1 <= times["top_ms"] < 4
    total = sum(times[f"{stage}_ms"] for stage in ("motion", "trunk", "top", "other"))
    assert 1000 / times["render_fps"] == pytest.approx(total, rel=0.5)         # the same frames, drawn twice


def test_stopwatches_leave_no_trace():
    pipe = Pipe()
    with speed.stopwatches(pipe) as spent:
        pipe.decoder.top()
    assert spent["top"] > 0 and vars(pipe.decoder) == vars(pipe.motion) == {}


def test_bench_table(monkeypatch):
    monkeypatch.setattr(speed, "_in_new_process", lambda work, folder, length: 700.0 + length)
    monkeypatch.setattr(speed, "cold_seconds", lambda folder, photo: 12.0)
    pipe = Pipe()
    pipe.sample = lambda **options: SimpleNamespace(frames=[picture(0)])
    report = speed.bench(pipe, "somewhere", sizes=(256,), frames=4)
    json.dumps(report)
    table = speed.format_table(report)
    assert "| peak memory, 1,500 frames, MB | 2200 (missed) | <= 1500 |" in table
    assert "motion and decoding, frames/s" in table and ">= 8.0" in table


@pytest.mark.skipif(speed.peak_memory() is None, reason="the system does not report peak memory")
def test_peak_memory_is_of_the_new_process():
    ballast = np.ones(50_000_000)                                               # 400 MB here, none of it there
    assert speed._in_new_process(speed.peak_memory) < speed.peak_memory() and len(ballast)
