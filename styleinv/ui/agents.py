"""Results for agents (MCP): JSON, and for each clip its name, its address and its first frame as a picture.

Gradio's own server would write them as Python does, with the server's paths.
"""

import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio.mcp
from gradio_client.utils import is_file_obj_with_meta
from mcp import types
from PIL import Image

from ..clip.ffmpeg import read_frames
from ..errors import InputError

POSTER = 512        # px, longer side

Content = types.TextContent | types.ImageContent


class Agents(gradio.mcp.GradioMCPServer):
    """Gradio's server, with other words for what comes out."""

    def postprocess_output_data(self, data: Any, root_url: str) -> list[Content]:
        """What a tool returned, as an agent reads it."""
        outputs = gradio.mcp.processing_utils.add_root_url(data, root_url, None)
        return [content for output in outputs for content in _contents(output)]


def serve_agents() -> None:
    """Let apps that are launched from now on answer so."""
    gradio.mcp.GradioMCPServer = Agents      # type: ignore[misc]


def _contents(output: Any) -> list[Content]:
    if isinstance(output, list) and any(map(is_file_obj_with_meta, output)):        # several results come as one
        return [content for one in output for content in _contents(one)]
    if not is_file_obj_with_meta(output):
        return [_text(output)]
    path = Path(output["path"])
    named = _text({"name": output.get("orig_name") or path.name, "url": output["url"]})
    poster = _poster(path)
    return [named] if poster is None else [named, types.ImageContent(type="image", data=poster, mimeType="image/webp")]


def _text(value: Any) -> types.TextContent:
    return types.TextContent(type="text", text=json.dumps(value, ensure_ascii=False))


def _poster(path: Path) -> str | None:
    """The first frame as base64; None for what is no picture."""
    try:
        if path.suffix == ".mp4":
            picture = Image.fromarray(next(read_frames(path, None)))
        else:
            picture = Image.open(path).convert("RGB")
    except (OSError, InputError):
        return None
    buffer = BytesIO()
    picture.thumbnail((POSTER, POSTER))
    picture.save(buffer, "WEBP", quality=85)
    return base64.b64encode(buffer.getvalue()).decode()
