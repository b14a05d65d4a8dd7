"""A pipeline that finds out once how a face answers, however often a test meets that face."""

from collections import defaultdict
from dataclasses import replace

from styleinv import StyleInVPipeline
from styleinv.inversion import Inversion
from styleinv.motion.answers import Answers


class Remembering(StyleInVPipeline):
    """The bundle: what is found of a face depends on its latents and its crop alone."""

    def __init__(self, *networks):
        super().__init__(*networks)
        self.answers = defaultdict(Answers)

    def invert_crop(self, crop, *settings, **named):
        return self._known(super().invert_crop(crop, *settings, **named))

    def sample_face(self, *settings, **named):
        return self._known(super().sample_face(*settings, **named))

    def _clip(self, inversion, *settings):
        return super()._clip(self._known(inversion), *settings)

    def _known(self, found: Inversion) -> Inversion:
        crop = None if found.crop is None else found.crop.tobytes()
        key = found.w0.numpy().tobytes(), found.detail.numpy().tobytes(), crop, bool(found.photo), found.carried
        return replace(found, answers=self.answers[hash(key)])
