"""clip: frames that are made when they are asked for, and the files that hold them.

- `clip`: a clip, lazy, and its files
- `writers`: mp4, gif and webp; `pictures`: what gif and webp need; `chat`: below 8 MB whatever the length
- `recipe`: the settings of a clip, and the latents that make it again
- `drawers`: frames drawn side by side
- `layout`: pictures beside pictures, grids, the visible mark
- `ffmpeg`: videos in and out
- `provenance`: content credentials, signed and read
"""
