"""Every English text of the app, so that another language is one file."""

from .. import __version__

TITLE = "StyleInV"
TAGLINE = "One photo of a face. A clip that moves. No driver video, no audio: motion comes from a seed."

PHOTO_TAB = "Your photo"
SAMPLE_TAB = "Surprise me"
ABOUT_TAB = "About"

PHOTO = "Photo of a face"
PHOTO_HINT = "Drop a photo here, paste one, or press to choose"
EXAMPLES = "Or try a person who does not exist"
FACES = "Several faces were found: choose one"
CROP = "Your photo, aligned"
INVERSION = "Reconstructed"

SECONDS = "Seconds"
MOTION = "Motion strength"
MOTION_INFO = "0 is still, 1 is as learned"
SEED = "Seed of the motion"
SEED_INFO = "The same seed gives the same clip"
PERSON_SEED = "Seed of the person and the motion"
DICE = "New seed"
PSI = "Variety"
PSI_INFO = "0 is the mean face, 1 the whole variety, with stranger faces"
LIKENESS = "Likeness"
LIKENESS_INFO = "Close refines the face once when you animate, for some 15 s"
LIKENESSES = [("Close", "close"), ("Fast", "fast")]

ADVANCED = "Advanced"
FPS = "Frames a second"
SIZE = "Size in pixels"
LOOP = "Loop"
LOOPS = [("Once", "none"), ("Forth and back", "pingpong")]
LAYOUT = "Layout"
LAYOUTS = [("Clip alone", "result"), ("Side by side", "compare")]
KIND = "Format"
MARK = "Visible mark “AI-generated”"
MARK_INFO = "The metadata of the file says so either way"

CONSENT = "This is my photo, or I have the consent of the person it shows."
RETENTION = (
    "Your photo is used for this clip alone. Faces are held in memory and files in a folder of this request; "
    "all are deleted within about an hour, and clips as soon as you close the page."
)

ANIMATE = "Animate"
CANCEL = "Cancel"
CLIP = "Clip"
DOWNLOAD = "Save clip"
RECIPE = "Save recipe"

STAGES = {"likeness": "Refining the likeness", "frames": "Rendering"}
UNITS = {"likeness": "steps", "frames": "frames"}

FAULT = "Something went wrong on our side, and nothing was kept: try again, or with another photo."
STOPPED = "Stopped; nothing was kept."
NO_PHOTO = "There is no photo yet: choose one first."
NO_FACE = "The photo has no face of that number: choose another."
NO_CONSENT = "Please confirm that you may use this photo: tick the box above the button."
EXPIRED = "The photo has expired and was deleted: choose it again."


def likeness(distance: float) -> str:
    """The figure, and what it means."""
    if distance < 0.4:
        meaning = "a close match"
    elif distance < 0.6:
        meaning = "the same person to a recogniser"
    else:
        meaning = "it only resembles you: try a frontal, evenly lit photo"
    return f"Likeness **{distance:.2f}**: {meaning}."


ABOUT = f"""
### How it works
The face is found and cut out, and an encoder finds the latent of a face generator that shows it again: the *inversion*. A
network modulated in time then moves this latent along a path that a seed chooses, and the generator draws each frame.
Nothing is taken from another video. The method is **StyleInV** (Wang, Jiang and Loy, *StyleInV: A Temporal Style Modulated
Inversion Network for Unconditional Video Generation*, ICCV 2023); the generator is **MobileStyleGAN** (Belousov,
arXiv:2104.04767), so all of it runs on a laptop.

The *likeness* is the distance between two face descriptors, of your photo and of its inversion. Below 0.6 a face
recogniser takes both for one person; two photos of one person usually lie 0.3 to 0.45 apart.

### Limits
Frontal, evenly lit photos of one adult face work best. Hats, hands, glasses with reflections, profiles and children come
out worse, and the background moves with the head. The generator learned from FFHQ and motion from a few hundred public
clips, neither of which shows all of humanity. A person is resembled, not copied.

### Licences
Code: Apache-2.0. Weights: **for research, not for commercial use**; they derive from NVIDIA's StyleGAN2-FFHQ and from
data with terms of their own. The landmark model was trained on iBUG 300-W, which excludes commercial use too.

### Be fair
Only animate faces whose owners agree. Say that a clip is generated: it carries content credentials (C2PA), its recipe in
the metadata, and a visible mark unless you turn it off.

StyleInV {__version__}
"""
