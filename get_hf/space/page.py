# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Implements what the web page does for its visitors.

`layout.py` defines the layout of the page, and `session.py` runs the model. Most methods of `Page` return or yield
updates. An update is a dictionary from the name of a component to the value that the component will show.
"""

import copy
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import torch

from get_hf import GETFeatureExtractor, GETModel, load_pretrained
from get_hf.pretrained import CLASSIFIERS
from get_hf.space import classifiers, listening, looks, session
from get_hf.space.disk import Disk
from get_hf.space.runs import Run, Runs
from get_hf.space.session import Pace, Wishes

if TYPE_CHECKING:
    import mne

EXAMPLE, UPLOAD, NOTHING = "Built-in example", "My recording", "Nothing"
#: Shipped classifiers that a visitor can choose, by what the visitor reads.
QUESTIONS = {"Eyes open or closed": "eyes", "Left or right fist, imagined or moved": "fists"}
#: The classifier that the page was started with.
OWN_QUESTION = "The classifier of this page"
#: Conditions that a visitor can choose. The checkpoint was trained on these conditions only.
CONDITIONS = ("rest", "eyes_open", "eyes_closed", "left_fist", "right_fist", "both_fists", "feet")
USERS_AT_ONCE, USERS_WAITING = 2, 20
#: Seconds between two pictures while the continuation grows.
FRAME_SECONDS = 0.4
#: Interval in seconds at which a tab that waits for the continued example checks if its visitor did something else.
_GLANCE = 0.2


@dataclass(frozen=True)
class Visitor:
    """Sender of a request, which is one tab of a browser with its network address."""

    tab: str
    user: str

    @classmethod
    def of(cls, request: gr.Request) -> "Visitor":
        """Returns the sender of a request."""
        return cls(request.session_hash or "", request.client.host if request.client else "")


@dataclass(frozen=True)
class Generated:
    """Result of a generation.

    Attributes:
        features: Inputs of the model.
        patches: Prompt and continuation in the innovation space, `(1, channels, times)`.
        seconds: Duration of the generated part in seconds.
        took: Duration of the computation in seconds.
    """

    features: session.EEGFeatures
    patches: torch.Tensor
    seconds: float
    took: float

    @property
    def said(self) -> str:
        """A sentence about duration and speed."""
        speed = looks.times(self.seconds / self.took)
        return f"Generated {self.seconds:g} s in {self.took:.1f} s, {speed} real time."


class Page:
    """Web page with its model.

    Args:
        checkpoint: Folder, or `owner/name` on the Hub.
        classifier: Folder or `owner/name` of a fine-tuned `GETForSequenceClassification`. None: nothing is classified.
        disk: Storage of uploads and results, which deletes them after some time.
        is_own: Whether the page serves only the person at this machine, who may listen for longer, and to LSL.

    Raises:
        ValueError: A checkpoint cannot be loaded, `classifier` is not a classifier, or the classifier has another
            sampling rate or patch size than the checkpoint.
    """

    def __init__(self, checkpoint: str | Path, classifier: str | Path | None, disk: Disk, is_own: bool = False):
        self.model: GETModel
        self.extractor: GETFeatureExtractor
        self.model, self.extractor = load_pretrained(checkpoint)
        self.classifier = classifiers.named(classifier, self.model) if classifier else None
        self.questions: dict[str, str] = {OWN_QUESTION: str(classifier)} if classifier else {}
        self.questions |= {asked: name for asked, name in QUESTIONS.items() if (CLASSIFIERS / name).is_dir()}
        self.disk = disk
        self.is_own, self.hears_lsl = is_own, is_own and listening.can_hear_lsl()
        self._heard_example = listening.Example(self.model, self.extractor)
        self.runs = Runs(USERS_AT_ONCE, USERS_WAITING)
        self._chosen: dict[str, tuple[str, str | None]] = {}
        self.example = session.example(self.model, self.extractor)
        #: Updates that a new visitor sees, in a narrow window (True) and in a wide window (False).
        self._continued_example: dict[bool, dict[str, Any]] = {}
        self._example_tried = threading.Event()

    # ----------------------------------------------------------------------------------------------------- on arrival

    def continue_example(self) -> None:
        """Continues the built-in example, which all later visitors see when they arrive.

        This run lasts a few seconds. It is not counted in the queue of runs, so that no visitor waits for it. It also
        does work that takes long only the first time, such as finding fonts.
        """
        try:
            wishes = Wishes()
            features = session.prepare(self.extractor, self.example, wishes).features
            began = time.monotonic()
            *_, patches = session.stream(self.model, features, wishes)
            continued = Generated(features, patches, wishes.seconds, time.monotonic() - began)
            what = (
                f"This is an example: {session.EXAMPLE_SECONDS:.0f} s of EEG with closed eyes, made by GET itself, "
                f"and {wishes.seconds:.0f} s that GET added when this page was started. Press Generate for your own."
            )
            said = looks.message(what, [continued.said])
            raw = self._decode(continued)
            for narrow, width in ((False, looks.WIDE), (True, 0)):
                pictures = looks.signal(raw, width) | self._surprise(continued, raw, width)
                self._continued_example[narrow] = {"message": said, **pictures}
        finally:
            self._example_tried.set()

    def arrive(self, visitor: Visitor, width: float) -> Iterator[dict[str, Any]]:
        """Shows the continued example in a new tab, unless the visitor does something else first.

        Args:
            visitor: The visitor who opened the tab.
            width: Width of the window in pixels.

        Yields:
            Updates. They end when the visitor starts a run, or chooses another source.
        """
        with self.runs.begin(visitor.tab) as run:
            yield from run.shown(self._arrive(run, width), last=looks.nothing())

    def _arrive(self, run: Run, width: float) -> Iterator[dict[str, Any]]:
        if not self._example_tried.is_set():
            yield {"message": looks.message("An example will appear here in a moment. You need not wait for it.")}
        while not self._example_tried.wait(_GLANCE):
            if run.ended:
                return
        update = self._continued_example.get(width < looks.NARROW, {"message": looks.message("Press Generate.")})
        yield copy.deepcopy(update)  # gradio changes the dictionary

    # ------------------------------------------------------------------------------------------------------ to choose

    def change(self, visitor: Visitor, source: str, path: str | None) -> dict[str, Any]:
        """Reacts to a new source or file: ends the run of the tab, and deletes its results and its earlier upload."""
        self.runs.cancel(visitor.tab)
        _, replaced = self._chosen.get(visitor.tab, (source, None))
        self._chosen[visitor.tab] = source, path
        self._delete_upload(replaced)
        self.disk.forget(visitor.tab)
        said = looks.message("Reading") if source == UPLOAD and path else ""
        recorded = source != NOTHING
        return {
            "file": gr.update(visible=source == UPLOAD),
            "condition": gr.update(visible=recorded),
            "following": gr.update(label="Condition from here on" if recorded else "Condition"),
            "message": said,
            **looks.nothing(),
        }

    def choose(self, visitor: Visitor, source: str, path: str | None) -> dict[str, Any]:
        """Shows the channels of a new source or file, so that the visitor can choose among them."""
        names, usual, said = [], [], ""
        try:
            raw, notes = self._recording(source, path)
            if raw is not None:
                names, usual = raw.ch_names, session.usual_channels(raw.ch_names)
                seconds, rate = raw.n_times / raw.info["sfreq"], raw.info["sfreq"]
                what = f"{len(names)} channels, {seconds:.0f} s, {rate:g} Hz; {len(usual)} channels are chosen."
                said = looks.message(what, notes)
            elif source == NOTHING:
                names = usual = list(session.USUAL_CHANNELS)
            else:
                said = looks.message("Upload a recording, then continue it.")
        except Exception as error:
            said = looks.failure(error)
        if self._chosen.get(visitor.tab) != (source, path):  # the visitor chose something else in the meantime
            return {"channels": gr.skip()}
        return {"channels": gr.update(choices=names, value=usual), "message": said}

    def leave(self, visitor: Visitor) -> None:
        """Ends the run of a tab that was closed, and deletes its upload and results."""
        self.runs.cancel(visitor.tab)
        _, path = self._chosen.pop(visitor.tab, (None, None))
        self._delete_upload(path)
        self.disk.forget(visitor.tab)

    def _delete_upload(self, path: str | None) -> None:
        """Deletes an upload, unless another tab uses it, because gradio stores only one copy of equal files."""
        if path and path not in {kept for _, kept in self._chosen.values()}:
            self.disk.delete(path)

    def _recording(
        self, source: str, path: str | None, most_seconds: float = session.MAX_PROMPT_SECONDS
    ) -> tuple["mne.io.BaseRaw | None", list[str]]:
        if source == EXAMPLE:
            return self.example, []
        return session.read_upload(path, most_seconds) if source == UPLOAD and path else (None, [])

    def _turn(self, run: Run) -> Iterator[dict[str, Any]]:
        """Waits for a free place, and yields how many visitors are before this one."""
        for before in self.runs.turn(run):
            yield {"message": looks.message(f"Waiting for a free place: {before} before you.")}

    # ---------------------------------------------------------------------------------------------------- to classify

    def classify(self, visitor: Visitor, *choices) -> Iterator[dict[str, Any]]:
        """Classifies the windows of a recording.

        Args:
            visitor: The visitor who pressed the button.
            choices: Source, path of the upload, channels, one of `questions`, and width of the window in pixels.

        Yields:
            Updates.
        """
        with self.runs.begin(visitor.tab) as run:
            yield from run.shown(self._classify(run, *choices), last=looks.nothing())

    def _classify(
        self, run: Run, source: str, path: str | None, ch_names: list[str], question: str, width: float
    ) -> Iterator[dict[str, Any]]:
        yield {"message": looks.message("Reading"), **looks.nothing()}
        try:
            raw, notes = self._recording(source, path, session.MAX_CLASSIFIED_SECONDS)
            if raw is None:
                raise ValueError("There is no recording to classify: upload one, or choose the built-in example.")
            if question not in self.questions:
                raise ValueError("No classifier was chosen: choose one.")
            yield from self._turn(run)
            yield {"message": looks.message("Classifying", notes)}
            found = session.classify_windows(*classifiers.asked(self.questions[question]), raw, ch_names or ())
            found.notes[:0] = notes
            yield looks.windows(found, width)
        except Exception as error:
            yield {"message": looks.failure(error)}

    # ------------------------------------------------------------------------------------------------------ to listen

    def listen(self, visitor: Visitor, *choices) -> Iterator[dict[str, Any]]:
        """Listens to a recording or to an LSL stream, and shows what is found while it arrives.

        Args:
            visitor: The visitor who pressed the button.
            choices: Source, path of the upload, channels, name of an LSL stream, one of `questions`, one of
                `listening.SPEEDS`, seconds that show what is usual, and width of the window in pixels.

        Yields:
            Updates.
        """
        with self.runs.begin(visitor.tab) as run:
            yield from run.shown(self._listen(run, *choices), last=looks.nothing())

    def _listen(
        self,
        run: Run,
        source: str,
        path: str | None,
        ch_names: list[str],
        stream: str | None,
        question: str | None,
        speed: float,
        usual_seconds: float,
        width: float,
    ) -> Iterator[dict[str, Any]]:
        yield {"message": looks.message("Reading"), **looks.nothing(), **looks.stop(True)}
        try:
            wishes = listening.Wishes(speed, usual_seconds, width)
            if (stream := (stream or "").strip()) and not self.hears_lsl:
                raise ValueError("LSL streams are heard by a page on your own machine, with MNE-LSL: leave it empty.")
            raw, notes = (None, []) if stream else self._recording(source, path, listening.MAX_PLAYED_SECONDS)
            if raw is None and not stream:
                raise ValueError("There is nothing to listen to: upload a recording, or choose the built-in example.")
            yield from self._turn(run)
            if source == EXAMPLE and not stream:
                raw, notes = (yield from self._heard_example.ready(run)), [listening.ABOUT_EXAMPLE]
            if run.ended:
                yield {"message": looks.message("Stopped before anything was heard."), **looks.stop(False)}
                return
            if stream:
                yield {"message": looks.message(f"Looking for the LSL stream {stream}.")}
                heard, usual = listening.hear_lsl(stream), usual_seconds
            else:
                name = "the example" if source == EXAMPLE else Path(path).name
                heard, usual = listening.play(raw, ch_names or (), name, wishes)
            asked = classifiers.asked(self.questions[question]) if question in self.questions else None
            most = listening.OWN_SECONDS if self.is_own else listening.HOSTED_SECONDS
            models = self.model, self.extractor
            yield from listening.listen(run, heard, models, asked, usual, wishes, most, notes)
        except Exception as error:
            yield {"message": looks.failure(error), **looks.stop(False)}

    # ---------------------------------------------------------------------------------------------------- to generate

    def generate(self, visitor: Visitor, *choices) -> Iterator[dict[str, Any]]:
        """Continues a recording, and shows the continuation while it is being generated.

        Args:
            visitor: The visitor who pressed the button.
            choices: Values of all controls, in the order of `layout.build`.

        Yields:
            Updates.
        """
        with self.runs.begin(visitor.tab) as run:
            yield from run.shown(self._generate(run, visitor, *choices), last=looks.nothing())

    def _generate(
        self,
        run: Run,
        visitor: Visitor,
        source: str,
        path: str | None,
        ch_names: list[str],
        condition: str | None,
        next_condition: str | None,
        seconds: float,
        temperature: float,
        guidance: float,
        seed: float,
        width: float,
    ) -> Iterator[dict[str, Any]]:
        yield {"message": looks.message("Reading"), **looks.nothing(), **looks.stop(True)}
        try:
            wishes = Wishes(
                seconds=seconds,
                ch_names=tuple(ch_names or ()),
                condition=condition if condition and source != NOTHING else None,
                next_condition=next_condition or None,
                temperature=temperature,
                guidance=guidance,
                seed=int(seed or 0),
            )
            raw, notes = self._recording(source, path)
            if raw is None and source == UPLOAD:
                raise ValueError("No recording was uploaded: choose a file, or the built-in example.")
            prepared = session.prepare(self.extractor, raw, wishes)
            yield from self._turn(run)
            if run.ended:
                yield {"message": looks.message("Stopped before anything was generated."), **looks.stop(False)}
                return
            stem = {EXAMPLE: "example_get", NOTHING: "get"}.get(source) or f"{Path(path).stem}_get"
            generated = yield from self._grow(run, prepared.features, wishes, width)
            notes = notes + prepared.notes
            if generated.seconds < wishes.seconds and run.stopped:
                notes.append(f"Stopped: these are the first {generated.seconds:g} of {wishes.seconds:g} s.")
            elif generated.seconds < wishes.seconds:
                took = f"Ended after {generated.took:.0f} s of computing"
                notes.append(f"{took}: generate fewer seconds, or fewer channels.")
            yield from self._finish(visitor, generated, notes, stem, width)
        except Exception as error:
            yield {"message": looks.failure(error), **looks.stop(False)}

    def _grow(
        self, run: Run, features: session.EEGFeatures, wishes: Wishes, width: float
    ) -> Generator[dict[str, Any], None, Generated]:
        """Generates a continuation, and shows its first part from time to time."""
        n_given, rate = features["input_values"].shape[-1], self.model.config.sampling_rate
        began, pace, spacing = time.monotonic(), Pace(FRAME_SECONDS), 0.0
        with closing(session.stream(self.model, features, wishes)) as stream:
            for patches in stream:
                if run.ended:
                    break
                seconds = (patches.shape[-1] - n_given) / rate
                if pace.due():
                    raw = self.extractor.decode(patches, features)[0]
                    picture, spacing = looks.growing(raw, wishes.seconds, spacing, width)
                    speed = seconds / (time.monotonic() - began)
                    yield {"message": looks.progress(seconds, wishes.seconds, speed), **picture}
        seconds = (patches.shape[-1] - n_given) / rate
        return Generated(features, patches, seconds, time.monotonic() - began)

    def _finish(
        self, visitor: Visitor, generated: Generated, notes: list[str], stem: str, width: float
    ) -> Iterator[dict[str, Any]]:
        """Shows the whole continuation, then its surprise, its classes, and the files to download."""
        raw = self._decode(generated)
        measuring = looks.message(f"{generated.said} Measuring.", notes)
        yield {"message": measuring, **looks.signal(raw, width)}
        surprise = self._surprise(generated, raw, width)
        is_recorded = generated.features.recordings[0].n_times > 0
        classes = session.classify(self.classifier, generated.features) if self.classifier and is_recorded else {}
        files, more = self._write(visitor, raw, stem)
        yield {
            "message": looks.message(generated.said, notes + more),
            **surprise,
            "classes": looks.classes(classes),
            **files,
            **looks.stop(False),
        }

    def _decode(self, generated: Generated) -> "mne.io.BaseRaw":
        return self.extractor.decode(generated.patches, generated.features)[0]

    def _surprise(self, generated: Generated, raw: "mne.io.BaseRaw", width: float) -> dict[str, Any]:
        score = session.surprise(self.model, generated.features, generated.patches)
        config = self.model.config
        patch_seconds = config.patch_size / config.sampling_rate
        given = generated.patches.shape[-1] / config.sampling_rate - generated.seconds
        # the start patch comes before the recording
        return looks.surprise(score, raw.ch_names, given - patch_seconds, patch_seconds, width)

    def _write(self, visitor: Visitor, raw: "mne.io.BaseRaw", stem: str) -> tuple[dict[str, Any], list[str]]:
        """Writes the files to download, and returns updates and notes about files that could not be written."""
        files, notes = looks.no_files(), []
        folder = self.disk.results(visitor.tab)
        try:
            with self.disk.room(visitor.user, 8 * len(raw.ch_names) * raw.n_times):  # 2 of EDF, 4 of FIF, a picture
                for suffix in looks.FILES:
                    path = folder / (f"{stem}_raw.fif" if suffix == ".fif" else stem + suffix)
                    try:
                        looks.save(raw, path)
                    except ValueError as error:  # such as a channel name that EDF cannot hold
                        notes.append(str(error).replace(str(path), path.name))
                    else:
                        files[suffix] = gr.update(value=str(path), visible=True)
                self.disk.own(visitor.user, *folder.iterdir())
        except ValueError as error:
            notes.append(f"There is nothing to download. {error}")
        return files, notes
