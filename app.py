"""The app: `python app.py` here, or the entry of a Hugging Face Space."""

import signal
from pathlib import Path

try:
    import spaces  # before torch: on ZeroGPU it prepares CUDA
except ImportError:
    spaces = None

import torch

from styleinv import StyleInVPipeline  # before torch: it says how torch's threads wait
from styleinv.ui import build_demo, launch_options

bundle = Path(__file__).parent / "checkpoints" / "ffhq"
pipeline = preview = StyleInVPipeline.from_pretrained(bundle)
if torch.cuda.is_available():
    pipeline = StyleInVPipeline.from_pretrained(bundle).to("cuda")      # the preview stays here and waits for no GPU
for style in pipeline.styles:
    pipeline.load_style(style)                          # now, so that no visitor waits for it
preview.invert(preview.sample_face(0, psi=0).image)     # so too what is read and prepared at the first photo
demo = build_demo(pipeline, gpu=spaces.GPU if spaces else None, preview=preview)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)       # as Ctrl-C: visitors' files are deleted at the end
    demo.launch(**launch_options())
