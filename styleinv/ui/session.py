"""What the app remembers of a visitor, and what a visitor orders."""

import shutil
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..clip.clip import WRITERS
from ..clip.recipe import Recipe
from ..inversion import Inversion
from ..motion.driver import Driver
from ..motion.expression import Pose
from .live import Live

KINDS = tuple(suffix.removeprefix(".") for suffix in WRITERS)
ALL = -1            # in the place of a face, all of them
HISTORY = 6         # clips of a visitor that can be seen again


@dataclass(frozen=True)
class Spot:
    """Where a face is in its photo, in parts of the photo's sides."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Order:
    """One clip as it was asked for."""

    recipe: Recipe
    kind: str = "mp4"           # one of KINDS
    mark: bool = True           # show 'AI-generated' in the picture


@dataclass(frozen=True)
class Shot:
    """One of several photos, until it is its turn."""

    name: str
    data: bytes = b""           # a JPEG, made small
    wrong: str = ""             # why there is none


@dataclass(frozen=True)
class Made:
    """A clip that is there."""

    clip: Path                  # mp4
    order: Order
    poster: str = ""            # its first frame, small, as an address
    focus: tuple[float, float] = (0.5, 0.5)     # what a crop keeps in its middle, in parts of the sides
    before: np.ndarray | None = field(default=None, compare=False)      # the photo, uint8 [H, W, 3]
    name: str = ""              # of the photo, if it was one of several,
    mates: "list[Made]" = field(default_factory=list, compare=False)    # and the clips of all of them
    notes: list[str] = field(default_factory=list, compare=False)       # what is to be said of it


@dataclass
class Session:
    """What one visitor's page knows: held in memory, forgotten when the page is left or after an hour."""

    photo: np.ndarray | None = None                             # uint8 [H, W, 3], small, as it is shown
    spots: list[Spot] = field(default_factory=list)             # of the faces, the largest first
    crops: list[np.ndarray] = field(default_factory=list)       # uint8 [S, S, 3] each
    whole: np.ndarray | None = None                             # uint8 [H, W, 3], the photo in which a face can move,
    quads: list[np.ndarray] = field(default_factory=list)       # and where in it each crop lies
    face: int = 0                                               # the chosen one
    batch: list[Shot] = field(default_factory=list)             # if there are several photos: this one is the first
    person: Inversion | None = None                             # one who does not exist, in the place of a photo
    consenting: bool = False                                    # the photo is a real one: its person must agree
    inversions: dict[tuple[int, str], Inversion] = field(default_factory=dict)      # by face and likeness
    refining: dict[int, Future] = field(default_factory=dict)                       # by face
    places: list[Path] = field(default_factory=list)            # folders that refining needs: gone, it stops
    lives: dict[int, Live] = field(default_factory=dict)        # by face, those that were posed
    driver: Driver | None = None                                # of the visitor's video, if clips are to move so
    moods: dict[str, str] = field(default_factory=dict)         # the chosen face in each, as an address
    pose: Pose | None = None                                    # in which the clips of the chosen face begin
    clips: dict[tuple[int, str], dict[Order, Made]] = field(default_factory=dict)   # by face and likeness, by order
    history: list[Made] = field(default_factory=list)           # the latest clips, of earlier photos too
    shown: Made | None = None                                   # what the player plays
    wishes: int = 0                                             # so many clips were asked for, or given up;
    looked: int = 0                                             # when the face was chosen that is there now,
    given_up: int = -1                                          # and when a clip was given up last

    @property
    def ready(self) -> bool:
        """Somebody is there to animate."""
        return bool(self.crops) or self.person is not None

    def wish(self) -> int:
        """A new wish takes the place of all before it; returns its number."""
        self.wishes += 1
        return self.wishes

    def look_at(self, face: int) -> None:
        """Choose a face; what was wished of another is past."""
        self.face, self.shown, self.pose, self.looked = face, None, None, self.wish()
        self.moods.clear()

    def move_as(self, driver: Driver | None) -> None:
        """Clips do from now on what is done in a video."""
        self.driver = driver
        self.clips.clear()

    def begin_in(self, pose: Pose | None) -> None:
        """Clips begin in this expression from now on."""
        self.pose = pose
        for key in [key for key in self.clips if key[0] in (self.face, ALL)]:
            del self.clips[key]

    @property
    def untouched(self) -> bool:
        """Nothing was wished of the face yet: the player is free to show it."""
        return self.wishes == self.looked

    def leave_photo(self) -> None:
        """Forget the photo, and stop what is made of it; finished clips stay."""
        for future in self.refining.values():
            future.cancel()
        for place in self.places:
            shutil.rmtree(place, ignore_errors=True)
        self.photo = self.whole = self.person = None
        self.consenting = False
        for known in (self.spots, self.crops, self.quads, self.inversions, self.refining, self.places, self.clips,
                      self.lives, self.batch):
            known.clear()
        self.look_at(0)

    def clear(self) -> None:
        """Forget everything."""
        self.leave_photo()
        self.driver = None
        self.history.clear()

    def made(self, face: int, likeness: str) -> dict[Order, Made]:
        """The clips of a face, or of ALL; what is added to it is remembered."""
        return self.clips.setdefault((face, likeness), {})

    def keep(self, made: Made) -> None:
        """The player plays it now; it comes first in the history."""
        self.shown = made
        self.history[:] = [made, *(other for other in self.history if other.clip != made.clip)][:HISTORY]
