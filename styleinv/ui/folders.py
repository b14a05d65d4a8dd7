"""Files of visitors: each request in a folder of its own, all of them gone within the hour."""

import atexit
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from gradio.utils import get_upload_folder

from . import progress
from .fetching import CLIPS
from .spoken import Stopped
from .texts import say

BUSY, LASTING = ".busy", ".lasting"     # in a folder that is still worked in
UPLOAD = ".upload"  # suffix of a note that names an uploaded file


@dataclass(frozen=True)
class Expiry:
    """Seconds. A file is gone after `age + every` at the latest."""

    age: float = 3000
    every: float = 300


@contextmanager
def stopping_with(folder: Path) -> Iterator[None]:
    """Whatever fails because the folder was taken away was stopped: no fault, and nothing for the log."""
    try:
        yield
    except Exception as error:
        if folder.is_dir():
            raise
        raise Stopped(say("stopped")) from error


class Folders:
    """Below Gradio's cache, so that its server hands the files out; their names cannot be guessed."""

    def __init__(self, expiry: Expiry = Expiry()):
        self.cache, self.expiry = Path(get_upload_folder()), expiry
        self.clips = self.cache / CLIPS
        self.visitors: set[str] = set()         # those of this server; another one may share the cache

    @contextmanager
    def work(self, visitor: str, lasting: bool = False) -> Iterator[Path]:
        """A new folder for one request; if the work fails, or the folder is taken away meanwhile, nothing remains.

        Lasting work goes on when the visitor's other work is stopped.
        """
        self.clips.mkdir(parents=True, exist_ok=True)
        self.visitors.add(visitor)
        folder = Path(tempfile.mkdtemp(prefix=f"{visitor}-", dir=self.clips))
        mark = folder / (LASTING if lasting else BUSY)
        mark.touch()
        try:
            with stopping_with(folder):
                yield folder
                progress.tidy(folder)
                mark.unlink()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if not any(folder.iterdir()):
            folder.rmdir()

    def busy(self, visitor: str) -> bool:
        """Whether work goes on for a visitor."""
        return any(self.clips.glob(f"{visitor}-*/{BUSY}"))

    def stop(self, visitor: str) -> None:
        """Take away the folders in which work goes on: it sees that and ends."""
        for busy in self.clips.glob(f"{visitor}-*/{BUSY}"):
            shutil.rmtree(busy.parent, ignore_errors=True)

    def claim(self, visitor: str, upload: Path) -> None:
        """Note whose upload it is, so that :meth:`remove` finds it."""
        self.clips.mkdir(parents=True, exist_ok=True)
        self.visitors.add(visitor)
        note = self.clips / f"{visitor}-{uuid.uuid4().hex}{UPLOAD}"
        note.write_text(str(upload))

    def remove(self, visitor: str) -> None:
        """Delete all files of a visitor, which stops what works on them."""
        for note in self.clips.glob(f"{visitor}-*{UPLOAD}"):
            upload, claimed = Path(note.read_text()), note.stat().st_mtime
            note.unlink(missing_ok=True)
            if upload.is_file() and upload.stat().st_mtime <= claimed and not self._claimed(upload):
                self.discard(upload)
        for folder in self.clips.glob(f"{visitor}-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """The server ends: delete the files of all its visitors."""
        while self.visitors:
            self.remove(self.visitors.pop())

    def _claimed(self, upload: Path) -> bool:
        """Whether another visitor holds an equal file, which lies at the same path; one still newer is being
        claimed.
        """
        return any(note.read_text() == str(upload) for note in self.clips.glob(f"*{UPLOAD}"))

    def discard(self, upload: Path) -> None:
        """Delete an uploaded file; one that lies elsewhere is not ours to delete."""
        if self.holds(upload):
            upload.unlink(missing_ok=True)

    def holds(self, path: Path) -> bool:
        """Whether the path is in the cache."""
        return path.resolve().is_relative_to(self.cache.resolve())

    def sweep(self) -> None:
        """Delete every file that is too old, and the folders that this leaves empty."""
        oldest = time.time() - self.expiry.age
        for path in sorted(self.cache.rglob("*"), reverse=True):       # a folder after what is in it
            try:
                if path.is_dir():
                    path.rmdir() if path.stat().st_mtime < oldest else None
                elif path.lstat().st_mtime < oldest:
                    path.unlink()
            except OSError:                                             # not empty, or another hand was quicker
                pass

    def keep_sweeping(self, also: Callable[[], None]) -> None:
        """Now and from now on, in the background; and do something else at the same times. At the end all goes."""
        atexit.register(self.close)
        self.sweep()                            # what a server left that was killed
        Thread(target=self._run, args=[also], name="expiry", daemon=True).start()

    def _run(self, also: Callable[[], None]) -> None:
        while True:
            time.sleep(self.expiry.every)
            self.sweep()
            also()
