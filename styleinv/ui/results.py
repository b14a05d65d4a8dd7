"""The clips of one press of a button, one after the other, as the player can show them."""

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import gradio as gr

from ..inversion import Inversion
from .player import Shown
from .session import KINDS, Order
from .studio import Studio
from .texts import say


@dataclass(frozen=True)
class Results:
    """An order for one face: the original first, then the style, then the other formats."""

    studio: Studio
    visitor: str                    # whose folders they go to
    inversion: Inversion
    order: Order
    kinds: Sequence[str] = KINDS    # files to save
    made: MutableMapping[Order, Path] = field(default_factory=dict)     # clips that need not be made again

    def __iter__(self) -> Iterator[Shown]:
        recipe, shown = self.order.recipe, Shown(photo=self.inversion.crop)
        alone = recipe.layout == "compare" or len(recipe.styles) > 1       # such a picture shows the rest itself
        if alone:
            shown = Shown()
        elif recipe.styles:
            shown = replace(shown, raw=self._clip(self.order.raw(), "frames"))
            yield shown
        clip = self._clip(self.order, "styled" if recipe.styles else "frames")
        yield from self._files(replace(shown, clip=clip), clip)

    def _clip(self, order: Order, stage: str) -> Path:
        path = self.made.get(order)
        if not (path and path.is_file()):
            with self.studio.folders.work(self.visitor) as folder:      # its own, so that a cancel leaves the others
                path = self.studio.draw(self.inversion, order, folder, stage)
        self.made[order] = path
        return path

    def _files(self, shown: Shown, clip: Path) -> Iterator[Shown]:
        """The clip can be played while its other formats are made."""
        shown = shown.with_files(clip if "mp4" in self.kinds else None)
        yield shown
        for kind in KINDS[1:]:
            if kind in self.kinds:
                file = self.studio.convert(clip, kind)
                if file is None:
                    return gr.Info(say("too_long_for_pictures"))
                shown = shown.with_files(file)
                yield shown
