"""Named motions. Each turns kinds of the learned motion up or down, and lays gestures, blinks and glances over it.

What is laid over is ours, not the paper's: seeded, continuous in time, and the same at any frame rate.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..face.expression import SPANS
from .eyes import Blinks, glances
from .tracks import Track, randomness, waves

NAMES = tuple(SPANS)
GESTURES, SMILES, SWAY, PHRASES, SYLLABLES, POSTURES = 2, 3, 4, 5, 6, 7      # streams of randomness
HELD = {"turn": 0.32, "nod": 0.27, "smile": 0.33, "pucker": 0.4, "lids": 0.16, "brows": 0.34}   # spreads, in spans
SHIFT = 0.004                           # sides of the crop: spread of the sway, per degree of roll

Gesture = Callable[[int, np.ndarray, float], dict[str, np.ndarray]]     # seed, seconds [T], until -> spans by measure


@dataclass(frozen=True)
class Laid:
    """What is laid over the learned motion at T moments."""

    amounts: np.ndarray     # of the measures, in spans, [T, 7]
    closed: np.ndarray      # share by which blinks close the eyes, [T]
    gaze: np.ndarray        # controls gaze_x and gaze_y, [T, 2]
    sway: np.ndarray        # degrees of roll, then sides of the crop to the right and down, [T, 3]


@dataclass(frozen=True)
class Mood:
    """How somebody moves."""

    gains: dict[str, float] = field(default_factory=dict)   # factor of each measure's learned motion; 1 if not named
    rest: float = 1.0                   # factor of all that no measure tells
    blinks: float = 17.0                # per minute
    aside: float = 0.5                  # how far the eyes look away, in units of the controls
    sway: float = 0.8                   # degrees, spread of the roll
    postures: float = 1.0               # how far the head and the face are held otherwise, of HELD
    mouth: float = 1.0                  # spans that it is open at rest at most: a photo may have caught it wider
    gestures: tuple[Gesture, ...] = ()

    def factors(self) -> np.ndarray:
        """Of the measures' learned motion, [7]. Blinks are laid over, so what is learned of lids is damped."""
        return np.array([self.gains.get(name, 0.3 if name == "lids" else 1.0) for name in NAMES])

    def at(self, seed: int, seconds: np.ndarray, until: float, strength: np.ndarray) -> Laid:
        """What is laid over at moments [T] of a clip that lasts `until` seconds, as strong as [T]; eyes blink and look
        aside no less for that.
        """
        amounts = np.zeros((len(seconds), len(NAMES)))
        for gesture in (postures(self.postures), *self.gestures):
            for name, amount in gesture(seed, seconds, until).items():
                amounts[:, NAMES.index(name)] += amount
        gaze = np.minimum(strength, 1)[:, None] * glances(seed, self.aside, until)(seconds)
        amounts = strength[:, None] * amounts
        amounts[:, NAMES.index("lids")] -= 0.15 * gaze[:, 1]        # lids follow the eyes down and up
        sway = waves(randomness(seed, SWAY), seconds, 3) * self.sway * np.array([1, SHIFT, SHIFT])
        return Laid(amounts, Blinks.drawn(seed, self.blinks, until)(seconds), gaze, strength[:, None] * sway)


def postures(size: float) -> Gesture:
    """Head and face are held in some way for a few seconds, then in another: nobody comes back to one rest."""
    def gesture(seed: int, seconds: np.ndarray, until: float) -> dict[str, np.ndarray]:
        def draw(generator: np.random.Generator, number: int) -> tuple[float, np.ndarray]:
            return generator.uniform(3, 7), generator.normal(0, 1, len(HELD)).clip(-2, 2)

        generator = randomness(seed, POSTURES)
        held = Track.drawn(generator, draw, until, 0.9, generator.uniform(0.2, 0.6))(seconds).T
        return {name: size * spread * way for (name, spread), way in zip(HELD.items(), held)}

    return gesture


def looking_around(seed: int, seconds: np.ndarray, until: float) -> dict[str, np.ndarray]:
    """The head turns to one side, back, to another."""
    def draw(generator: np.random.Generator, number: int) -> tuple[float, np.ndarray]:
        side = generator.choice([-1, 1]) * generator.uniform(0.45, 0.8) * (number % 3 != 2)
        return generator.uniform(1.3, 2.4), np.array([side, generator.uniform(-0.2, 0.25)])

    turn, nod = Track.drawn(randomness(seed, GESTURES), draw, until, 0.8, 0.3)(seconds).T
    return {"turn": turn, "nod": nod}


def nodding(often: float, size: float) -> Gesture:
    """Two or three nods on end, every `often` seconds or so."""
    def gesture(seed: int, seconds: np.ndarray, until: float) -> dict[str, np.ndarray]:
        def draw(generator: np.random.Generator, number: int) -> tuple[float, np.ndarray]:
            if number % 2 == 0:
                return generator.uniform(0.9, 1.5), np.ones(1)
            return often * generator.uniform(0.5, 1.5), np.zeros(1)

        burst = Track.drawn(randomness(seed, GESTURES), draw, until, 0.25, 0.4 + 0.15 * often)(seconds)[:, 0]
        return {"nod": size * burst * 0.5 * (1 - np.cos(2 * np.pi * 1.7 * seconds))}

    return gesture


def smiling(size: float, lasts: float) -> Gesture:
    """A smile that comes, stays for `lasts` seconds or so, and fades."""
    def gesture(seed: int, seconds: np.ndarray, until: float) -> dict[str, np.ndarray]:
        def draw(generator: np.random.Generator, number: int) -> tuple[float, np.ndarray]:
            high = number % 2 == 0
            return lasts * generator.uniform(0.7, 1.3) * (1 if high else 0.5), np.array([size if high else 0.25 * size])

        smile = Track.drawn(randomness(seed, SMILES), draw, until, 0.7, 0.35)(seconds)[:, 0]
        return {"smile": smile, "lids": -0.12 * smile, "brows": 0.1 * smile}

    return gesture


def speaking(seed: int, seconds: np.ndarray, until: float) -> dict[str, np.ndarray]:
    """Syllables, four to five per second, in phrases with pauses; the brows stress some of them."""
    def phrase(generator: np.random.Generator, number: int) -> tuple[float, np.ndarray]:
        on = number % 2 == 0
        return (generator.uniform(1.2, 3.0), np.ones(1)) if on else (generator.uniform(0.3, 0.8), np.zeros(1))

    def syllable(generator: np.random.Generator, number: int) -> tuple[float, np.ndarray]:
        opened = generator.uniform(0.25, 0.9) if number % 2 == 0 else generator.uniform(-0.05, 0.1)
        return generator.uniform(0.09, 0.14), np.array([opened, generator.normal(0, 0.35), generator.normal(0, 0.1)])

    talks = Track.drawn(randomness(seed, PHRASES), phrase, until, 0.2, 0.25)(seconds)[:, 0]
    mouth, pucker, brows = Track.drawn(randomness(seed, SYLLABLES), syllable, until, 0.09, 0.25)(seconds).T
    return {"mouth": 0.62 * talks * mouth, "pucker": 0.6 * talks * pucker, "brows": talks * brows}


MOODS: dict[str, Mood | None] = {
    "learned": None,            # nothing laid over
    "calm": Mood(dict(turn=0.6, nod=0.6, mouth=0.25, smile=0.6, pucker=0.4), 0.7, blinks=17, aside=0.35, sway=0.6,
                 postures=0.6),
    "lively": Mood(dict(mouth=0.8), 1.0, blinks=25, aside=0.6, sway=1.1, gestures=(smiling(0.35, 2.5),)),
    "talking": Mood(dict(mouth=0.6), 1.0, blinks=22, aside=0.6, sway=1.0, mouth=0.5, gestures=(speaking,)),
    "listening": Mood(dict(turn=0.6, mouth=0.15, pucker=0.3), 0.7, blinks=16, aside=0.4, sway=0.8, postures=0.7,
                      gestures=(nodding(3.5, 0.35), smiling(0.25, 2.0))),
    "look-around": Mood(dict(turn=0.4, mouth=0.25), 0.7, blinks=20, aside=0.8, sway=0.8, postures=0.5,
                        gestures=(looking_around,)),
    "nod": Mood(dict(turn=0.4, nod=0.4, mouth=0.3), 0.7, blinks=18, aside=0.2, sway=0.6, postures=0.5,
                gestures=(nodding(1.2, 0.6),)),
    "smile": Mood(dict(turn=0.7, mouth=0.4), 0.8, blinks=20, aside=0.35, sway=0.9, postures=0.6,
                  gestures=(smiling(0.8, 3.0),)),
}
