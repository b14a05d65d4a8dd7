"""The app: a photo, or a seed, in; a clip out. `build_demo(pipeline).launch(**launch_options())`.

- `demo`: the page, of the `tabs`; `web`: its style sheet and scripts; `theme`; `texts` in `locales`; `address`
- `studio`: the work behind the buttons; `research`: that of the Researcher tab; `cost`: how long it takes
- `session`: what is remembered of a visitor; `folders`: files; `visitors`: forgetting them; `gate`: what is too large
- `picker`: the photo and its faces; `gallery`: styles; `controls`: settings and buttons; `pictures` of the page
- `player`: where clips appear; `results`: those of one press; `grid`: many in one picture
- `api`: for programs and agents; `spoken`: whatever goes wrong, in one sentence
"""

from .demo import build_demo
from .theme import launch_options

__all__ = ["build_demo", "launch_options"]
