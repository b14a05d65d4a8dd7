"""Examples that `--help` ends with, by verb; the tests parse each of them."""

EXAMPLES = {
    "animate": """
  styleinv animate me.jpg -o me.mp4                           # 4 s, 256 px, close likeness
  styleinv animate me.jpg -o me.webp --seed 3 --motion 1.3 --size 512 --loop pingpong
  styleinv animate me.jpg -o all.mp4 --style all --layout compare    # photo, raw and every style in one grid
  styleinv animate me.jpg -o me.gif --for chat                # below 8 MB, whatever the length
  styleinv animate me.jpg -o me.mp4 --mood talking --expression smile
  styleinv animate me.jpg -o me.mp4 --motion-from her.mp4     # does what she does
  styleinv animate one.jpg two.jpg -o clips --save-recipe     # one clip per photo, into a folder
""",
    "pose": """
  styleinv pose me.jpg -o me.png --turn 10 --smile 0.5
  styleinv pose me.jpg -o wink.png --expression wink --frame photo --size 512
""",
    "sample": """
  styleinv sample -o nobody.mp4 --seed 3
  styleinv sample -o people --seed 3 --count 5 --psi 0.5      # five people, near to the mean face
""",
    "render": """
  styleinv render me.mp4 -o again.mp4                         # from the recipe that the clip carries
  styleinv render me.json -o again.gif --no-mark
""",
    "train": """
  styleinv train style IMAGES --name mine --out runs/mine     # a style of your own, installed at the end
  styleinv train motion DATA --bundle bundle --out runs/motion --dry-run        # prints the settings alone
  styleinv train image DATA --out runs/image --preset lite --set lr=0.003       # the paper's method, on one CPU
""",
}


def epilog(verb: str) -> str | None:
    """What the help of a verb ends with."""
    return "examples:" + EXAMPLES[verb].rstrip() if verb in EXAMPLES else None
