"""Frozen networks that judge images, for training and for measures.

- `lpips`: perceptual distances
- `identity`: is it the same person?
- `encoder`: both of these by the bundle's own inversion encoder
- `networks`: where their files lie
- `frozen`: what they share: weights from a file, never trained
"""
