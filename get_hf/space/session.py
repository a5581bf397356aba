# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the page runs: a recording and wishes in, patches out as they come; how surprising; which class.

Model and feature extractor are shared by all users and never changed; everything else belongs to one request.
"""

import queue
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from transformers import StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from get_hf import GETFeatureExtractor, GETForSequenceClassification, GETModel, load_recording
from get_hf.processing.feature_extraction_get import EEGFeatures
from get_hf.processing.montage_get import USUAL_CHANNELS, UnknownChannelError, parse_channel_name
from get_hf.space.disk import MAX_MEGABYTES

if TYPE_CHECKING:
    import mne

SUFFIXES = (".edf", ".bdf", ".fif", ".set")
#: Hz; of faster recordings the pictures alone would take gigabytes.
MAX_RATE = 5000.0
#: Of a longer recording its end is continued.
MAX_PROMPT_SECONDS = 30.0
MAX_SECONDS = 60.0
MAX_CHANNELS = 32
#: Seconds of computing, after which a continuation ends where it is.
MAX_WALL_SECONDS = 90.0
EXAMPLE_SECONDS = 12.0
#: Times of the grid on which the surprise is measured; more make it finer, not different.
SCORE_STEPS = 2
#: Of the noise on which the surprise is measured: not one that a user is likely to choose, because patches that were
#: made of that very noise would seem to be no surprise at all.
SCORE_SEED = 0x5C0_5EED


class _Notes:
    """What is warned of in each thread, for the user whose request runs there.

    What Python records of warnings is the whole process's; a lock would let one user's slow file hold up all others.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._notes: dict[int, list[str]] = {}

    @contextmanager
    def taken(self) -> Iterator[list[str]]:
        """Gives the notes of this thread, which come while the context lasts."""
        notes: list[str] = []
        with self._lock:
            if not self._notes:
                self._catching = warnings.catch_warnings()
                self._catching.__enter__()
                warnings.simplefilter("always", UserWarning)
                self._elsewhere, warnings.showwarning = warnings.showwarning, self._take
            self._notes[threading.get_ident()] = notes
        try:
            yield notes
        finally:
            with self._lock:
                del self._notes[threading.get_ident()]
                if not self._notes:
                    self._catching.__exit__(None, None, None)

    def _take(self, message: Warning, category: type[Warning], *where) -> None:
        notes = self._notes.get(threading.get_ident())
        if notes is None:
            self._elsewhere(message, category, *where)
        elif category is UserWarning:
            notes.append(str(message))


_notes = _Notes()


@dataclass(frozen=True)
class Wishes:
    """What a user asks for.

    Attributes:
        seconds: To generate.
        ch_names: Of the recording, or to generate from nothing; none for the usual ones.
        condition: What the person did in the recording, or None: it is not known.
        next_condition: What the person does from the seam on, or all the time where there is no recording; None: what
            the person did before goes on.
        temperature: Standard deviation of the flow's noise.
        guidance: How far to exaggerate the condition; 1 is not at all.
        seed: The same seed gives the same samples, from nothing of the same person.
    """

    seconds: float = 10.0
    ch_names: Sequence[str] = ()
    condition: str | None = None
    next_condition: str | None = None
    temperature: float = 1.0
    guidance: float = 1.0
    seed: int = 0

    def __post_init__(self):
        if not 0 < self.seconds <= MAX_SECONDS:
            raise ValueError(f"{self.seconds:g} s were asked for, and here 0.25 to {MAX_SECONDS:g} s are generated.")
        if len(self.ch_names) > MAX_CHANNELS:
            raise ValueError(f"{len(self.ch_names)} channels were chosen, and here at most {MAX_CHANNELS} are used.")
        if not 0 < self.temperature <= 2:
            raise ValueError(f"The temperature is {self.temperature:g}, and must lie above 0 and not above 2.")
        if not 0 < self.guidance <= 5:
            raise ValueError(f"The guidance is {self.guidance:g}, and must lie above 0 and not above 5.")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"The seed is {self.seed}, and must be 0 or more and below 2 to the 63rd.")
        if self.guidance != 1 and self.condition is None and self.next_condition is None:
            raise ValueError(
                f"Guidance {self.guidance:g} exaggerates a condition, and none was chosen: choose one, or guidance 1."
            )


@dataclass
class Prepared:
    """A recording as the model reads it, or nothing; and notes on what had to be left out."""

    features: EEGFeatures
    notes: list[str]


def read_upload(path: str | Path) -> tuple["mne.io.BaseRaw", list[str]]:
    """Reads an uploaded file within the limits of the page.

    Returns:
        The recording, in volts, at most its last 30 s; and notes.

    Raises:
        ValueError: Too large, or not EEG; the message says the file's name without its folder.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path.name} has been deleted since it was uploaded: upload it again.")
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path.name} is none of {', '.join(SUFFIXES)}: save the recording as one of these.")
    megabytes = path.stat().st_size / 1e6
    if megabytes > MAX_MEGABYTES:
        raise ValueError(
            f"{path.name} has {megabytes:.0f} MB, and at most {MAX_MEGABYTES} MB are read here: upload a part of it."
        )
    with _notes.taken() as notes:
        try:
            raw = load_recording(path, follow_links=False)
        except (ValueError, OSError) as error:
            raise ValueError(str(error).replace(str(path), path.name)) from error
    if (rate := raw.info["sfreq"]) > MAX_RATE:
        raise ValueError(f"{path.name} has {rate:g} Hz, and at most {MAX_RATE:g} Hz are read here: resample it.")
    if (seconds := raw.n_times / raw.info["sfreq"]) > MAX_PROMPT_SECONDS:
        raw.crop(tmin=seconds - MAX_PROMPT_SECONDS)
        notes.append(f"Of {seconds:.0f} s the last {MAX_PROMPT_SECONDS:.0f} s are read.")
    return raw, notes


def usual_channels(ch_names: Sequence[str]) -> list[str]:
    """Those of the 10-20 system, however they are spelt; or, where they are few, as many as may be used."""
    spelt = {}
    for name in ch_names:
        try:
            spelt.setdefault("-".join(filter(None, parse_channel_name(name))), name)
        except UnknownChannelError:
            continue
    usual = [spelt[name] for name in USUAL_CHANNELS if name in spelt]
    return usual if len(usual) >= 8 else list(ch_names)[:MAX_CHANNELS]


def prepare(extractor: GETFeatureExtractor, raw: "mne.io.BaseRaw | None", wishes: Wishes) -> Prepared:
    """Prepares a recording, or with None nothing but channels, for the model.

    Raises:
        ValueError: What the feature extractor refuses, in its words.
    """
    with _notes.taken() as notes:
        if raw is None:
            ch_names = list(wishes.ch_names) or USUAL_CHANNELS
            features = extractor(ch_names=ch_names, person=wishes.seed, **_conditions(raw, wishes))
        else:
            ch_names = list(wishes.ch_names) or usual_channels(raw.ch_names)
            if strange := [name for name in ch_names if name not in raw.ch_names]:
                raise ValueError(
                    f"{', '.join(strange)} was chosen, and the recording has no such channel: choose again."
                )
            features = extractor(raw.copy().pick(ch_names), **_conditions(raw, wishes))
    return Prepared(features, notes)


def _conditions(raw: "mne.io.BaseRaw | None", wishes: Wishes) -> dict[str, str | None]:
    """How the feature extractor is told what the recording was in, and what comes next; here and nowhere else."""
    if raw is None:
        return {"condition": wishes.next_condition}
    return {"condition": wishes.condition, "next_condition": wishes.next_condition}


def stream(model: GETModel, features: EEGFeatures, wishes: Wishes) -> Iterator[torch.Tensor]:
    """Generates in a thread of its own, and gives what there is whenever it is asked.

    Whoever stops asking stops the generation.

    Yields:
        `(1, channels, times)` in the innovation space: the prompt and all patches so far; at least one more each time.

    Raises:
        ValueError: What `generate` refuses.
    """
    patches: queue.SimpleQueue[torch.Tensor | Exception | None] = queue.SimpleQueue()
    stopped = threading.Event()

    def work() -> None:
        try:
            model.generate(
                **features,
                seconds=wishes.seconds,
                temperature=wishes.temperature,
                guidance_scale=wishes.guidance,
                generator=torch.Generator().manual_seed(wishes.seed),
                max_time=MAX_WALL_SECONDS,
                streamer=_ToQueue(patches),
                stopping_criteria=StoppingCriteriaList([_WhenStopped(stopped)]),
            )
        except Exception as error:  # raised again where the page can show it
            patches.put(error)
        patches.put(None)

    threading.Thread(target=work, daemon=True).start()
    so_far = [patches.get()]  # the prompt comes first
    try:
        while True:
            arrived = [patches.get()]  # waits for one, then takes all that are there
            while not patches.empty():
                arrived.append(patches.get())
            if errors := [each for each in (*so_far, *arrived) if isinstance(each, Exception)]:
                raise errors[0]
            if new := [patch for patch in arrived if patch is not None]:
                so_far += new
                yield torch.cat(so_far, dim=-1)
            if arrived[-1] is None:
                return
    finally:
        stopped.set()


class _ToQueue(BaseStreamer):
    """Puts what `generate` hands over into a queue."""

    def __init__(self, patches: queue.SimpleQueue):
        self.patches = patches

    def put(self, value: torch.Tensor) -> None:
        """Hands on a patch `(batch, channels, times)`."""
        self.patches.put(value)

    def end(self) -> None:
        """Leaves it to the thread to say that this was all."""


class _WhenStopped(StoppingCriteria):
    """Ends a generation that nobody waits for."""

    def __init__(self, stopped: threading.Event):
        self.stopped = stopped

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor | None, **_) -> torch.Tensor:
        """One answer for each recording."""
        return torch.full((len(input_ids),), self.stopped.is_set(), dtype=torch.bool)


def surprise(model: GETModel, features: EEGFeatures, generated: torch.Tensor) -> np.ndarray:
    """How surprising each patch of prompt and continuation was, given its past.

    Returns:
        `(channels, patches)` in nats, without the start patch; NaN for channels the model does not see.
    """
    inputs = dict(features)
    n_patches = generated.shape[-1] // model.config.patch_size
    n_new = n_patches - features["attention_mask"].shape[1]
    inputs["input_values"] = generated
    inputs["attention_mask"] = torch.nn.functional.pad(features["attention_mask"], (0, n_new), value=1)
    conditions = features["condition_ids"]  # those of the prompt and of what was planned; the last one goes on
    conditions = torch.cat((conditions, conditions[:, -1:].expand(-1, n_patches)), dim=-1)
    inputs["condition_ids"] = conditions[:, :n_patches]
    return model.score(**inputs, num_flow_steps=SCORE_STEPS, seed=SCORE_SEED)[0, :, 1:].numpy()


@torch.no_grad()
def classify(classifier: GETForSequenceClassification, features: EEGFeatures) -> dict[str, float]:
    """Probabilities of a fine-tuned classifier's classes for a recording, by their names."""
    probabilities = classifier(**features).logits[0].softmax(-1)
    return {classifier.config.id2label[index]: float(p) for index, p in enumerate(probabilities)}


def example(model: GETModel, extractor: GETFeatureExtractor) -> "mne.io.BaseRaw":
    """The built-in recording: 12 s of closed eyes that the model itself makes, without its annotation."""
    wishes = Wishes(seconds=EXAMPLE_SECONDS, condition="eyes_closed", seed=1)
    features = prepare(extractor, None, wishes).features
    *_, generated = stream(model, features, wishes)
    raw = extractor.decode(generated, features)[0]
    return raw.set_annotations(None)


class Pace:
    """Says when the next picture is due, so that drawing does not hold up generating."""

    def __init__(self, interval: float):
        self.interval = interval
        self.next = 0.0

    def due(self) -> bool:
        """True at most once in `interval` seconds."""
        now = time.monotonic()
        if now < self.next:
            return False
        self.next = now + self.interval
        return True
