"""Signals, disks, folders and systems other than the one at hand."""

import errno
import os
import runpy
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from styleinv import StyleInVPipeline, checkpoint
from styleinv import __main__ as cli
from styleinv.clip.clip import Clip
from styleinv.errors import InputError
from styleinv.files import CHECKPOINTS, included, replacing

ROOT = Path(__file__).parent.parent

SLOW = """
import sys, time
from pathlib import Path
import numpy as np
from styleinv import __main__ as cli
from styleinv.clip.clip import Clip
from styleinv.commands import rendering

def frames(start, stop):
    print("drawing", flush=True)
    time.sleep(0.2)
    return np.random.default_rng(start).integers(0, 256, (stop - start, 64, 64, 3), np.uint8)

class Pipe:
    def sample(self, psi, recipe):
        return Clip(frames, 5000, 25, {})

rendering.load = lambda options: Pipe()
sys.exit(cli.main(["sample", "-o", sys.argv[1]]))
"""


@pytest.mark.parametrize("sent, code", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("suffix", ["mp4", "webp", "gif"])
def test_a_signal_leaves_nothing(tmp_path, sent, code, suffix):
    call = [sys.executable, "-c", SLOW, str(tmp_path / f"a.{suffix}")]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        for _ in range(3):
            process.stdout.readline()
        process.send_signal(sent)
        said = process.stderr.read()
    assert process.returncode == code and said == "styleinv: stopped; nothing half-written was left.\n"
    assert [*tmp_path.iterdir()] == []


def test_ctrl_c_while_the_command_line_is_imported(monkeypatch, capsys):
    """An import that is interrupted raises ImportError, or anything."""
    def interrupted():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        except KeyboardInterrupt as error:
            raise ImportError("numpy failed") from error

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(cli, "build_parser", interrupted)
    assert cli.main([]) == 130 and capsys.readouterr().err == "styleinv: stopped; nothing half-written was left.\n"
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("error, sentence", [
    (OSError(errno.ENOSPC, "No space left on device", "a.mp4"), "a.mp4: the disk is full: make room and try again."),
    (OSError(errno.ENOSPC, "No space left on device"), "The disk is full: make room and try again."),
    (PermissionError(errno.EACCES, "no", "x.json"),
     "x.json: there is no right to do that: give yourself the right, or choose another place."),
    (OSError(errno.ENAMETOOLONG, "long", "n" * 300), "n" * 100 + ": the name is too long: choose a shorter one."),
])
def test_what_the_system_refuses(monkeypatch, capsys, error, sentence):
    def run(options):
        raise error

    monkeypatch.setattr("styleinv.commands.data._verify", run)
    assert cli.main(["verify", "x"]) == 2 and capsys.readouterr().err == f"styleinv: {sentence}\n"


def test_ffmpeg_on_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("styleinv.clip.ffmpeg._encode",
                        lambda *_: "av_interleaved_write_frame(): No space left on device")
    clip = Clip(lambda start, stop: np.zeros((stop - start, 64, 64, 3), np.uint8), 9, 25, {})
    with pytest.raises(OSError) as caught:
        clip.save(tmp_path / "a.mp4")
    assert caught.value.errno == errno.ENOSPC and [*tmp_path.iterdir()] == []


def test_a_full_folder_is_no_folder_without_rights(tmp_path, monkeypatch):
    def touch(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "touch", touch)
    with pytest.raises(OSError) as caught, replacing(tmp_path / "a.mp4"):
        pass
    assert caught.value.errno == errno.ENOSPC and not isinstance(caught.value, InputError)


def test_help_is_instant():
    """Without torch, which takes seconds."""
    code = ("import sys, styleinv; from styleinv.__main__ import build_parser; build_parser().format_help(); "
            "print(*[m for m in ('torch', 'diffusers', 'dlib', 'gradio') if m in sys.modules])")
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        times.append(time.perf_counter() - begin)
        assert done.stdout.strip() == ""
    assert min(times) < 1.5             # 0.2 s; the machine may have other work


def test_line_endings_of_the_bundle_stay():
    """A clone with core.autocrlf, which is usual on Windows, must give the sums that the manifest holds."""
    files = [f"{folder.parent.relative_to(ROOT).as_posix()}/{line.split('  ', 1)[1]}"
             for folder in CHECKPOINTS.glob("*/*SHA256SUMS") for line in folder.read_text().splitlines()]
    sums = [path.relative_to(ROOT).as_posix() for path in CHECKPOINTS.rglob("SHA256SUMS")]
    try:
        asked = subprocess.run(["git", "check-attr", "text", "--", *files, *sums], capture_output=True, text=True,
                               cwd=ROOT, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git, or no repository")
    assert files and all(line.endswith(": text: unset") for line in asked.stdout.splitlines())


def test_the_packages_own_bundle_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint, "snapshot_download", lambda *_, **__: pytest.fail("the Hub is asked"))
    if checkpoint.BUNDLE.is_dir():
        assert StyleInVPipeline.from_pretrained().weights
        assert checkpoint.resolve("checkpoints/ffhq") == checkpoint.BUNDLE
    with pytest.raises(InputError, match="checkpoints/none was not found, here or with the package"):
        checkpoint.resolve("checkpoints/none")


def test_arguments_of_loading(tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(checkpoint, "snapshot_download", lambda name, **known: asked.update(known) or str(tmp_path))
    with pytest.raises(InputError, match="SHA256SUMS"):
        StyleInVPipeline.from_pretrained("ann/bundle", torch_dtype=torch.float32, revision="v1", cache_dir="c",
                                         local_files_only=True)
    assert {key: asked[key] for key in ("revision", "cache_dir", "local_files_only")} == {
        "revision": "v1", "cache_dir": "c", "local_files_only": True}
    with pytest.raises(InputError, match="torch_dtype is torch.float16"):
        StyleInVPipeline.from_pretrained("ann/bundle", torch_dtype=torch.float16)
    with pytest.raises(InputError, match="no setting 'variant'"):
        StyleInVPipeline.from_pretrained("ann/bundle", variant="fp16")


def test_the_weights_travel_in_the_wheel(tmp_path):
    package = tmp_path / "styleinv"
    assert included(package) == package / "checkpoints"
    (tmp_path / "checkpoints").mkdir()
    assert included(package) == tmp_path / "checkpoints"


def test_the_wheel_is_made_of_the_package_and_the_weights(monkeypatch):
    setuptools = pytest.importorskip("setuptools")
    given: dict = {}
    monkeypatch.setattr(setuptools, "setup", given.update)
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    assert {"styleinv", "styleinv.training.paper", "styleinv.checkpoints"} <= set(given["packages"])
    assert not [name for name in given["packages"] if not name.startswith("styleinv")]
    assert ROOT / given["package_dir"]["styleinv.checkpoints"] == CHECKPOINTS
    settings = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["setuptools"]
    assert settings["package-data"]["styleinv.checkpoints"] == ["**/*"]
