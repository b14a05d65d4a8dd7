"""An inversion, a face as the decoder knows it; and close likeness: refining one on its photo."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .errors import InputError, Progress
from .face.carried import Photo
from .face.detection import align_one, find_faces
from .face.photo import Source, load_photo
from .face.verdict import DOUBTFUL, Verdict
from .models.inversion import InversionEncoder
from .models.mobile_stylegan import MobileDecoder
from .models.ops import resize
from .motion.answers import Answers
from .motion.expression import Pose

MAX_LATENT = 100        # far beyond any face


@dataclass(frozen=True)
class Inversion:
    """A face as the decoder knows it."""

    w0: torch.Tensor        # [w_dim], the latent that motion starts from
    detail: torch.Tensor    # [num_ws, w_dim], offsets of the style rows, held over the clip
    image: np.ndarray       # uint8 [256, 256, 3], the decoded face
    crop: np.ndarray | None = None      # uint8 [S, S, 3], the aligned face of the photo; None for a sample
    likeness: float | None = None       # distance of face descriptors, crop to image: below 0.6 for one person
    photo: Photo | None = None          # what clips carry; None: every pixel is drawn,
    carried: bool = False               # or a sample, whose own picture is carried like a photo
    verdict: Verdict | None = None      # whether it shows the person of the crop; None for a sample
    pose: Pose | None = None            # how its clips begin; None: as the photo
    answers: Answers = field(default_factory=Answers, compare=False, repr=False)   # of its bundle, by trying
    others: tuple["Inversion", ...] = ()    # other faces of the photo that move too

    @property
    def ws(self) -> torch.Tensor:
        """[num_ws, w_dim], what the decoder reads."""
        return self.w0 + self.detail

    def latents(self) -> dict[str, Any]:
        """The latents as a recipe holds them, float16 in base64."""
        packed: dict[str, Any] = {"w0": _pack(self.w0)}
        packed |= {"detail": _pack(self.detail)} if self.detail.any() else {}
        packed |= {"pose": pack_pose(self.pose)} if self.pose else {}
        return packed | ({"others": [face.latents() for face in self.others]} if self.others else {})

    def named(self) -> dict[str, Any]:
        """How a recipe names the photo and the faces of it that move."""
        if self.photo is None:
            return {}
        others = {"others": [face.photo.face for face in self.others if face.photo]}
        return self.photo.named() | (others if len(self.photo.neighbours) else {})

    @property
    def faces(self) -> "tuple[Inversion, ...]":
        """All that move."""
        return self, *self.others

    def seeds(self, seed: int | None) -> list[int]:
        """Of the motion of each face: its own, or as far from the first one's as that is."""
        first = self.seed if seed is None else seed
        return [(first + face.seed - self.seed) % 2**63 for face in self.faces]

    @property
    def seed(self) -> int:
        """The seed of its motion, if none is asked for: so that two friends do not move alike."""
        return int.from_bytes(hashlib.sha256(self.w0.cpu().numpy().tobytes()).digest()[:3])


def read_latents(recipe: Mapping[str, Any], num_ws: int, w_dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """w0 [w_dim] and detail [num_ws, w_dim] of a recipe.

    Raises:
        InputError: they are missing, damaged, or of another decoder.
    """
    if "w0" not in recipe:
        raise InputError("The recipe is without the face's latents: use the .json that --save-recipe wrote beside the "
                         "clip, or a clip saved with --embed-recipe.")
    try:
        w0 = _unpack(recipe["w0"]).view(w_dim)
        detail = _unpack(recipe["detail"]).view(num_ws, w_dim) if "detail" in recipe else torch.zeros(num_ws, w_dim)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError("The recipe holds no latents that fit: use one that StyleInV wrote.") from error
    if not all(bool(torch.isfinite(x).all()) and float(x.abs().max()) < MAX_LATENT for x in (w0, detail)):
        raise InputError(
            f"The recipe holds latents that are no numbers below {MAX_LATENT}: use one that StyleInV wrote.")
    return w0, detail


def together(found: Sequence[Inversion], refused: Sequence[str]) -> Inversion:
    """Faces of one photo as the first of them, with the others.

    Args:
        found: one or more.
        refused: what is to be said of faces that stay still.
    """
    first, *others = found
    doubts = [f"Face {face.photo.face}: {face.verdict.sentence}" for face in found
              if face.photo and face.verdict and face.verdict.sentence]
    said = " ".join([*doubts, *refused])
    return replace(first, others=tuple(others), verdict=Verdict(DOUBTFUL, said) if said else first.verdict)


def with_photo(inversion: Inversion, named: Any, source: Source | None, size: int) -> Inversion:
    """An inversion with the photo that a recipe names, and the crops of its faces, `size` px.

    Raises:
        InputError: there is no photo, or it is another one.
    """
    if source is None:
        raise InputError("The clip carries its photo's own pixels, which no recipe holds: name the photo too.")
    image, numbers = load_photo(source), _numbers(named)
    if len(numbers) != len(inversion.faces):
        raise InputError("The recipe is not whole: use one that StyleInV wrote.")
    if Photo.of_crop(image).named()["sha256"] != named.get("sha256"):
        raise InputError("That is another photo than the one in the recipe: name the one from which the clip was made.")
    faces, alone = find_faces(image), "others" not in named
    first, *others = (replace(one, crop=align_one(image, faces, number, size),
                              photo=Photo.of_face(image, faces, number, alone), carried=False)
                      for one, number in zip(inversion.faces, numbers))
    return replace(first, others=tuple(others))


def _numbers(named: Any) -> list[int]:
    """Of the faces that a recipe names, none if it is not whole."""
    given = [named.get("face"), *(named.get("others") or [])] if isinstance(named, dict) else []
    return given if all(type(number) is int for number in given) else []


def read_others(recipe: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a recipe holds of the other faces that move.

    Raises:
        InputError: it is damaged, or they are without a photo.
    """
    others = recipe.get("others") or []
    if not isinstance(others, list) or not all(isinstance(other, Mapping) for other in others) or (
            others and not recipe.get("photo")):
        raise InputError("The recipe is not whole: use one that StyleInV wrote.")
    return others


def pack_pose(pose: Pose) -> dict[str, Any]:
    """A pose as a recipe holds it."""
    return {"offsets": _pack(pose.offsets), "gaze": list(pose.gaze), "tilt": pose.tilt}


def read_pose(recipe: Mapping[str, Any], w_dim: int) -> Pose | None:
    """The pose of a recipe, if it has one.

    Raises:
        InputError: it is damaged, or of another decoder.
    """
    packed = recipe.get("pose")
    if packed is None:
        return None
    try:
        pose = Pose(_unpack(packed["offsets"]).view(2, w_dim), (float(packed["gaze"][0]), float(packed["gaze"][1])),
                    float(packed["tilt"]))
    except (KeyError, TypeError, ValueError, RuntimeError, IndexError) as error:
        raise InputError("The recipe holds no pose that fits: use one that StyleInV wrote.") from error
    numbers = [float(pose.offsets.abs().max()), *map(abs, pose.gaze), abs(pose.tilt)]
    if not all(number < MAX_LATENT for number in numbers):      # nan is below nothing
        raise InputError(f"The recipe holds a pose that is no numbers below {MAX_LATENT}: use one that StyleInV wrote.")
    return pose


def _pack(x: torch.Tensor) -> str:
    return base64.b64encode(x.cpu().numpy().astype("<f2").tobytes()).decode()


def _unpack(text: str) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32))


@dataclass(frozen=True)
class RefineConfig:
    steps: int = 26             # optimisation steps
    lr: float = 0.04            # peak learning rate
    side: int = 256             # px at which images are compared
    features: float = 1.0       # weight of the distance in the encoder's features
    pixel: float = 1.0          # weight of the mean squared error
    detail: float = 0.05        # weight of the mean square of the detail rows, over W's variance


def refine(
    encoder: InversionEncoder,
    decoder: MobileDecoder,
    crop: torch.Tensor,
    w0: torch.Tensor,
    detail: torch.Tensor,
    config: RefineConfig = RefineConfig(),
    progress: Progress | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """w0 [1, w_dim] and detail [1, num_ws, w_dim] that show the crop [1, 3, S, S] better than those given,
    by a perceptual distance in the encoder's own features.

    Networks stay as they are; the same arguments give the same result.
    """
    target = resize(crop, config.side)
    wanted = unit_features(encoder, target)
    w0, detail = w0.clone().requires_grad_(True), detail.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([w0, detail], config.lr, betas=(0.9, 0.95))
    with torch.enable_grad():
        for step in range(config.steps):
            optimizer.param_groups[0]["lr"] = config.lr * min(1.0, 2.0 * (1 - step / config.steps))
            image = decoder.synthesis(w0[:, None] + detail, config.side)                # [1, 3, side, side]
            loss = (
                config.features * feature_distance(unit_features(encoder, image), wanted).mean()
                + config.pixel * F.mse_loss(image, target)
                + config.detail * detail.square().mean()
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if progress:
                progress(step + 1, config.steps)
    return w0.detach(), detail.detach()


def unit_features(encoder: InversionEncoder, images: torch.Tensor) -> list[torch.Tensor]:
    """The encoder's features of images [N, 3, S, S], each position scaled to unit length over the channels."""
    return [F.normalize(x, dim=1) for x in encoder.features(images)]


def feature_distance(a: list[torch.Tensor], b: list[torch.Tensor]) -> torch.Tensor:
    """Squared distance of unit features, averaged over positions and summed over groups: [N] (LPIPS without its
    heads).
    """
    return sum((x - y).square().sum(dim=1).mean(dim=(1, 2)) for x, y in zip(a, b))
