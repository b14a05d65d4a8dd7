"""Parts of the app that need no server."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl

import gradio as gr
import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from PIL import Image

from styleinv.clip.clip import read_recipe
from styleinv.clip.recipe import SETTINGS, Recipe
from styleinv.errors import InputError
from styleinv.face.photo import load_photo
from styleinv.face.verdict import FAULTS, Signs, judge
from styleinv.ui import research, texts
from styleinv.ui.address import Address
from styleinv.ui.controls import Controls, checked
from styleinv.ui.cost import CPU, START, Cost
from styleinv.ui.folders import Folders
from styleinv.ui.gallery import gallery, wanted
from styleinv.ui.origin import origin
from styleinv.ui.player import link
from styleinv.ui.session import Order, Session
from styleinv.ui.studio import Studio


@pytest.mark.parametrize("distance, words", [
    (0.0, "100 % alike: clearly the same person."),
    (0.39, "82 % alike: clearly the same person."),
    (0.4, "81 % alike: the same person to a face recogniser, but not a close match."),
    (0.6, "50 % alike: only resembles you: try a frontal, evenly lit photo."),
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


@pytest.mark.parametrize("language", sorted(set(texts.languages()) - {texts.ENGLISH}))
def test_a_translation_has_the_fields_of_the_original(language):
    known, english = texts.languages()[language], texts.languages()[texts.ENGLISH]
    def fields(words: str) -> set[str]:
        return set(re.findall(r"{(\w+)", words))
    assert not set(known) - set(english)
    assert {key for key in known if fields(known[key]) != fields(english[key])} == set()


def test_the_language_is_the_visitors(monkeypatch):
    monkeypatch.setattr(texts, "languages", lambda: {"en": {}, "pt-BR": {}, "de": {}})
    request = SimpleNamespace(headers={"accept-language": "fr, de-AT;q=0.9, en;q=0.8"})
    monkeypatch.setattr(texts, "LocalContext", SimpleNamespace(request=SimpleNamespace(get=lambda _: request)))
    assert texts.visitor_language() == "de"
    request.headers["referer"] = "http://here/?lang=pt-BR"
    assert texts.visitor_language() == "pt-BR"
    request.headers |= {"referer": "http://here/?lang=xx", "accept-language": "pt-BR"}
    assert texts.visitor_language() == "pt-BR"


def test_what_the_package_says_is_said_in_the_visitors_language(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "visitor_language", lambda: "de")
    (tmp_path / "notes.jpg").write_text("no picture")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "none.gif").touch()
    Image.new("RGB", (9, 9)).save(tmp_path / "small.png")

    def complaint(work, name: str) -> str:
        with pytest.raises(InputError) as caught:
            work(tmp_path / name)
        return texts.said(caught.value)

    assert complaint(load_photo, "notes.jpg").startswith("notes.jpg ist kein lesbares Bild: ")
    assert complaint(load_photo, "small.png").startswith("small.png hat nur 9 x 9 Pixel: ")
    assert complaint(load_photo, "empty.jpg").startswith("empty.jpg ist leer: ")
    assert complaint(read_recipe, "none.gif").startswith("none.gif enthält kein Rezept: ")
    assert origin(tmp_path / "small.png") == "small.png hat keine Inhaltsnachweise: Es sagt nichts über seine Herkunft."
    good = Signs(1, 0.01, 0.1, 20, 50, 0)
    for fault in FAULTS:
        for others in ({}, {"distance": 0.9, "score": 0}):
            sentence = judge(good._replace(**{fault.sign: fault.low - 1} | others), 3).sentence
            assert sentence and not re.search(r"\b(the|use|of|face)\b", texts.said(sentence)), texts.said(sentence)
    assert texts.said("as it is") == "as it is"


def test_a_text_that_is_not_there_is_an_error():
    with pytest.raises(KeyError, match="seconds_info"):
        texts.t("seconds_info")


@pytest.fixture
def controls() -> Controls:
    with gr.Blocks():
        return Controls({})


@pytest.mark.parametrize("query, settings", [
    ({"seed": "42", "seconds": "6.5", "style": "ink", "motion": "0.5", "size": "256", "loop": "pingpong"},
     {"seed": 42, "seconds": 6.5, "styles": "ink", "motion": 0.5, "size": 256, "loop": "pingpong"}),
    ({"seed": "-1", "seconds": "nan", "style": "other", "size": "300", "loop": "x", "motion": ""}, {}),
    ({"seed": "1e3", "seconds": "9999", "style": "all", "photo": "a face"}, {}),
    ({}, {}),
])
def test_settings_in_the_address(controls, query, settings):
    address = Address(("ink",), controls, ())
    values = {key: address.value(key, query) for key in controls.fields}
    assert {key: value for key, value in values.items() if value is not None} == settings


def test_a_link_says_all_settings_and_nothing_of_a_face(controls):
    recipe = Recipe(seconds=6, seed=9, motion=0.5, size=512, styles=("ink",), loop="pingpong")
    address, query = Address(("ink",), controls, ()), dict(parse_qsl(link(recipe)))
    assert Recipe(**{key: wanted(value) if key == "styles" else value
                     for key in controls.fields if (value := address.value(key, query)) is not None}) == recipe
    assert not set(query) & {"photo", "w0", "detail", "face"}


def test_every_setting_that_can_be_offered_has_a_control(controls):
    offered = {key for key, setting in SETTINGS.items() if setting.choices or setting.slider[1]}
    assert offered <= set(controls.fields) and {"seed", "styles"} <= set(controls.fields)
    known = {key: control.value for key, control in controls.fields.items()}
    assert (known["size"], known["frame"], known["loop"]) == (512, "photo", "seamless")


def test_controls_say_a_recipe_and_read_it_again(controls):
    recipe = Recipe(seconds=2, seed=5, motion=0.3, size=256)
    assert controls.recipe(tuple(controls.updates(recipe))) == recipe


@pytest.mark.parametrize("key, value, sentence", [
    ("seed", "x", "“Number of the motion” is empty or no number"),
    ("seed", -1, "“Number of the motion” is -1: choose a number"),
    ("seconds", None, "“Seconds” is empty"), ("seconds", 61, "“Seconds” is 61: choose a number from 1 to 60."),
    ("motion", "much", "“Amount of motion” is empty or no number"),
])
def test_a_complaint_names_its_field(controls, key, value, sentence):
    values = [value if name == key else given
              for name, given in zip(controls.fields, controls.updates(Recipe()), strict=True)]
    with pytest.raises(InputError, match=re.escape(sentence)):
        controls.recipe(tuple(values))


def test_words_of_the_field_stay_in_the_researchers_tab():
    english = (texts.FOLDER / "en.toml").read_text()
    page = english[english.index("# The way in") : english.index("# Researcher")]
    assert not re.findall(r"latent|recipe|inversion|descriptor|Original", page)


def test_gpu_time_follows_the_settings_and_what_was_measured():
    cost, recipe = Cost.on("cuda"), Recipe(seconds=4, fps=25, size=256)
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
        studio.draw(tiny.sample_face(1), Order(Recipe(seconds=0.2, fps=10, size=256)), folder)
    assert asked == [round(START)]


def test_a_cancelled_likeness_stops(studio, sample_faces):
    session = Session(crops=[sample_faces[0]])
    with pytest.raises(Exception, match=texts.say("stopped")), studio.folders.work("ann") as folder:
        studio.folders.stop("ann")
        studio.invert(session, "close", folder)
    assert not session.inversions


def test_latents_for_researchers(studio, tiny, tmp_path):
    face, recipe = tiny.sample_face(1), Recipe(seconds=1, fps=10, seed=4, size=256)
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
    style, _ = gallery({})
    assert not style.visible and wanted(style.value) == ()


def test_a_field_that_says_0_means_the_faces_own_seed():
    assert checked("seed", 0) is None and checked("seed", None) is None and checked("seed", 5) == 5
