"""Data sets: from photos and videos to what training and measures read.

- `prepare`: photos or videos -> aligned crops or clips
- `track`: one face through a video; `smoothing`: of what is tracked
- `video_set`: videos as rows of frames, from folders, zips and files
- `names`: natural order, and what is no data
- `splits`: which files train and which are kept for evaluation
"""
