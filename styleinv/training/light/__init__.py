"""Stages of the default bundle, each of which a CPU trains.

- `tops`: the decoder's outputs at 128, 256 and 512 px
- `inversion`, on `pairs` of latents and their faces, with `augment`
- `motion`, on `trajectories` of real clips; `calibration`: how far and how fast
- `dense_motion`: how a photo's pixels move, on `clip_pairs` and `dense_motion_data`;
  `dense_motion_losses`, `planted` details, `posed` people, `optical_flow` as teacher
- `residual`: what a photo shows and its latent does not, on `residual_data`
- `steering`: what moves one measure of a face and no other
- `style`: a top learns a style, from `style_data`, judged on `style_views`; `style_choice`: which snapshot is kept
- `checkerboard`: the grid that upsampling leaves
"""
