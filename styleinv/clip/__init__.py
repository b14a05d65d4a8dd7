"""clip: frames that are made when they are asked for, and the files that hold them.

- `clip`: a clip, lazy, and its mp4, gif and webp
- `recipe`: the settings of a clip, and the latents that make it again
- `layout`: pictures beside pictures, grids, the visible mark
- `ffmpeg`: videos in and out
- `provenance`: content credentials, signed and read
"""
