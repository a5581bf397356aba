# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the page looks like, and what its buttons do; `session.py` says what runs behind them.

On a Space the variables GET_CHECKPOINT and GET_CLASSIFIER name other weights, by `owner/name` or folder;
locally `get-hf demo` starts the same page.
"""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read while gradio is imported

import gradio as gr
import torch
from starlette.middleware import Middleware

from get_hf import CHECKPOINT, GETFeatureExtractor, GETForSequenceClassification, GETModel, load_pretrained
from get_hf.pretrained import find_checkpoint, load_folder
from get_hf.space import looks, session
from get_hf.space.disk import KEPT_SECONDS, MAX_MEGABYTES, Disk
from get_hf.space.gate import Gate
from get_hf.space.runs import Run, Runs
from get_hf.space.session import Pace, Wishes

if TYPE_CHECKING:
    import mne

TITLE = "GET: a Generative EEG Transformer"
EXAMPLE, UPLOAD, NOTHING = "Built-in example", "My recording", "Nothing"
#: Conditions that are offered: the checkpoint has seen no others.
CONDITIONS = ("rest", "eyes_open", "eyes_closed", "left_fist", "right_fist", "both_fists", "feet")
USERS_AT_ONCE, USERS_WAITING = 2, 20
#: Recordings that are read at the same time: one that is slow to read holds nobody up.
READERS_AT_ONCE = 6
#: Seconds between two pictures while patches come in.
FRAME_SECONDS = 0.4

INTRODUCTION = """# GET continues EEG
Give GET a stretch of EEG, or only a condition such as closed eyes, and it draws, a quarter of a second of all
channels at a time, what might follow. It makes plausible EEG of healthy adults between 0.5 and 45 Hz. It does not
predict what this brain will do, and it is **not a medical device**.
"""
LIMITS = f"""Files up to {MAX_MEGABYTES} MB in {", ".join(suffix[1:].upper() for suffix in session.SUFFIXES)};
of a recording the last {session.MAX_PROMPT_SECONDS:.0f} s are read; up to {session.MAX_CHANNELS} channels and
{session.MAX_SECONDS:.0f} s are generated. Files are deleted after {KEPT_SECONDS // 60} minutes: even so, upload
nothing that says who a person is."""


@dataclass(frozen=True)
class Visitor:
    """Who asks: one tab of a browser, and the address it asks from."""

    tab: str
    user: str

    @classmethod
    def of(cls, request: gr.Request) -> "Visitor":
        """Who sent a request."""
        return cls(request.session_hash or "", request.client.host if request.client else "")


class Page:
    """The page with the model behind it.

    Args:
        checkpoint: Folder, or `owner/name` on the Hub.
        classifier: The same, of a fine-tuned `GETForSequenceClassification`; without one nothing is classified.
        disk: Where what is uploaded and made is kept for a while.

    Raises:
        ValueError: A checkpoint cannot be loaded, or there is no classifier in `classifier`, or not one of EEG as the
            checkpoint reads it.
    """

    def __init__(self, checkpoint: str | Path, classifier: str | Path | None, disk: Disk):
        self.model: GETModel
        self.extractor: GETFeatureExtractor
        self.model, self.extractor = load_pretrained(checkpoint)
        self.classifier = _load_classifier(classifier, self.model) if classifier else None
        self.disk = disk
        self.runs = Runs(USERS_AT_ONCE, USERS_WAITING)
        self._chosen: dict[str, tuple[str, str | None]] = {}
        self.example = session.example(self.model, self.extractor)
        self._warm_up()

    def _warm_up(self) -> None:
        """Does all once that the first time takes long, such as finding fonts, so that no user waits for it."""
        nobody = Visitor("", "")
        for _ in self.generate(nobody, EXAMPLE, None, [], "", "", 1.0, 1.0, 1.0, 0):
            pass
        self.leave(nobody)

    # ---------------------------------------------------------------------------------------------------- what it does

    def change(self, visitor: Visitor, source: str, path: str | None) -> dict[str, Any]:
        """Takes away what belonged to what was chosen before: the run, its results, a file that was replaced."""
        self.runs.cancel(visitor.tab)
        _, replaced = self._chosen.get(visitor.tab, (source, None))
        self._chosen[visitor.tab] = source, path
        self._delete_upload(replaced)
        self.disk.forget(visitor.tab)
        said = looks.message("Reading") if source == UPLOAD and path else ""
        recorded = gr.update(visible=source != NOTHING)
        return {"file": gr.update(visible=source == UPLOAD), "condition": recorded, "message": said, **looks.nothing()}

    def choose(self, visitor: Visitor, source: str, path: str | None) -> dict[str, Any]:
        """Shows what there is to choose from when the source or the file has changed."""
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
        if self._chosen.get(visitor.tab) != (source, path):  # something else was chosen while this one was read
            return {"channels": gr.skip()}
        return {"channels": gr.update(choices=names, value=usual), "message": said}

    def leave(self, visitor: Visitor) -> None:
        """Ends what a tab that was closed has asked for, and deletes what it uploaded and made."""
        self.runs.cancel(visitor.tab)
        _, path = self._chosen.pop(visitor.tab, (None, None))
        self._delete_upload(path)
        self.disk.forget(visitor.tab)

    def _delete_upload(self, path: str | None) -> None:
        """Deletes an upload unless a tab still has it: who uploads the same file as another has the same copy."""
        if path and path not in {kept for _, kept in self._chosen.values()}:
            self.disk.delete(path)

    def generate(self, visitor: Visitor, *choices) -> Iterator[dict[str, Any]]:
        """Continues a recording and shows it growing; the keys are names of what is shown."""
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
    ) -> Iterator[dict[str, Any]]:
        yield {"message": looks.message("Reading"), **looks.nothing()}
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
            for before in self.runs.turn(run):
                yield {"message": looks.message(f"Waiting for a free place: {before} before you.")}
            if run.ended:
                yield {"message": looks.message("Stopped before anything was made.")}
                return
            stem = {EXAMPLE: "example_get", NOTHING: "get"}.get(source) or f"{Path(path).stem}_get"
            yield from self._continue(run, visitor, prepared, wishes, notes, stem)
        except Exception as error:
            yield {"message": looks.failure(error)}

    def _continue(
        self, run: Run, visitor: Visitor, prepared: session.Prepared, wishes: Wishes, notes: list[str], stem: str
    ) -> Iterator[dict[str, Any]]:
        features, notes = prepared.features, notes + prepared.notes
        n_prompt, rate = features["input_values"].shape[-1], self.model.config.sampling_rate
        began, pace, spacing = time.monotonic(), Pace(FRAME_SECONDS), None
        with closing(session.stream(self.model, features, wishes)) as patches:
            for generated in patches:
                if run.ended:
                    break
                if pace.due():
                    made = (generated.shape[-1] - n_prompt) / rate
                    raw = self.extractor.decode(generated, features)[0]
                    picture, spacing = looks.traces(raw, wishes.seconds, spacing, dpi=100)
                    speed = made / (time.monotonic() - began)
                    yield {"message": looks.progress(made, wishes.seconds, speed), "traces": picture}

        took, made = time.monotonic() - began, (generated.shape[-1] - n_prompt) / rate
        if made < wishes.seconds and run.stopped:
            notes = [*notes, f"Stopped: of {wishes.seconds:g} s, this is what was made."]
        elif made < wishes.seconds:
            notes = [*notes, f"Ended after {took:.0f} s of computing; ask for less, or for fewer channels."]
        said = f"Generated {made:g} s in {took:.1f} s, {looks.times(made / took)} real time."
        raw = self.extractor.decode(generated, features)[0]
        yield {
            "message": looks.message(f"{said} Measuring.", notes),
            "traces": looks.traces(raw, made, spacing, dpi=160)[0],
            "spectra": looks.spectra(raw),
        }
        score = session.surprise(self.model, features, generated)
        is_recorded = features.recordings[0].n_times > 0
        classes = session.classify(self.classifier, features) if self.classifier and is_recorded else {}
        files, more = self._write(visitor, raw, stem)
        yield {
            "message": looks.message(said, notes + more),
            "surprise": looks.surprise(score, raw, generated.shape[-1] / rate - made, rate, self.model),
            "classes": looks.classes(classes),
            **files,
        }

    def _write(self, visitor: Visitor, raw: "mne.io.BaseRaw", stem: str) -> tuple[dict[str, Any], list[str]]:
        """Writes what can be downloaded; notes say what could not be written."""
        files, notes = looks.no_files(), []
        folder = self.disk.results(visitor.tab)
        try:
            with self.disk.room(visitor.user, 8 * len(raw.ch_names) * raw.n_times):  # 2 of EDF, 4 of FIF, a picture
                for suffix in looks.FILES:
                    path = folder / (f"{stem}_raw.fif" if suffix == ".fif" else stem + suffix)
                    try:
                        looks.save(raw, path)
                    except ValueError as error:  # EDF does not hold every name
                        notes.append(str(error).replace(str(path), path.name))
                    else:
                        files[suffix] = gr.update(value=str(path), visible=True)
                self.disk.own(visitor.user, *folder.iterdir())
        except ValueError as error:
            notes.append(f"There is nothing to download. {error}")
        return files, notes

    def _recording(self, source: str, path: str | None) -> tuple["mne.io.BaseRaw | None", list[str]]:
        if source == EXAMPLE:
            return self.example, []
        return session.read_upload(path) if source == UPLOAD and path else (None, [])

    # ---------------------------------------------------------------------------------------------------- how it looks

    def build(self) -> gr.Blocks:
        """Lays the page out."""
        with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
            gr.Markdown(INTRODUCTION)
            with gr.Row():
                with gr.Column(scale=1, min_width=300):
                    source = gr.Radio([EXAMPLE, UPLOAD, NOTHING], value=EXAMPLE, label="What to continue")
                    file = gr.File(label="Recording", file_types=list(session.SUFFIXES), visible=False, height=130)
                    conditions = [(name.replace("_", " "), name) for name in CONDITIONS]
                    condition = gr.Dropdown(
                        [("not known", ""), *conditions], value="", label="What it was recorded in"
                    )
                    following = gr.Dropdown([("as it was", ""), *conditions], value="", label="What comes next")
                    seconds = gr.Slider(1, session.MAX_SECONDS, value=10, step=1, label="Seconds to generate")
                    with gr.Accordion("Channels", open=False):
                        names = session.usual_channels(self.example.ch_names)
                        channels = gr.Dropdown(names, value=names, multiselect=True, show_label=False)
                    with gr.Accordion("More", open=False):
                        temperature = gr.Slider(
                            0.1, 2, value=1, step=0.05, label="Temperature", info="1 is as learnt; less is tamer."
                        )
                        guidance = gr.Slider(
                            0.5, 5, value=1, step=0.1, label="Guidance", info="Above 1 exaggerates the condition."
                        )
                        seed = gr.Number(
                            0,
                            precision=0,
                            minimum=0,
                            label="Seed",
                            info="Another draws another course, from nothing of another person.",
                        )
                    with gr.Row():
                        go = gr.Button("Generate", variant="primary", scale=2, elem_id="go")
                        stopping = gr.Button("Stop", scale=1, min_width=60, elem_id="stop")
                    gr.Markdown(LIMITS, elem_classes="get-limits")
                with gr.Column(scale=3, min_width=480):
                    shown = {
                        "message": gr.HTML(looks.message("Press Generate."), elem_id="message"),
                        "traces": gr.HTML(elem_id="traces"),
                        "spectra": gr.HTML(elem_id="spectra"),
                        "surprise": gr.HTML(elem_id="surprise"),
                        "classes": gr.HTML(elem_id="classes", visible=self.classifier is not None),
                    }
                    with gr.Row():
                        for suffix, label in looks.FILES.items():
                            shown[suffix] = gr.DownloadButton(label, visible=False, size="sm", elem_id=f"get{suffix}")

            results = list(shown.values())
            shown |= {"file": file, "condition": condition, "channels": channels}
            everything = list(shown.values())

            def show(updates: dict[str, Any]) -> dict[gr.components.Component, Any]:
                return {shown[name]: value for name, value in updates.items()}

            def change(request: gr.Request, *choices):
                return show(self.change(Visitor.of(request), *choices))

            def choose(request: gr.Request, *choices):
                return show(self.choose(Visitor.of(request), *choices))

            def generate(request: gr.Request, *choices):
                yield from map(show, self.generate(Visitor.of(request), *choices))

            def stop(request: gr.Request):
                self.runs.stop(Visitor.of(request).tab)

            def leave(request: gr.Request):
                self.leave(Visitor.of(request))

            private = {"show_progress": "hidden", "api_visibility": "private"}
            for changed in (source.change, file.upload, file.clear):
                changed(change, [source, file], everything, queue=False, **private).then(
                    choose,
                    [source, file],
                    everything,
                    concurrency_limit=READERS_AT_ONCE,
                    concurrency_id="reading",
                    **private,
                )
            go.click(
                generate,
                [source, file, channels, condition, following, seconds, temperature, guidance, seed],
                results,
                show_progress="hidden",
                trigger_mode="multiple",  # one that is being taken away does not keep the next from starting
                concurrency_limit=None,  # those who wait are told so: `Runs` decides
                api_name="generate",
            )
            stopping.click(stop, queue=False, **private)
            page.unload(leave)
        return page.queue(max_size=USERS_WAITING)


def _load_classifier(classifier: str | Path, model: GETModel) -> GETForSequenceClassification:
    loaded, _ = load_folder(find_checkpoint(classifier), name=str(classifier))
    if not isinstance(loaded, GETForSequenceClassification):
        raise ValueError(
            f"{classifier} holds a {type(loaded).__name__} and no classifier: name a checkpoint that was fine-tuned "
            "to tell classes apart, or none."
        )
    for name, unit in (("sampling_rate", "Hz"), ("patch_size", "samples in a patch")):
        theirs, ours = getattr(loaded.config, name), getattr(model.config, name)
        if theirs != ours:
            raise ValueError(
                f"The classifier {classifier} reads {theirs:g} {unit} and the checkpoint {ours:g} {unit}: name a "
                "classifier that was fine-tuned from this checkpoint."
            )
    return loaded


def serve(page: Page, **options) -> gr.Blocks:
    """Serves a page.

    Args:
        page: What is served.
        options: Of `gradio.Blocks.launch`.

    Returns:
        What was launched.
    """
    os.environ["GRADIO_TEMP_DIR"] = str(page.disk.files)  # read while the page is built
    blocks = page.build()
    blocks.launch(
        theme=looks.THEME,
        css=looks.CSS,
        max_file_size=f"{MAX_MEGABYTES}mb",
        app_kwargs={"middleware": [Middleware(Gate, disk=page.disk)]},
        num_workers=0,  # workers would take uploads past the gate
        max_threads=4 * (USERS_AT_ONCE + USERS_WAITING),
        ssr_mode=False,
        run_history=False,
        footer_links=[],
        **options,
    )
    return blocks


def launch(checkpoint: str | Path = CHECKPOINT, classifier: str | Path | None = None, **options) -> None:
    """Serves the page until it is interrupted; then what was uploaded and made is deleted.

    Args:
        checkpoint: See `Page`.
        classifier: See `Page`.
        options: Of `gradio.Blocks.launch`.

    Raises:
        ValueError: See `Page`.
    """
    # as many at once as there are users: threads that wait for one another's cores are slower than one
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // USERS_AT_ONCE))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended in whichever way, it clears up
    with Disk() as disk:
        tempfile.tempdir = os.environ["TMPDIR"] = str(disk.temporary)  # also of processes that are started from here
        serve(Page(checkpoint, classifier, disk), **options)


if __name__ == "__main__":
    launch(os.environ.get("GET_CHECKPOINT", CHECKPOINT), os.environ.get("GET_CLASSIFIER"))
