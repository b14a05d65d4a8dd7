"""The networks, one per file, read top-down.

- `decoder`: what every decoder offers

Default bundle:
- `mobile_stylegan`: latent -> face, 256 to 1024 px (MobileStyleGAN)
- `inversion`: face -> latent (pSp), on the body `mobileface` or `irse`
- `motion`: latent, motion code, time -> latent (StyleInV); `temporal_style`: the code that modulates it in time
- `dense_motion`: the decoder's features at two moments -> how the photo's own pixels move, and what they do not show
- `residual`: a photo and its decoded inversion -> what the decoder's features lack of it
- `steering`: wanted movements of a face -> how its latent moves
- `matte`: photo -> person or not

The paper's own:
- `stylegan2`, `stylegan2_discriminator`, `video_discriminator`, with `resample` and `winograd` below them

Shared: `ops` (functions of tensors), `layers` (mapping network, equalised layers, residual block),
`light_discriminators`.
"""
