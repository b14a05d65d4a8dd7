"""Pure measures: arrays in, numbers out.

- `face_motion`: how a face moves, from landmarks
- `frechet`: distances of two sets of features
- `standard`: the field's networks, for FID, KID, IS and FVD
- `style`: how a styled clip keeps to the raw one
- `psnr`: fidelity of images
"""
