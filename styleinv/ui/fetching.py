"""Where files are fetched: addresses that say nothing of where on the server they lie."""

import re
from pathlib import Path
from urllib.parse import quote

import gradio as gr
from gradio.route_utils import get_root_url
from gradio.utils import get_upload_folder
from starlette.types import ASGIApp, Receive, Scope, Send

from .web import FOLDER

CLIPS = "clips"         # below Gradio's cache: a folder for each request, whose names cannot be guessed
# The Python client asks for the whole address of a file where it would for a path.
FETCHED = re.compile(rf"(/gradio_api/file=)(?:.*/)?(?:.*=)?({CLIPS}/[^/]+/[^/]+|{FOLDER.name}/[^/]+)$")


class Fetching:
    """Lets Gradio's server find a file by its folder and its name."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] == "http":
            scope["path"] = FETCHED.sub(lambda found: found[1] + str(local(found[2])), scope["path"])
        await self.app(scope, receive, send)


def local(end: str) -> Path:
    """Where a file lies whose address ends so."""
    folder, *names = end.split("/")
    return Path(get_upload_folder(), CLIPS, *names) if folder == CLIPS else FOLDER.joinpath(*names)


def address(path: Path, root: str = "") -> str:
    """Of a file, below the address of the page, wherever that is mounted."""
    names = path.parts[-2:] if path.parent == FOLDER else path.parts[-3:]
    return f"{root}gradio_api/file={quote('/'.join(names))}"


def fetched(path: Path, request: gr.Request) -> gr.FileData:
    """A file for a program."""
    asked = request.request
    root = get_root_url(asked, asked.url.path, asked.scope.get("root_path"))
    url = address(path, f"{root}/")
    return gr.FileData(path=url, url=url, orig_name=path.name)
