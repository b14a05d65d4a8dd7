"""Videos of frames: folders, zips, images or video files, in any mixture."""

import io
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..clip.ffmpeg import frame_rate, read_frames
from ..errors import FaceError, InputError
from ..face.photo import load_photo
from .names import PICTURES, VIDEOS, is_hidden, natural_order

KEPT = 4 << 30          # bytes of decoded frames that stay in memory


class VideoSet:
    """Videos, each a row of frames. Images in a folder are one video; at the top level each is its own unless
    `clips`.
    """

    def __init__(
        self,
        source: str | Path,             # a folder, or a .zip; subfolders, and video files, are videos
        size: int,                      # side of a frame; larger ones are averaged down
        clips: bool = True,             # images at the top level follow one another in time
        shortest: int = 1,              # frames that a video must have
        fps: float | None = 25.0,       # at which video files are read; None: each frame that they store
        names: set[str] | None = None,  # keep only these file names (without suffix), None for all
        without: Collection[str] = (),    # and leave these out
    ):
        self.source, self.size, self.fps = Path(source), size, fps
        self.counts: dict[str, int] = {}                    # frames of video files, by name
        self.kept: dict[str, np.ndarray] = {}               # what stays in memory, by name,
        self.bytes = 0                                      # and how much that is
        files = [f for f in self._files() if (names is None or Path(f).stem in names) and Path(f).stem not in without]
        groups: dict[str, list[str]] = defaultdict(list)
        for file in files:
            folder = str(Path(file).parent)
            alone = _is_film([file]) or (folder == "." and not clips)
            groups[file if alone else folder].append(file)
        self.videos = [v for v in groups.values() if shortest == 1 or self._length(v) >= shortest]
        self.dropped = len(groups) - len(self.videos)
        if not self.videos:
            text = (f"{source} has no images or videos of {shortest} frames or more: name a folder or .zip of frames "
                    "or videos.")
            raise InputError(text)

    @cached_property
    def lengths(self) -> torch.Tensor:
        """Frames of each video, [V]."""
        return torch.tensor([self._length(video) for video in self.videos])

    def rate(self) -> float | None:
        """Frames per second that the first video file says it has; None where there is none."""
        return next((frame_rate(self.source / video[0]) for video in self.videos if _is_film(video)), None)

    def read(self, video: int, places: list[int]) -> torch.Tensor:
        """Some frames of a video, uint8 [T, size, size, 3]."""
        files = self.videos[video]
        frames = (self._film(files[0], places) if _is_film(files)
                  else np.stack([self._image(files[place]) for place in places]))
        return torch.from_numpy(frames)

    def draw_images(self, count: int, balance: bool = True) -> list[tuple[int, int]]:
        """Places (video, frame) of random frames; with `balance` a random video first, so that long ones do not
        dominate.
        """
        if balance:
            videos = torch.randint(len(self.videos), (count,))
            places = (torch.rand(count) * self.lengths[videos]).long()
        else:
            ends = self.lengths.cumsum(0)
            index = torch.randint(int(ends[-1]), (count,))
            videos = torch.searchsorted(ends, index, right=True)
            places = index - (ends - self.lengths)[videos]
        return list(zip(videos.tolist(), places.tolist()))

    def images(self, places: list[tuple[int, int]]) -> torch.Tensor:
        """Frames at (video, frame), uint8 [N, size, size, 3]; each video is read once."""
        wanted = defaultdict(list)
        for video, place in places:
            wanted[video].append(place)
        found = {video: dict(zip(at, self.read(video, at))) for video, at in wanted.items()}
        return torch.stack([found[video][place] for video, place in places])

    def _files(self) -> list[str]:
        """Names of images and videos, from the folder or the .zip, in order."""
        if self.source.suffix == ".zip":
            if not zipfile.is_zipfile(self.source):
                raise InputError(f"{self.source} is no .zip that can be read: check the name.")
            found = self._archive.namelist()
        elif self.source.is_dir():
            found = [path.relative_to(self.source).as_posix() for path in self.source.rglob("*") if path.is_file()]
        else:
            raise InputError(f"{self.source} is neither a folder nor a .zip: check the name.")
        readable = (name for name in found if name.lower().endswith(PICTURES + VIDEOS) and not is_hidden(name))
        files = sorted(readable, key=natural_order)
        if self.source.suffix == ".zip" and any(_is_film([name]) for name in files):
            raise InputError(f"{self.source} holds video files, which are read from folders alone: unpack it and name "
                             "the folder.")
        return files

    @cached_property
    def _archive(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(self.source)

    def _length(self, video: list[str]) -> int:
        return self._count(video[0]) if _is_film(video) else len(video)

    def _count(self, file: str) -> int:
        """Frames of a video file, which is decoded for it the first time; they stay in memory if all of them fit."""
        if file in self.counts:
            return self.counts[file]
        count, frames, room = 0, [], (KEPT - self.bytes) // (3 * self.size**2)
        for count, frame in enumerate(self._decode(file), start=1):
            if count <= room:
                frames.append(self._shrink(Image.fromarray(frame)))
        if count <= room:
            self._keep(file, np.stack(frames))
        self.counts[file] = count
        return count

    def _film(self, file: str, places: list[int]) -> np.ndarray:
        """Frames of a video file, uint8 [T, size, size, 3]: from memory, or decoded up to the last of them."""
        if file in self.kept:
            return self.kept[file][places]
        frames, wanted = islice(self._decode(file), max(places) + 1), set(places)
        found = {place: self._shrink(Image.fromarray(frame)) for place, frame in enumerate(frames) if place in wanted}
        return np.stack([found[place] for place in places])

    def _decode(self, file: str) -> Iterator[np.ndarray]:
        return read_frames(self.source / file, self.fps)

    def _image(self, name: str) -> np.ndarray:
        if name in self.kept:
            return self.kept[name]
        image = self._shrink(self._open(name))
        if self.bytes + image.nbytes <= KEPT:
            self._keep(name, image)
        return image

    def _keep(self, name: str, frames: np.ndarray) -> None:
        self.kept[name], self.bytes = frames, self.bytes + frames.nbytes

    def _open(self, name: str) -> Image.Image:
        try:
            file = io.BytesIO(self._archive.read(name)) if self.source.suffix == ".zip" else self.source / name
        except (OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{name} in {self.source} is damaged: pack the archive again.") from error
        return open_image(file, f"{name} in {self.source}")

    def _shrink(self, image: Image.Image) -> np.ndarray:
        """The square in the middle at `size`, uint8 [size, size, 3]."""
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        box = (left, top, left + side, top + side)
        kind = Image.Resampling.BOX if side >= self.size else Image.Resampling.BICUBIC
        return np.asarray(image.resize((self.size, self.size), kind, box))


def open_image(file: Path | io.BytesIO, name: str) -> Image.Image:
    """An image in RGB, read as photos are.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return Image.fromarray(load_photo(file, min_side=1))
    except FaceError as error:
        raise InputError(f"{name} is no image that can be read: replace it, or take it out.") from error


def _is_film(video: list[str]) -> bool:
    """Whether a video is a file of its own, not a row of images."""
    return video[0].lower().endswith(VIDEOS)
