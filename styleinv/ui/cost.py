"""How long a clip takes here: for the time that a GPU is asked for, and to refuse what would take too long."""

from dataclasses import dataclass, field

from ..clip.recipe import Recipe

CPU = {256: 0.105, 512: 0.19, 1024: 0.45}       # s a frame with its mp4, on two slow CPU cores; newer ones need a third
FASTER = 5.0                                    # a GPU is at least that much faster; what it really takes is learned
MARGIN = 1.5                                    # over what is expected, since a GPU call that runs out of time is lost
START = 8.0                                     # s, of a GPU call: moving the networks, the first call of each kernel
REFINING = 13.0                                 # s of a close likeness on two CPU cores


@dataclass
class Cost:
    """Expected times on one device. It learns from calls that ended, so that a faster GPU is asked for less time."""

    speed: float = 1.0                                          # times two CPU cores
    known: dict[int, float] = field(default_factory=dict)       # s a frame by size, as measured last

    @classmethod
    def on(cls, device: str) -> "Cost":
        """Of a device type, such as "cpu" or "cuda"."""
        return cls(1.0 if device == "cpu" else FASTER)

    def frames(self, recipe: Recipe, cells: int = 1) -> float:
        """Seconds that the frames of a clip take, or of a grid of so many."""
        rate = self.known.get(recipe.size, CPU.get(recipe.size, max(CPU.values())) / self.speed)
        drawn = len(recipe.styles) + (bool(recipe.styles) and recipe.layout == "compare")
        return recipe.frames * rate * max(cells, drawn)

    def learn(self, recipe: Recipe, seconds: float) -> None:
        """A clip without a style took so long."""
        if not recipe.styles and recipe.frames >= 25:            # fewer say more of the start than of the rate
            self.known[recipe.size] = seconds / recipe.frames

    def gpu_seconds(self, recipe: Recipe, cells: int = 1) -> int:
        """What to ask a GPU for, to draw a clip, or a grid of so many."""
        return round(START + MARGIN * self.frames(recipe, cells))

    def gpu_seconds_to_invert(self) -> int:
        """What to ask a GPU for, to refine a likeness."""
        return round(START + MARGIN * REFINING / self.speed)
