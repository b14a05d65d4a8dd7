"""Foreign weights -> networks of ours. No code of a foreign file is run.

- `random_face`: the default decoder, from the wheel that holds it
- `stylegan2`: checkpoints of StyleGAN2-ADA, rosinality, StyleInV's release and pSp
- `losses`: LPIPS and ArcFace, from their authors' files
- `unpickle`: reads pickles without running them
"""
