"""The slow detector, `python -m styleinv.face.cnn_detector`: an image as .npy comes in, and what is found goes out as
JSON.

It is a program because dlib's network holds Python's lock: in a server it would stop every other visitor for seconds.
"""

import json
import sys
from io import BytesIO

import numpy as np

from .detection import edges
from .networks import network


def main() -> None:
    """Write a list of [[left, top, right, bottom], confidence], in the image's pixels."""
    image = np.load(BytesIO(sys.stdin.buffer.read()))       # uint8 [H, W, 3]
    json.dump([(edges(hit.rect), hit.confidence) for hit in network("detector")(image, 0)], sys.stdout)


if __name__ == "__main__":
    main()
