"""Stages of the paper: StyleGAN2-ADA, pSp, StyleInV, style transfer.

- `presets`: the paper's data sets and their settings; start here
- `image`, `inversion`, `motion`, `style`: a stage each
- `inputs`: data and networks that a stage starts from; `clips`: frames and latents of videos
- `ada`: adaptive augmentation; `measures`: distances to held-out data
"""
