"""The verbs of the command line; argparse lives here and in `__main__` alone.

- `rendering`: animate, sample, invert, render; `posing`: pose; `data`: prepare, styles, verify
- `measuring`: evaluate, bench; `research`: convert, generate, compare
- `train_light`, `train_style`, `train_paper`, on `train_options`: train
- `outputs`: names of what is written; `caches`: what a run may reuse; `stopping`: Ctrl-C and SIGTERM
- `shared`: what they have in common; `examples`: what `--help` ends with
"""
