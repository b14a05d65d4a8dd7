"""Videos in and out through the ffmpeg that imageio-ffmpeg brings; none need be installed."""

import errno
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

import imageio_ffmpeg
import numpy as np

from ..errors import InputError

WHITE = 203         # cd/m2 of paper in HDR, by ITU-R BT.2408: what a screen shows at its brightest

def write_mp4(
    path: Path, frames: Iterable[np.ndarray], fps: float, crf: int, comment: str = "", rate: int | None = None
) -> None:
    """H.264 as every browser plays it. Holds one frame at a time; an odd row or column is doubled.

    Args:
        path: the file to write; one that exists is replaced.
        frames: uint8 [H, W, 3] each, at least one.
        fps: frames a second.
        crf: 0 (lossless) to 51; 16 looks like the source.
        comment: stored in the file's metadata.
        rate: the most bits per second, over any two seconds; as many as `crf` takes if not given.

    Raises:
        RuntimeError: ffmpeg failed; its own words are in the text.
        OSError: the disk is full.
    """
    frames = map(_even, frames)
    first = next(frames)
    with _metadata(comment) as notes:
        command = [*_encoder(first.shape[1], first.shape[0], fps, crf, notes, rate), f"file:{path}"]
        message = _encode(command, chain([first], frames))
    if "No space left on device" in message:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))
    if message:
        raise RuntimeError(f"ffmpeg could not write {path}: {message}")


@contextmanager
def _metadata(comment: str) -> Iterator[Path]:
    """A file that holds the comment as ffmpeg reads it: systems limit the length of an argument."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "comment.txt"
        path.write_text(
            ";FFMETADATA1\ncomment=" + re.sub(r"([\\=;#\n])", r"\\\1", comment) + "\n", "utf-8", newline="\n")
        yield path


def _encode(command: list[str], frames: Iterable[np.ndarray]) -> str:
    """Run ffmpeg on the frames; what went wrong in its words, or nothing."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        pipe, errors = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stderr)
        try:
            for frame in frames:
                pipe.write(np.ascontiguousarray(frame).data)
            pipe.close()
        except BrokenPipeError:         # ffmpeg gave up; why, it says below
            pass
        except BaseException:           # ours, or Ctrl-C: do not wait for the end of a clip that nobody gets
            process.kill()
            raise
        message = errors.read().decode(errors="replace").strip()
    return (message or "it did not say why") if process.returncode else ""


def _encoder(width: int, height: int, fps: float, crf: int, notes: Path, rate: int | None) -> list[str]:
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-framerate", f"{fps:g}", "-i", "-"]
    # swscale takes the BT.601 matrix unless told; players go by the tags, and without both skin would turn orange.
    convert = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
    tag = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    codec = ["-c:v", "libx264", "-preset", "medium", "-crf", str(crf), "-movflags", "+faststart"]
    codec += ["-maxrate", str(rate), "-bufsize", str(2 * rate)] if rate else []
    comment = ["-f", "ffmetadata", "-i", f"file:{notes}", "-map", "0:v", "-map_metadata", "1"]
    return [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *source, *comment, "-vf", f"{convert},{tag}", *codec]


def _even(frame: np.ndarray) -> np.ndarray:
    """yuv420p stores colour for 2x2 pixels, so both sides must be even."""
    height, width = frame.shape[:2]
    return np.pad(frame, [(0, height % 2), (0, width % 2), (0, 0)], mode="edge") if height % 2 or width % 2 else frame


def read_frames(path: str | Path, fps: float | None) -> Iterator[np.ndarray]:
    """The frames of a video, upright, uint8 [H, W, 3] each, brought to `fps`, or with None each that is stored. Holds
    one at a time.

    Whatever the video has, they are of 8 bits; HDR (PQ and HLG) is mapped to the range of a screen.

    Raises:
        InputError: no video, one without frames, or one that breaks off.
    """
    filters = [f"fps={fps:g}"] if fps else []
    rate = [] if fps else ["-fps_mode", "passthrough"]
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", f"file:{path}", "-map", "0:v:0", *rate,
        "-vf", ",".join([*filters, *_to_screen(path), "format=rgb24"]), "-f", "image2pipe", "-c:v", "ppm",
        "-pix_fmt", "rgb24", "-",
    ]
    count = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            for count, frame in enumerate(_pixmaps(cast(IO[bytes], process.stdout)), start=1):      # noqa: B007
                yield frame
        except BaseException:                                               # the reader left early
            process.kill()
            raise
    if process.returncode or not count:
        raise InputError(f"{Path(path).name} is not a video that can be read: use an mp4, mov or webm file.")


def _pixmaps(pipe: IO[bytes]) -> Iterator[np.ndarray]:
    """Each: P6, its size, 255, the pixels. One that is cut off is left out."""
    while pipe.readline():
        width, height = map(int, pipe.readline().split())
        pipe.readline()
        pixels = pipe.read(width * height * 3)
        if len(pixels) < width * height * 3:
            return
        yield np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def _to_screen(path: str | Path) -> list[str]:
    """Filters that bring HDR to a screen's range; none for other videos."""
    if not re.search(r"Video: .*\b(smpte2084|arib-std-b67)\b", _described(path)):
        return []
    return [f"zscale=t=linear:npl={WHITE}", "format=gbrpf32le", "zscale=p=bt709", "tonemap=mobius:desat=0",
            "zscale=t=bt709:m=bt709:r=tv", "format=yuv444p"]


def _described(path: str | Path) -> str:
    """What ffmpeg says of a file: without an output it only describes."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-i", f"file:{path}"]
    return subprocess.run(command, capture_output=True).stderr.decode(errors="replace")


def frame_rate(path: str | Path) -> float | None:
    """Frames a second that a video says it has; None where it says none."""
    found = re.search(r"Video: .*?([\d.]+) fps", _described(path))
    return float(found[1]) if found else None


def read_comment(path: str | Path) -> str:
    """The comment in a video's metadata; empty if there is none or it is no video."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", f"file:{path}", "-f", "ffmetadata", "-"]
    text = subprocess.run(command, capture_output=True).stdout.decode(errors="replace")
    found = re.search(r"^comment=((?:[^\\\n]|\\[\s\S])*)", text, re.MULTILINE)
    return re.sub(r"\\([\s\S])", r"\1", found[1]) if found else ""
