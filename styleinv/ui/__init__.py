"""The app: a photo, or a seed, in; a clip out. `build_demo(pipeline).launch(**launch_options())`."""

from .demo import build_demo
from .theme import launch_options

__all__ = ["build_demo", "launch_options"]
