"""Faces are found and sorted, crops are where FFHQ has them, landmarks and descriptors hold at any size."""

from threading import Event, Thread
from time import monotonic, sleep

import numpy as np
import pytest
from PIL import Image

from styleinv.errors import FaceError
from styleinv.face import detection
from styleinv.face.alignment import align, crop_quad, interocular
from styleinv.face.descriptor import descriptor, descriptor_distance
from styleinv.face.detection import find_and_align, find_faces, frontal_boxes
from styleinv.face.expression import SEEMING, of_itself
from styleinv.face.landmarks import MIRRORED, Box, landmarks_of_crop, steady_landmarks
from styleinv.face.turning import turned, turned_back

LEFT_EYE, RIGHT_EYE, MOUTH = slice(36, 42), slice(42, 48), slice(48, 55)


def drawn_landmarks() -> np.ndarray:
    """Eyes at (100, 120) and (156, 120), corners of the mouth at (108, 180) and (148, 180)."""
    points = np.zeros((68, 2))
    points[LEFT_EYE], points[RIGHT_EYE] = (100, 120), (156, 120)
    points[48], points[54] = (108, 180), (148, 180)
    return points


def scaled(image: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS))


def ramp(width: int, height: int) -> np.ndarray:
    """Red counts columns, green rows: a pixel says where it came from."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x, y, np.zeros_like(x)], -1).astype(np.uint8)


def test_crop_quad_in_numbers():
    # across: 56 px from the eyes, 60 from the mouth, all to the right; length max(2 * 56, 1.8 * 60) = 112;
    # centre: (128, 120) + 0.1 * (0, 60).
    expected = [[16, 14], [16, 238], [240, 238], [240, 14]]
    assert np.allclose(crop_quad(drawn_landmarks()), expected)


def test_crop_quad_moves_with_the_face():
    turn = 1.7 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    moved = drawn_landmarks() @ turn.T + [30, -50]
    assert np.allclose(crop_quad(moved), crop_quad(drawn_landmarks()) @ turn.T + [30, -50])


@pytest.mark.parametrize("size", [56, 224, 512])
def test_align_samples_where_the_quad_lies(size):
    crop = align(ramp(256, 256), drawn_landmarks(), size)
    step = 224 / size                                               # source pixels a crop pixel
    place = 16 + (np.arange(size) + 0.5) * step                     # PIL's continuous coordinates, less half a pixel
    inner = slice(size // 8, -size // 8)
    assert crop.shape == (size, size, 3) and crop.dtype == np.uint8
    assert np.abs(crop[inner, inner, 0] - place[None, inner]).max() < 1.1
    assert np.abs(crop[inner, inner, 1] - (place[inner, None] - 2)).max() < 1.1


def test_align_averages_large_photos():
    """Stripes of one pixel turn grey at a tenth of their size, and do not alias."""
    stripes = np.zeros((2400, 2400, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(align(stripes, 10 * drawn_landmarks() - 200, 128).astype(int) - 128).max() < 12


def test_align_mirrors_and_softens_beyond_the_photo():
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    photo = np.asarray(Image.fromarray(noise).resize((256, 256), Image.Resampling.NEAREST))
    whole, cut = align(photo, drawn_landmarks()), align(photo[60:], drawn_landmarks() - [0, 60])
    difference = np.abs(whole.astype(int) - cut).mean((1, 2))       # a row
    assert difference[128:220].max() < 2                               # far from the cut, nothing changes
    assert cut[:20].std(axis=1).mean() < 0.5 * whole[:20].std(axis=1).mean()
    assert cut[:20].min() > 0                                       # and no black


def test_finds_the_face(sample_photo):
    found = find_faces(sample_photo)
    assert len(found) == 1
    face = found[0]
    assert face.score > 0 and face.landmarks.shape == (68, 2) and face.landmarks.dtype == np.float32
    assert 224 < face.box.left < face.box.right < 736 and 104 < face.box.top < face.box.bottom < 616
    centre = face.landmarks.mean(0)
    assert face.box.left < centre[0] < face.box.right and face.box.top < centre[1] < face.box.bottom


def test_finds_all_faces_largest_first(sample_faces):
    photo = np.full((600, 1200, 3), 120, np.uint8)
    photo[100:400, 850:1150], photo[50:562, 100:612] = scaled(sample_faces[1], 300), sample_faces[0]
    found = find_faces(photo)
    assert [face.box.left > 800 for face in found] == [False, True]
    crop, same = find_and_align(photo, face=1)
    assert len(same) == 2 and np.abs(crop.astype(int) - scaled(sample_faces[1], 256)).mean() < 20


@pytest.mark.parametrize("size", [90, 2400])
def test_finds_faces_of_any_size(sample_faces, size):
    canvas = np.full((max(240, size), max(240, size), 3), 128, np.uint8)
    canvas[:size, :size] = scaled(sample_faces[0], size)
    found = find_faces(canvas)
    assert len(found) == 1
    assert interocular(found[0].landmarks) == pytest.approx(0.25 * size, rel=0.12)


def test_finds_a_half_hidden_face_by_the_second_detector(sample_photo):
    hidden = sample_photo.copy()
    hidden[:, :480] = 40
    assert not any(frontal_boxes(hidden, side) for side in (800, 1600, 2400))
    assert len(find_faces(hidden)) == 1


def test_the_second_detector_does_not_hold_up_others():
    gaps, done = [], Event()

    def live() -> None:
        while not done.is_set():
            before = monotonic()
            sleep(0.01)
            gaps.append(monotonic() - before)

    other, begun = Thread(target=live), monotonic()
    other.start()
    find_faces(np.full((480, 640, 3), 128, np.uint8))
    done.set()
    other.join()
    assert max(gaps) < (monotonic() - begun) / 2


@pytest.mark.parametrize("size", [256, 512])
def test_aligning_an_aligned_face_gives_itself(sample_photo, sample_faces, size):
    crop, found = find_and_align(sample_photo, size=size)
    assert crop.shape == (size, size, 3) and len(found) == 1
    middle = slice(size // 4, 3 * size // 4)
    assert np.abs(crop.astype(int) - scaled(sample_faces[0], size))[middle, middle].mean() < 12


def test_landmarks_of_a_crop(sample_photo, sample_faces):
    detected = find_faces(sample_photo)[0].landmarks - [224, 104]
    between = interocular(detected)
    for size in (256, 512, 1024):
        points = landmarks_of_crop(scaled(sample_faces[0], size))
        assert points.shape == (68, 2) and points.dtype == np.float32
        assert np.hypot(*(points * 512 / size - detected).T).mean() < 0.04 * between


def test_descriptors_tell_people_apart(sample_faces):
    first, other = (descriptor(scaled(face, 256)) for face in sample_faces[:2])
    again = descriptor(sample_faces[0], landmarks_of_crop(sample_faces[0]))
    assert first.shape == (128,) and first.dtype == np.float64
    assert descriptor_distance(first, first) == 0
    assert descriptor_distance(first, again) < 0.3 < 0.5 < descriptor_distance(first, other)


def test_descriptor_distance():
    assert descriptor_distance(np.zeros(128), np.full(128, 0.5)) == pytest.approx(0.5 * 128**0.5)


def test_overlap():
    assert Box(0, 0, 10, 10).overlap(Box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert Box(0, 0, 10, 10).overlap(Box(20, 0, 30, 10)) == 0


def refusal(*arguments: object) -> str:
    with pytest.raises(FaceError) as caught:
        find_and_align(*arguments)
    return str(caught.value)


def test_no_face():
    sentence = "No face was found: use a photo that shows a whole face from the front, in good light."
    assert refusal(ramp(256, 200)) == sentence


def test_no_such_face(sample_photo, sample_faces):
    assert refusal(sample_photo, 1) == "The photo shows 1 face: choose face 0."
    assert refusal(np.hstack(list(sample_faces[:2])), 2) == "The photo shows 2 faces: choose face 0 or 1."
    assert refusal(np.hstack(list(sample_faces)), -1) == "The photo shows 3 faces: choose face 0 to 2."


def test_too_small_a_face(sample_faces):
    canvas = np.full((200, 200, 3), 128, np.uint8)
    canvas[80:124, 80:124] = scaled(sample_faces[0], 44)
    assert refusal(canvas) in {
        f"The face is too small, with {n} pixels between the eyes where 12 are needed: use a larger or closer photo."
        for n in (9, 10, 11)
    }


@pytest.fixture(scope="module")
def level(sample_faces) -> tuple[np.ndarray, np.ndarray]:
    """A photo with room to turn it, uint8 [640, 640, 3], and the descriptor of its face."""
    photo = np.full((640, 640, 3), 128, np.uint8)
    photo[192:448, 192:448] = sample_faces[0][::2, ::2]
    return photo, descriptor(find_and_align(photo)[0])


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [45, 60, 90, 180, 250, 315])
def test_turned_faces_stay_the_same_person(level, angle, mirrored):
    photo = np.asarray(Image.fromarray(level[0]).rotate(angle, Image.Resampling.BICUBIC, fillcolor=(128,) * 3))
    photo = np.ascontiguousarray(photo[:, ::-1]) if mirrored else photo
    crop, faces = find_and_align(photo)
    crop = np.ascontiguousarray(crop[:, ::-1]) if mirrored else crop
    assert len(faces) == 1 and descriptor_distance(descriptor(crop), level[1]) < 0.3


def test_points_are_turned_back():
    image = np.zeros((60, 100, 3), np.uint8)
    image[20:23, 70:73] = 255
    for angle in (0, 30, 90, 200):
        y, x = np.argwhere(turned(image, angle)[..., 0] > 127).mean(0)
        assert np.allclose(turned_back(np.array([[x + 0.5, y + 0.5]]), image.shape, angle), [[71.5, 21.5]], atol=0.4)


def test_a_face_comes_before_what_is_none(monkeypatch):
    hits = [(Box(0, 0, 400, 400), 0.09), (Box(450, 0, 550, 100), 3.4), (Box(600, 0, 720, 120), 0.5)]
    monkeypatch.setattr(detection, "frontal_boxes", lambda image, side: hits)
    monkeypatch.setattr(detection, "level_landmarks", lambda image, box, angle: np.zeros((68, 2)))
    faces = detection.find_faces(np.zeros((400, 720, 3), np.uint8))
    assert [face.score for face in faces] == [3.4, 0.5]         # the largest is false, the larger of the others unsure


@pytest.mark.parametrize("shape, corner", [((400, 6000), (110, 4130)), ((6000, 400), (5790, 60))])
def test_a_small_face_in_a_panorama(sample_faces, shape, corner):
    photo = np.full((*shape, 3), 128, np.uint8)
    top, left = corner
    photo[top : top + 200, left : left + 200] = scaled(sample_faces[0], 200)
    face, = find_faces(photo)
    assert np.hypot(*((np.array([left, top]) + 100) - face.landmarks.mean(0))) < 40
    assert 30 < interocular(face.landmarks) < 70


def test_steady_landmarks_tremble_less_and_are_the_same_in_a_mirror(sample_faces):
    face, rng = sample_faces[0][::2, ::2], np.random.default_rng(0)
    noisy = [(face + rng.normal(0, 4, face.shape)).clip(0, 255).astype(np.uint8) for _ in range(6)]
    single, steady = (np.stack([find(crop) for crop in noisy]).std(axis=0).mean()
                      for find in (landmarks_of_crop, steady_landmarks))
    assert steady < 0.6 * single
    there = steady_landmarks(np.ascontiguousarray(face[:, ::-1]))[MIRRORED]
    there[:, 0] = len(face) - 1 - there[:, 0]
    assert np.abs(there - steady_landmarks(face)).max() < 0.6
    assert np.abs(landmarks_of_crop(face) - steady_landmarks(face)).mean() < 1
    half = steady_landmarks(face[::2, ::2])
    assert half.dtype == np.float32 and np.abs(2 * half - steady_landmarks(face)).mean() < 2


def test_a_head_that_turns_and_nods_seems_to_do_more_than_that():
    turned = np.zeros((2, 7))
    turned[0, :2], turned[1, 2:] = (0.5, -1.0), 0.3
    turned[0, 2:] = (0.5, -1.0) @ SEEMING
    itself = of_itself(turned)
    assert np.allclose(itself[0], [0.5, -1, 0, 0, 0, 0, 0]) and np.allclose(itself[1], turned[1])
