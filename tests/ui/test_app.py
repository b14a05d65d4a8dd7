"""The app on a real server, called through its API as programs call it."""

import base64
import gc
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from app_server import serve
from conftest import BUNDLE
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from styleinv.clip.ffmpeg import read_frames, write_mp4
from styleinv.clip.provenance import verify
from styleinv.face.descriptor import descriptor
from styleinv.memory import give_back_blocks
from styleinv.ui.texts import say

SHORT = {"size": 256, "seconds": 1, "fps": 5, "likeness": "fast", "consent": True}


@pytest.fixture(scope="module")
def app(quick, tmp_path_factory):
    """The running app: its address, its demo and its cache."""
    with serve(quick, tmp_path_factory.mktemp("cache")) as running:
        yield running


@pytest.fixture
def client(app, tmp_path) -> Client:
    return Client(app.url, verbose=False, analytics_enabled=False, download_files=str(tmp_path))


def animate(client: Client, photo: Path, **settings) -> SimpleNamespace:
    clip, recipe, likeness = client.predict(photo=handle_file(photo), api_name="/animate", **SHORT | settings)
    return SimpleNamespace(clip=Path(clip), file=recipe, recipe=json.loads(Path(recipe).read_text()), likeness=likeness)


def test_endpoints_have_names_and_nothing_is_published_or_kept(app, client):
    known = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(known) == {f"/{name}" for name in (
        "animate", "sample", "pose", "render", "faces", "invert", "verify", "styles", "delete_now",
    )}
    assert all(endpoint["description"] for endpoint in known.values())
    assert app.demo.run_history is False and not app.demo.share and not app.demo.analytics_enabled


def test_agents_find_the_same_tools(app):
    tools = subprocess.run([sys.executable, "-c", MCP, app.url], capture_output=True, text=True, check=True).stdout
    assert {"animate", "sample", "render", "faces"} <= set(json.loads(tools))


def test_agents_read_json_and_see_the_first_frame(app, photos):
    data = "data:image/jpeg;base64," + base64.b64encode((photos / "one.jpg").read_bytes()).decode()
    code = AGENT.replace("PHOTO", repr(data))
    told = subprocess.run([sys.executable, "-c", code, app.url], capture_output=True, text=True, check=True).stdout
    faces, clip = json.loads(told)
    assert set(json.loads(faces[0][1])[0]) == {"left", "top", "width", "height"}
    named = json.loads(clip[0][1])
    assert set(named) == {"name", "url"} and named["url"].startswith(app.url) and clip[1][0] == "image"
    assert json.loads(clip[2][1])["name"] == "styleinv-3.json"
    assert str(app.cache) not in told and urlopen(named["url"]).read(8)[4:] == b"ftyp"


AGENT = """
import asyncio, json, sys
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

async def work():
    async with streamablehttp_client(sys.argv[1] + "gradio_api/mcp/") as (read, write, _), \
ClientSession(read, write) as session:
        await session.initialize()
        names = {tool.name.removeprefix("styleinv_"): tool.name for tool in (await session.list_tools()).tools}
        calls = [("faces", {"photo": PHOTO}), ("sample", {"seconds": 0.4, "fps": 5, "seed": 3})]
        answers = [await session.call_tool(names[name], arguments) for name, arguments in calls]
        return [[(c.type, c.text if c.type == "text" else c.data[:20]) for c in answer.content] for answer in answers]

print(json.dumps(asyncio.run(work())))
"""

MCP = """
import asyncio, json, sys
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

async def names():
    async with streamablehttp_client(sys.argv[1] + "gradio_api/mcp/") as (read, write, _), \
ClientSession(read, write) as session:
        await session.initialize()
        return [tool.name.removeprefix("styleinv_") for tool in (await session.list_tools()).tools]

print(json.dumps(asyncio.run(names())))
"""


def test_a_photo_becomes_a_signed_clip_that_its_recipe_makes_again(client, photos):
    made = animate(client, photos / "one.jpg", seed=3, motion=0.5)
    assert "% alike: " in made.likeness and verify(made.clip)["synthetic"]
    assert (made.recipe["seed"], made.recipe["motion"]) == (3, 0.5)
    again, _ = client.predict(recipe=handle_file(made.file), api_name="/render")
    first, second = (np.stack(list(read_frames(path, 5))) for path in (made.clip, again))
    assert np.array_equal(first, second)


def test_a_clip_that_carries_its_photo_needs_it_again(client, photos):
    made = animate(client, photos / "two.jpg", seed=3, likeness="photo", face=1)
    with pytest.raises(AppError, match="name the photo too"):
        client.predict(recipe=handle_file(made.file), api_name="/render")
    with pytest.raises(AppError, match="another photo"):
        client.predict(recipe=handle_file(made.file), photo=handle_file(photos / "one.jpg"), api_name="/render")
    again, _ = client.predict(
        recipe=handle_file(made.file), photo=handle_file(photos / "two.jpg"), api_name="/render")
    first, second = (np.stack(list(read_frames(path, 5))) for path in (made.clip, again))
    assert np.array_equal(first, second)


def test_a_person_who_does_not_exist(client):
    clip, recipe = client.predict(seed=5, seconds=1, fps=5, api_name="/sample")
    assert len(list(read_frames(clip, 5))) == 5 and json.loads(Path(recipe).read_text())["seed"] == 5
    assert "generated by a trained network" in client.predict(file=handle_file(clip), api_name="/verify")


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_pictures_that_move(client, photos, kind):
    made = animate(client, photos / "one.jpg", kind=kind, layout="compare", loop="pingpong")
    with Image.open(made.clip) as image:
        assert image.size == (768, 256) and image.n_frames == 8


def test_faces_and_their_inversion(client, photos):
    first, second = client.predict(photo=handle_file(photos / "two.jpg"), api_name="/faces")
    assert first["width"] > second["width"] and first["left"] > second["left"]
    picture, distance, words = client.predict(photo=handle_file(photos / "two.jpg"), face=1, api_name="/invert")
    with Image.open(picture) as image:
        assert image.size == (1024, 512)
    assert 0 < distance < 0.6 and "% alike: " in words


@pytest.mark.parametrize("photo, settings, sentence", [
    ("one.jpg", {"consent": False}, say("no_consent")),
    ("one.jpg", {"face": 3}, say("no_face")),
    ("empty.png", {}, "No face was found: use a photo that shows a whole face from the front, in good light."),
    ("notes.jpg", {}, "notes.jpg is not an image that can be read: use a JPEG, PNG or WebP photo."),
    ("cut.jpg", {}, "cut.jpg is cut off or damaged: choose the original file."),
    ("one.jpg", {"seconds": 61}, say("too_long", seconds=61, limit=60)),
    ("one.jpg", {"seconds": 60, "size": 1024, "fps": 60}, "That clip would take about 27 minutes here, more than 10: "
     "lower seconds, frames a second or size."),
    ("one.jpg", {"size": 300}, "size is 300: choose 256, 512 or 1024."),
    ("one.jpg", {"seed": -1}, "seed is -1: choose a number from 0 to 9.22337e+18."),
    ("one.jpg", {"style": "none of them"}, "There is no style 'none of them' here: choose "),
])
def test_bad_input_is_one_sentence_and_leaves_no_clip(app, client, photos, photo, settings, sentence):
    before = {*app.cache.glob("clips/*/*.mp4")}
    with pytest.raises(AppError) as caught:
        animate(client, photos / photo, **settings)
    assert str(caught.value).startswith(sentence)
    assert {*app.cache.glob("clips/*/*.mp4")} <= before


@pytest.mark.parametrize("settings", [{"kind": "exe"}, {"seconds": "long"}, {"loop": None}, {"mark": [1]}])
def test_settings_of_the_wrong_kind(client, photos, settings):
    with pytest.raises(AppError, match=f"^{next(iter(settings))} is .*: input should be "):
        animate(client, photos / "one.jpg", **settings)


def call(app, name: str, *data) -> str:
    """As curl calls an endpoint: a post, then a stream of events."""
    post = Request(f"{app.url}gradio_api/call/{name}", json.dumps({"data": data}).encode(),
                   {"Content-Type": "application/json"})
    with urlopen(post) as answer:
        event = json.load(answer)["event_id"]
    with urlopen(f"{app.url}gradio_api/call/{name}/{event}") as stream:
        return stream.read().decode()


@pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}])
def test_a_file_of_the_server_is_no_upload(app, photos, meta):
    answer = call(app, "faces", {"path": str(photos / "one.jpg")} | meta)
    assert "event: error" in answer and "Traceback" not in answer
    assert (photos / "one.jpg").is_file()


def test_a_photo_in_the_request_itself(app, photos):
    data = base64.b64encode((photos / "one.jpg").read_bytes()).decode()
    assert '"left"' in call(app, "faces", {"path": f"data:image/jpeg;base64,{data}"})
    for wrong in ("data:", "data:image/jpeg;base64,%%%", "data:text/plain;base64,aGFsbG8="):
        answer = call(app, "faces", {"path": wrong})
        assert "event: error" in answer and ": " in answer and "Traceback" not in answer


def test_without_a_client(app):
    assert "event: complete" in call(app, "styles")


def test_results_say_nothing_of_where_they_lie(app, client):
    client.download_files = False
    told = client.predict(seed=5, seconds=0.4, fps=5, api_name="/sample")
    assert str(app.cache) not in json.dumps(told)
    assert all(file["path"] == file["url"] and urlopen(file["url"]).status == 200 for file in told)
    assert [file["orig_name"] for file in told] == ["styleinv-5.mp4", "styleinv-5.json"]


@pytest.mark.parametrize("path", ["clips/ann-1/../../one.jpg", "web/../../../app.py", "clips/ann-1/clip.mp4"])
def test_an_address_leads_to_no_other_file(app, path):
    with pytest.raises(HTTPError, match="40[34]"):
        urlopen(f"{app.url}gradio_api/file={path}")


def test_a_fault_of_ours_tells_nothing(quick, client, photos, monkeypatch):
    monkeypatch.setattr(quick, "animate", lambda *_, **__: 1 / 0)
    with pytest.raises(AppError) as caught:
        animate(client, photos / "one.jpg")
    assert str(caught.value) == say("fault")


def test_delete_now_leaves_nothing(app, client, photos, tmp_path):
    client.download_files = False
    own = tmp_path / "own.jpg"          # equal uploads are one file, which stays while another visitor is there
    own.write_bytes((photos / "one.jpg").read_bytes() + bytes(1))
    client.predict(photo=handle_file(own), api_name="/animate", **SHORT)
    assert list(app.cache.rglob("own.jpg"))
    mine = list(app.cache.glob(f"clips/{client.session_hash}-*/*"))
    assert {path.suffix for path in mine} == {".mp4", ".json"}
    assert client.predict(api_name="/delete_now") == say("deleted")
    assert not list(app.cache.glob(f"clips/{client.session_hash}-*"))
    assert not list(app.cache.rglob("own.jpg"))


def resident() -> int:
    """Memory of this process, the server's, in pages, when it has swept; 1 where the system does not tell."""
    gc.collect()
    give_back_blocks()
    table = Path("/proc/self/statm")
    return int(table.read_text().split()[1]) if table.exists() else 1


def test_eight_visitors_at_once_get_their_own(app, crowd):
    def visit(number: int) -> tuple[dict, np.ndarray]:
        client = Client(app.url, verbose=False, analytics_enabled=False)
        made = animate(client, crowd[number], seed=number, seconds=0.4, mood="learned")
        return made.recipe, next(iter(read_frames(made.clip, 5)))

    visit(0)                                    # what is loaded once is there now
    before = resident()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(visit, range(8)))
    assert resident() < 1.1 * before
    assert [recipe["seed"] for recipe, _ in made] == [*range(8)]
    photos = [descriptor(np.asarray(Image.open(path).convert("RGB").crop((128, 128, 640, 640)))) for path in crowd]
    clips = [descriptor(frame) for _, frame in made]
    distances = np.linalg.norm(np.array(clips)[:, None] - np.array(photos), axis=2)     # [clip, photo]
    assert (distances.argmin(axis=1) == np.arange(8)).all()


@pytest.mark.skipif(not BUNDLE.is_dir(), reason="there is no bundle in checkpoints/ffhq")
def test_app_starts_with_and_without_spaces():
    subprocess.run([sys.executable, "-c", STARTS], check=True, cwd=Path(__file__).parents[2], capture_output=True)


STARTS = """
import functools, sys
from styleinv import StyleInVPipeline
from styleinv.inversion import RefineConfig

StyleInVPipeline.refining = RefineConfig(steps=1)
StyleInVPipeline.from_pretrained = functools.cache(StyleInVPipeline.from_pretrained)
sys.modules["spaces"] = None
import app
del sys.modules["spaces"], sys.modules["app"]
import app
"""


def test_another_expression(app, client, photos):
    photo, settings = handle_file(photos / "one.jpg"), {"consent": True, "api_name": "/pose"}
    picture = client.predict(photo=photo, controls={"turn": 8, "smile": 0.5}, **settings)
    assert Image.open(picture).size[0] >= 256
    assert "generated by a trained network" in client.predict(file=handle_file(picture), api_name="/verify")
    for controls, words in (({"ears": 1}, "There is no control 'ears'"), ({"turn": 90}, "turn is 90")):
        with pytest.raises(AppError, match=words):
            client.predict(photo=photo, controls=controls, **settings)


def test_a_video_that_shows_nobody(client, photos, tmp_path):
    write_mp4(tmp_path / "blank.mp4", iter([np.zeros((64, 64, 3), np.uint8)] * 9), 10, 20)
    with pytest.raises(AppError, match="No face is seen in blank.mp4"):
        client.predict(photo=handle_file(photos / "one.jpg"), consent=True, api_name="/animate",
                       video=handle_file(tmp_path / "blank.mp4"))
