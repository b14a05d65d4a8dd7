"""The app: a photo, or a seed, in; a clip out. `build_demo(pipeline).launch(**launch_options())`.

- `demo`: the page, of the `tabs`; `web`: its style sheet and scripts; `theme`; `address`
- `texts`: the words, in `locales`; `language`: the one that the page's address asks for
- `zone`: the way in; `picker`: the photo and its faces; `gallery`, `stills` and `moods`: styles and moods on the
  visitor's own face; `controls`: settings, from `clip.recipe`; `pictures` of the page
- `player`: where clips appear; `wishes`: the last one wins; `export`: what is sent; `grid`: many in one picture
- `batch`: several photos at once; `group`: all faces of one; `driving`: motion from a video; `live`: a face that
  answers to sliders and to the hand that drags it
- `studio`: the work behind the buttons; `turns`: who draws next; `progress`: how far it is; `cost`: how long it takes;
  `research`: the work of the Researcher tab; `origin`: that of Verify
- `session`: what is remembered of a visitor; `visitors`: forgetting them
- `folders`: files; `fetching`: their addresses; `gate`: what is too large
- `api`: for programs; `agents`: what these get of it; `spoken`: whatever goes wrong, in one sentence
"""

from .demo import build_demo
from .theme import launch_options

__all__ = ["build_demo", "launch_options"]
