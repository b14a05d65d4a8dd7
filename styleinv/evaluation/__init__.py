"""What the model cards report, and how it is measured.

- `evaluate`: likeness of inversions, life of clips; `styles`: the same for styles; `summary`: many clips -> figures
- `restyled`: how near a style comes to the filter that taught it
- `photo_layer`: how near a carried photo stays to itself; `reenactment`: and to real clips whose motion it has
- `compare`: FID, KID, IS and FVD of two folders; `generate`: images and clips of reference networks for it
- `controls`: how well faces answer to the controls; `lasting`: motion over seeds and minutes, eyes by mood
- `verdicts`: how often the verdict on an inversion is right
- `speed`: frames per second, memory, stages; `speed_baseline`: our StyleGAN2 beside a plain one
- `table`: figures beside their targets, as Markdown
"""
