"""What a file says of its origin: by its content credentials, or else by the settings in its metadata."""

from pathlib import Path

from ..clip.clip import read_recipe
from ..clip.provenance import describe, verify
from ..errors import InputError
from .texts import said, say


def origin(path: Path) -> str:
    """One sentence."""
    if verify(path)["signed"]:
        return said(describe(path))
    try:
        recipe = read_recipe(path)
    except InputError:
        return said(describe(path))
    return say("unsigned_ours", name=path.name, version=str(recipe.get("version", "?"))[:20])
