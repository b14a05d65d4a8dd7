"""photo -> face: what is in a picture, where the face lies, and its crop.

- `photo`: a photo of any kind -> upright RGB pixels
- `metadata`: what its file says beside the pixels
- `detection`: the faces of a photo, and the aligned crop of one
- `turning`: faces that are turned in the picture
- `cnn_detector`: the slow detector, for turned and half-hidden faces, in a process of its own
- `landmarks`: 68 points of a face, from its box
- `alignment`: landmarks -> the FFHQ crop, by arrays alone
- `expression`: landmarks -> what a face does: turn, smile, lids and more
- `carried`: a photo whose own pixels a clip carries
- `descriptor`: a face -> 128 numbers, by which likeness is measured
- `verdict`: whether an inversion shows the person of the photo
- `networks`: dlib's trained networks
"""
