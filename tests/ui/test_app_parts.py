"""Checkpointed of the app that need no server."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement

from styleinv.clip.clip import Clip
from styleinv.clip.recipe import Recipe
from styleinv.errors import InputError
from styleinv.ui import research, texts
from styleinv.ui.address import Address
from styleinv.ui.cost import CPU, START, Cost
from styleinv.ui.folders import Folders
from styleinv.ui.gallery import gallery, wanted
from styleinv.ui.session import Order, Session
from styleinv.ui.spoken import Stopped
from styleinv.ui.studio import Studio


@pytest.fixture
def studio(tiny, tmp_path, monkeypatch) -> Studio:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return Studio(tiny, Folders())


@pytest.mark.parametrize("distance, words", [
    (0.39, "Likeness 0.39: a close match."),
    (0.4, "Likeness 0.40: the same person to a face recogniser, but not a close match."),
    (0.6, "Likeness 0.60: only resembles you: try a frontal, evenly lit photo."),
])
def test_likeness_in_words(distance, words):
    assert texts.likeness(distance) == words


def test_another_language_is_one_file(tmp_path, monkeypatch):
    (tmp_path / "en.toml").write_text((texts.FOLDER / "en.toml").read_text())
    (tmp_path / "de.toml").write_text('animate = "Animieren"\nno_photo = "Es gibt noch kein Foto: wähle eines."')
    known = texts.i18n(tmp_path).translations
    assert known["de"]["animate"] == "Animieren" and known["de"]["cancel"] == known["en"]["cancel"] == "Cancel"
    monkeypatch.setattr(texts, "languages", lambda: {**{"de": {"no_photo": "Kein Foto"}}, "en": known["en"]})
    assert texts.say("no_photo", "de") == "Kein Foto"
    assert texts.say("no_style", "de", name="x", choices="y").startswith("There is")


def test_the_language_is_the_visitors(monkeypatch):
    monkeypatch.setattr(texts, "languages", lambda: {"en": {}, "pt-BR": {}, "de": {}})
    request = SimpleNamespace(headers={"accept-language": "fr, de-AT;q=0.9, en;q=0.8"})
    monkeypatch.setattr(texts, "LocalContext", SimpleNamespace(request=SimpleNamespace(get=lambda _: request)))
    assert texts.visitor_language() == "de"
    request.headers["accept-language"] = "pt-BR"
    assert texts.visitor_language() == "pt-BR"


def test_a_text_that_is_not_there_is_an_error():
    with pytest.raises(KeyError, match="seconds_info"):
        texts.t("seconds_info")


@pytest.mark.parametrize("query, settings", [
    ({"seed": "42", "seconds": "6.5", "style": "ink"}, [42, "ink", 6.5]),
    ({"seed": "-1", "seconds": "nan", "style": "other"}, [None, None, None]),
    ({"seed": "1e3", "seconds": "9999", "style": "all"}, [None, None, None]),
    ({}, [None, None, None]),
])
def test_settings_in_the_address(query, settings):
    address = Address(("ink",))
    assert [address.seed(query), address.style(query), address.seconds(query)] == settings


def test_gpu_time_follows_the_settings_and_what_was_measured():
    cost, recipe = Cost.on("cuda"), Recipe(seconds=4, fps=25)
    assert START < cost.gpu_seconds(recipe) < cost.gpu_seconds(replace(recipe, seconds=20))
    assert cost.gpu_seconds(replace(recipe, styles=("a", "b"))) > cost.gpu_seconds(recipe)
    before = cost.gpu_seconds(recipe)
    cost.learn(recipe, 0.5)
    assert cost.gpu_seconds(recipe) < before
    assert Cost.on("cpu").frames(recipe) == pytest.approx(100 * CPU[256])


def test_gpu_calls_ask_for_time(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    asked = []

    def gpu(duration):
        return lambda function: lambda *arguments: asked.append(duration(*arguments)) or function(*arguments)

    studio = Studio(tiny, Folders(), gpu)
    with studio.folders.work("ann") as folder:
        studio.draw(tiny.sample_face(1), Order(Recipe(seconds=0.2, fps=10)), folder)
    assert asked == [round(START)]


def test_a_cancelled_likeness_stops(studio, sample_faces):
    session = Session(crops=[sample_faces[0]])
    with pytest.raises(Exception, match=texts.say("stopped")), studio.folders.work("ann") as folder:
        studio.folders.stop("ann")
        studio.invert(session, "close", folder)
    assert not session.inversions


@pytest.mark.parametrize("reading", [False, True])
def test_files_deleted_while_a_gif_is_made_of_them(studio, tiny, monkeypatch, reading):
    with studio.folders.work("ann") as folder:
        clip = studio.draw(tiny.sample_face(1), Order(Recipe(seconds=0.2, fps=10)), folder)
    if reading:
        monkeypatch.setattr(Clip, "save", lambda *_, **__: studio.folders.remove("ann") or clip.stat())
    else:
        studio.folders.remove("ann")
    with pytest.raises(Stopped):
        studio.convert(clip, "gif")


def test_latents_for_researchers(studio, tiny, tmp_path):
    face, recipe = tiny.sample_face(1), Recipe(seconds=1, fps=10, seed=4)
    made, file = tiny.animate(face, recipe), tmp_path / "clip.json"
    file.write_text(json.dumps(made.recipe))
    known, order = research.known_recipe(studio, file)
    assert order.recipe == recipe
    with np.load(research.latents(tiny, known, order.recipe, tmp_path / "latents.npz")) as data:
        assert data["w_t"].shape == (10, 32) and np.array_equal(data["w0"], face.w0)
        assert np.allclose(data["w_t"][0], face.w0, atol=1e-3) and not np.allclose(data["w_t"][9], face.w0, atol=1e-2)


def test_a_grid_has_a_row_for_each_person_and_a_column_for_each_motion(studio, tiny):
    people = [(str(seed), tiny.sample_face(seed)) for seed in (1, 2)]
    made = research.cells(people, research.seeds("7, 8, 9"), [()], Recipe(seconds=0.2, fps=10))
    assert [(cell.inversion is people[0][1], cell.recipe.seed) for cell in made] == [
        (True, 7), (True, 8), (True, 9), (False, 7), (False, 8), (False, 9),
    ]
    with studio.folders.work("ann") as folder:
        path = studio.draw_grid(made, 3, Order(made[0].recipe), folder)
        assert path.is_file() and path.with_suffix(".json").is_file()


@pytest.mark.parametrize("people, motions, sentence", [
    (0, "1", "no people"), (3, "1, 2, 3, 4, 5", "15 cells"), (1, "one", "no list of seeds"), (1, "", "no people"),
])
def test_grids_that_cannot_be(tiny, people, motions, sentence):
    with pytest.raises(InputError, match=sentence):
        research.cells([("me", tiny.sample_face(1))] * people, research.seeds(motions), [()], Recipe())


def test_what_a_space_reads_of_the_readme_is_true():
    root = Path(__file__).parents[2]
    settings = yaml.safe_load((root / "README.md").read_text("utf-8").split("---\n")[1])
    needed = next(line for line in (root / "requirements.txt").read_text().splitlines() if line.startswith("gradio"))
    assert settings["sdk"] == "gradio" and settings["sdk_version"] in Requirement(needed).specifier
    # 60 is the Hub's limit.
    assert settings["python_version"] in ("3.11", "3.12") and len(settings["short_description"]) <= 60
    assert {"title", "emoji", "colorFrom", "colorTo", "suggested_hardware", "tags"} <= set(settings)
    for file in (settings["app_file"], settings["license_link"], "docs/app/thumbnail.jpg", "requirements.txt"):
        assert (root / file).is_file()


def test_the_gallery_hides_without_styles():
    style, strength = gallery({})
    assert not style.visible and not strength.visible and wanted(style.value) == ()
