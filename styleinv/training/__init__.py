"""Training: never imported by the pipeline or the app.

- `loop`: the one loop, and what a stage is; `distributed`: the processes that train together
- `optim`: averages of weights, Ranger; `fields`: what a setting may be; `times`: which frames a discriminator sees
- `light/`: the stages of the default bundle, for a CPU
- `paper/`: the stages of the paper, for GPUs
"""
