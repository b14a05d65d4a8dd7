"""?lang=de in the page's address: Gradio takes its words by the browser's language, before any script of ours runs."""

import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .texts import languages

SCRIPT = """<script>{
    const asked = new URLSearchParams(location.search).get("lang"), known = KNOWN;
    if (asked) for (const [name, value] of [["language", asked], ["languages", [asked]]])
        Object.defineProperty(navigator, name, { get: () => value });
    const spoken = known.find((one) => navigator.language === one || navigator.language.startsWith(`${one}-`));
    document.documentElement.lang = spoken ?? "en";
}</script>"""
HEAD = b"<head>"


class AskedLanguage:
    """Puts the script first in the page."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/":
            send = _Page(send)
        await self.app(scope, receive, send)


class _Page:
    """Holds a page back until it is whole, and sends it with the script."""

    def __init__(self, send: Send):
        self.send, self.start, self.body = send, dict[str, Any](), b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = dict(message)
            return
        self.body += message.get("body", b"")
        if not message.get("more_body"):
            script = SCRIPT.replace("KNOWN", json.dumps([*languages()])).encode()
            body = self.body.replace(HEAD, HEAD + script, 1)
            headers = [(name, value) for name, value in self.start["headers"] if name.lower() != b"content-length"]
            await self.send({**self.start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
            await self.send({"type": message["type"], "body": body})
