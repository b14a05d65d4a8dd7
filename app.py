"""The app: `python app.py` here, or the entry of a Hugging Face Space."""

from pathlib import Path

try:
    import spaces       # before torch: on ZeroGPU it prepares CUDA
except ImportError:
    spaces = None

import torch

from styleinv import StyleInVPipeline
from styleinv.ui import build_demo, launch_options

pipeline = StyleInVPipeline.from_pretrained(Path(__file__).parent / "checkpoints" / "ffhq")
if torch.cuda.is_available():
    pipeline.to("cuda")
demo = build_demo(pipeline, gpu=spaces.GPU if spaces else None)

if __name__ == "__main__":
    demo.launch(**launch_options())
