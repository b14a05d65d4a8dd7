"""Videos in and out through the ffmpeg that imageio-ffmpeg brings; none need be installed."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, cast

import imageio_ffmpeg
import numpy as np

from ..errors import InputError


def write_mp4(path: Path, frames: Iterable[np.ndarray], fps: float, crf: int, comment: str = "") -> None:
    """H.264 as every browser plays it. Holds one frame at a time; an odd row or column is doubled.

    Args:
        path: the file to write; one that exists is replaced.
        frames: uint8 [H, W, 3] each, at least one.
        fps: frames a second.
        crf: 0 (lossless) to 51; 16 looks like the source.
        comment: stored in the file's metadata.

    Raises:
        RuntimeError: ffmpeg failed; its own words are in the text.
    """
    frames = map(_even, frames)
    first = next(frames)
    command = [*_encoder(first.shape[1], first.shape[0], fps, crf, comment), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        pipe, errors = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stderr)
        try:
            for frame in chain([first], frames):
                pipe.write(np.ascontiguousarray(frame).data)
            pipe.close()
        except BrokenPipeError:         # ffmpeg gave up; why, it says below
            pass
        except BaseException:           # ours, or Ctrl-C: do not wait for the end of a clip that nobody gets
            process.kill()
            raise
        message = errors.read().decode(errors="replace").strip()
    if process.returncode:
        raise RuntimeError(f"ffmpeg could not write {path}: {message}")


def _encoder(width: int, height: int, fps: float, crf: int, comment: str) -> list[str]:
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-framerate", f"{fps:g}", "-i", "-"]
    # swscale takes the BT.601 matrix unless told; players go by the tags, and without both skin would turn orange.
    convert = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
    tag = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    codec = ["-c:v", "libx264", "-preset", "medium", "-crf", str(crf), "-movflags", "+faststart"]
    comment_tag = ["-metadata", f"comment={comment}"]
    return [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *source, "-vf", f"{convert},{tag}", *codec, *comment_tag]


def _even(frame: np.ndarray) -> np.ndarray:
    """yuv420p stores colour for 2x2 pixels, so both sides must be even."""
    height, width = frame.shape[:2]
    return np.pad(frame, [(0, height % 2), (0, width % 2), (0, 0)], mode="edge") if height % 2 or width % 2 else frame


def read_frames(path: str | Path, fps: float | None) -> Iterator[np.ndarray]:
    """The frames of a video, upright, uint8 [H, W, 3] each, brought to `fps`, or with None each that is stored. Holds one at a time.

    Raises:
        InputError: no video, one without frames, or one that breaks off.
    """
    rate = ["-vf", f"fps={fps:g}"] if fps else ["-fps_mode", "passthrough"]
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", f"file:{path}",
        "-map", "0:v:0", *rate, "-f", "image2pipe", "-c:v", "ppm", "-",
    ]
    found = False
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        pipe = cast(IO[bytes], process.stdout)
        try:
            while pipe.readline():                                # each frame: P6, its size, 255, the pixels
                width, height = map(int, pipe.readline().split())
                pipe.readline()
                pixels = pipe.read(width * height * 3)
                yield np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
                found = True
        except BaseException:                                               # the reader left early
            process.kill()
            raise
    if process.returncode or not found:
        raise InputError(f"{Path(path).name} is not a video that can be read: use an mp4, mov or webm file.")


def frame_rate(path: str | Path) -> float | None:
    """Frames a second that a video says it has; None where it says none."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", f"file:{path}"]               # without an output it only describes
    found = re.search(r"Video: .*?([\d.]+) fps", subprocess.run(command, capture_output=True).stderr.decode(errors="replace"))
    return float(found[1]) if found else None


def read_comment(path: str | Path) -> str:
    """The comment in a video's metadata; empty if there is none or it is no video."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", f"file:{path}", "-f", "ffmetadata", "-"]
    text = subprocess.run(command, capture_output=True).stdout.decode(errors="replace")
    found = re.search(r"^comment=((?:[^\\\n]|\\[\s\S])*)", text, re.MULTILINE)
    return re.sub(r"\\([\s\S])", r"\1", found[1]) if found else ""
