"""Results for agents (MCP): JSON, and for each clip its name, its address and its first frame as a picture.

Gradio's own server would write them as Python does, with the server's paths.
"""

import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gradio.mcp
from gradio_client.utils import is_file_obj_with_meta
from mcp import types
from PIL import Image

from ..clip.ffmpeg import read_frames
from ..errors import InputError
from .fetching import address, local

POSTER = 512        # px, longer side

Content = types.TextContent | types.ImageContent


class Agents(gradio.mcp.GradioMCPServer):
    """Gradio's server, with other words for what comes out."""

    def postprocess_output_data(self, data: Any, root_url: str) -> list[Content]:
        """What a tool returned, as an agent reads it."""
        return [content for output in data for content in _contents(output, root_url)]


def serve_agents() -> None:
    """Let apps that are launched from now on answer so."""
    gradio.mcp.GradioMCPServer = Agents      # type: ignore[misc]


def _contents(output: Any, root_url: str) -> list[Content]:
    if isinstance(output, list | tuple) and any(map(is_file_obj_with_meta, output)):     # several results come as one
        return [content for one in output for content in _contents(one, root_url)]
    if not is_file_obj_with_meta(output):
        return [_text(output)]
    path = local(unquote(output["path"].rpartition("file=")[2]))
    named, poster = _text({"name": path.name, "url": address(path, f"{root_url}/")}), _poster(path)
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
