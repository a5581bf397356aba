# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the page looks like, and what its buttons do; `session.py` says what runs behind them.

On a Space the variables GET_CHECKPOINT and GET_CLASSIFIER name other weights, by `owner/name` or folder;
locally `get-hf demo` starts the same page.
"""

import base64
import html
import io
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read while gradio is imported

import gradio as gr
import torch

from get_hf import CHECKPOINT, GETFeatureExtractor, GETForSequenceClassification, GETModel, load_pretrained
from get_hf.plotting import plot_generation, plot_spectra, plot_surprise, plot_traces
from get_hf.pretrained import find_checkpoint, load_folder
from get_hf.recordings import save_recording
from get_hf.space import session
from get_hf.space.session import Pace, Wishes

if TYPE_CHECKING:
    import mne
    from matplotlib.figure import Figure

TITLE = "GET: a Generative EEG Transformer"
EXAMPLE, UPLOAD, NOTHING = "Built-in example", "My recording", "Nothing"
#: Conditions that are offered: the checkpoint has seen no others.
CONDITIONS = ("rest", "eyes_open", "eyes_closed", "left_fist", "right_fist", "both_fists", "feet")
USERS_AT_ONCE, USERS_WAITING = 2, 20
#: Seconds between two pictures while patches come in.
FRAME_SECONDS = 0.4
#: Seconds after which what was uploaded or made is deleted.
KEPT_SECONDS = 30 * 60
SWEEP_SECONDS = 60

# a site of fonts would learn who visits the page: the visitor's own are used
THEME = gr.themes.Base(primary_hue="orange", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
CSS = """
.gradio-container { max-width: 1360px !important; margin: auto; }
.get-figure img { width: 100%; border-radius: 6px; background: white; }
.get-figure { margin: 0; }
.get-figure figcaption, .get-limits p { font-size: 0.85rem; opacity: 0.75; margin: 0.2rem 0 0.8rem; }
.get-message { padding: 0.6rem 0.9rem; border-left: 4px solid var(--primary-500); border-radius: 4px;
  background: var(--block-background-fill); font-variant-numeric: tabular-nums; }
.get-message.error { border-left-color: #b91c1c; font-weight: 600; }
.get-message small { display: block; font-weight: 400; opacity: 0.75; }
.get-bar { height: 0.4rem; margin-top: 0.4rem; border-radius: 0.2rem; background: var(--border-color-primary); }
.get-bar div { height: 100%; border-radius: inherit; background: #c8551b; }
footer { display: none !important; }
"""
INTRODUCTION = """# GET continues EEG
Give GET a stretch of EEG, or only a condition such as closed eyes, and it draws, a quarter of a second of all
channels at a time, what might follow. It makes plausible EEG of healthy adults between 0.5 and 45 Hz. It does not
predict what this brain will do, and it is **not a medical device**.
"""
LIMITS = f"""Files up to {session.MAX_MEGABYTES} MB in {", ".join(suffix[1:].upper() for suffix in session.SUFFIXES)};
of a recording the last {session.MAX_PROMPT_SECONDS:.0f} s are read; up to {session.MAX_CHANNELS} channels and
{session.MAX_SECONDS:.0f} s are generated. Files are deleted after {KEPT_SECONDS // 60} minutes: even so, upload
nothing that says who a person is."""

# matplotlib's settings are the whole process's
_drawing = threading.Lock()


class Page:
    """The page with the model behind it.

    Args:
        checkpoint: Folder, or `owner/name` on the Hub.
        classifier: The same, of a fine-tuned `GETForSequenceClassification`; without one nothing is classified.
    """

    def __init__(self, checkpoint: str | Path = CHECKPOINT, classifier: str | Path | None = None):
        self.model: GETModel
        self.extractor: GETFeatureExtractor
        self.model, self.extractor = load_pretrained(checkpoint)
        self.classifier = None
        if classifier:
            folder = find_checkpoint(classifier)
            self.classifier, _ = load_folder(folder, GETForSequenceClassification, str(classifier))
        self.example = session.example(self.model, self.extractor)
        self._warm_up()

    def _warm_up(self) -> None:
        """Does all once that the first time takes long, such as finding fonts, so that no user waits for it."""
        for _ in self.generate(EXAMPLE, None, [], "", 1.0, 1.0, 1.0, 0):
            pass

    # ---------------------------------------------------------------------------------------------------- what it does

    def choose(self, source: str, path: str | None) -> tuple[dict, dict, str]:
        """Shows what there is to choose from when the source or the file has changed."""
        file = gr.update(visible=source == UPLOAD)
        try:
            raw, notes = self._recording(source, path)
        except ValueError as error:
            return file, gr.update(choices=[], value=[]), _message(str(error), error=True)
        if raw is None:
            names = list(session.USUAL_CHANNELS) if source == NOTHING else []
            said = "" if source == NOTHING else _message("Upload a recording, then continue it.")
            return file, gr.update(choices=names, value=names), said
        usual = session.usual_channels(raw.ch_names)
        seconds, rate = raw.n_times / raw.info["sfreq"], raw.info["sfreq"]
        what = f"{len(raw.ch_names)} channels, {seconds:.0f} s, {rate:g} Hz; {len(usual)} channels are chosen."
        return file, gr.update(choices=raw.ch_names, value=usual), _message(what, notes)

    def generate(
        self,
        source: str,
        path: str | None,
        ch_names: list[str],
        condition: str | None,
        seconds: float,
        temperature: float,
        guidance: float,
        seed: float,
    ) -> Iterator[dict[str, Any]]:
        """Continues a recording and shows it growing; the keys are names of what is shown."""
        yield {"message": _message("Reading"), **_nothing()}
        try:
            wishes = Wishes(seconds, tuple(ch_names or ()), condition or None, temperature, guidance, int(seed or 0))
            raw, notes = self._recording(source, path)
            if raw is None and source == UPLOAD:
                raise ValueError("No recording was uploaded: choose a file, or the built-in example.")
            prepared = session.prepare(self.extractor, raw, wishes)
            yield from self._continue(prepared, wishes, notes, "get" if raw is None else _stem(source, path))
        except (ValueError, OSError) as error:
            yield {"message": _message(" ".join(str(error).split()), error=True)}

    def _continue(
        self, prepared: session.Prepared, wishes: Wishes, notes: list[str], stem: str
    ) -> Iterator[dict[str, Any]]:
        features, notes = prepared.features, notes + prepared.notes
        n_prompt, rate = features["input_values"].shape[-1], self.model.config.sampling_rate
        began, pace, spacing = time.monotonic(), Pace(FRAME_SECONDS), None
        for generated in session.stream(self.model, features, wishes):
            if pace.due():
                made = (generated.shape[-1] - n_prompt) / rate
                raw = self.extractor.decode(generated, features)[0]
                picture, spacing = _traces(raw, wishes.seconds, spacing, dpi=100)
                speed = made / (time.monotonic() - began)
                yield {"message": _progress(made, wishes.seconds, speed), "traces": picture}

        took, made = time.monotonic() - began, (generated.shape[-1] - n_prompt) / rate
        if made < wishes.seconds:
            notes = [*notes, f"Ended after {took:.0f} s of computing; ask for less, or for fewer channels."]
        said = f"Generated {made:g} s in {took:.1f} s, {_times(made / took)} real time."
        raw = self.extractor.decode(generated, features)[0]
        yield {
            "message": _message(f"{said} Measuring.", notes),
            "traces": _traces(raw, made, spacing, dpi=160)[0],
            "spectra": _spectra(raw),
        }
        score = session.surprise(self.model, features, generated)
        is_recorded = features.recordings[0].n_times > 0
        classes = session.classify(self.classifier, features) if self.classifier and is_recorded else {}
        with tempfile.TemporaryDirectory(prefix="get-") as folder:  # the page takes a copy of what is in it
            files, more = _write(raw, Path(folder), stem)
            yield {
                "message": _message(said, notes + more),
                "surprise": _surprise(score, raw, generated.shape[-1] / rate - made, rate, self.model),
                "classes": _classes(classes),
                **files,
            }

    def _recording(self, source: str, path: str | None) -> tuple["mne.io.BaseRaw | None", list[str]]:
        if source == EXAMPLE:
            return self.example, []
        return session.read_upload(path) if source == UPLOAD and path else (None, [])

    # ---------------------------------------------------------------------------------------------------- how it looks

    def build(self) -> gr.Blocks:
        """Lays the page out."""
        with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(SWEEP_SECONDS, KEPT_SECONDS)) as page:
            gr.Markdown(INTRODUCTION)
            with gr.Row():
                with gr.Column(scale=1, min_width=300):
                    source = gr.Radio([EXAMPLE, UPLOAD, NOTHING], value=EXAMPLE, label="What to continue")
                    file = gr.File(label="Recording", file_types=list(session.SUFFIXES), visible=False, height=130)
                    condition = gr.Dropdown(
                        [("as it was", ""), *((name.replace("_", " "), name) for name in CONDITIONS)],
                        value="",
                        label="Condition after the seam",
                    )
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
                        stop = gr.Button("Stop", scale=1, min_width=60)
                    gr.Markdown(LIMITS, elem_classes="get-limits")
                with gr.Column(scale=3, min_width=480):
                    shown = {
                        "message": gr.HTML(_message("Press Generate."), elem_id="message"),
                        "traces": gr.HTML(elem_id="traces"),
                        "spectra": gr.HTML(elem_id="spectra"),
                        "surprise": gr.HTML(elem_id="surprise"),
                        "classes": gr.HTML(elem_id="classes", visible=self.classifier is not None),
                    }
                    with gr.Row():
                        for suffix, label in FILES.items():
                            shown[suffix] = gr.DownloadButton(label, visible=False, size="sm", elem_id=f"get{suffix}")

            def generate(*wishes):
                for update in self.generate(*wishes):
                    yield {shown[name]: value for name, value in update.items()}

            private = {"show_progress": "hidden", "api_visibility": "private"}
            results = [shown[name] for name in _nothing()]
            for changed in (source.change, file.upload, file.clear):
                changed(self.choose, [source, file], [file, channels, shown["message"]], **private)
                changed(lambda: list(_nothing().values()), None, results, **private)
            running = go.click(
                generate,
                [source, file, channels, condition, seconds, temperature, guidance, seed],
                list(shown.values()),
                show_progress="hidden",
                concurrency_limit=USERS_AT_ONCE,
                api_name="generate",
            )
            stopped = _message("Stopped.")
            stop.click(lambda: stopped, None, shown["message"], cancels=[running], queue=False, **private)
        return page.queue(max_size=USERS_WAITING)


# ------------------------------------------------------------------------------------------------------- small pieces

#: What can be downloaded, by suffix.
FILES = {".edf": "Download EDF", ".fif": "Download FIF", ".png": "Download figure"}


def _message(text: str, notes: list[str] = (), error: bool = False) -> str:
    small = "".join(f"<small>{html.escape(' '.join(note.split()))}</small>" for note in notes)
    kind, role = ("get-message error", "alert") if error else ("get-message", "status")
    return f'<div class="{kind}" role="{role}">{html.escape(text)}{small}</div>'


def _progress(made: float, wanted: float, speed: float) -> str:
    bar = f'<div class="get-bar"><div style="width: {100 * made / wanted:.0f}%"></div></div>'
    return f'<div class="get-message" role="status">{made:.2f} of {wanted:g} s, {_times(speed)} real time{bar}</div>'


def _times(speed: float) -> str:
    return f"{speed:.0f}x" if speed >= 10 else f"{speed:.1f}x"


def _nothing() -> dict[str, Any]:
    """All results taken away, lest they be taken for those of what is chosen now."""
    return {"traces": "", "spectra": "", "surprise": "", "classes": "", **_no_files()}


def _no_files() -> dict[str, Any]:
    return {suffix: gr.update(value=None, visible=False) for suffix in FILES}


def _write(raw: "mne.io.BaseRaw", folder: Path, stem: str) -> tuple[dict[str, Any], list[str]]:
    """Writes what can be downloaded; notes say what could not be written."""
    files, notes = _no_files(), []
    for suffix in FILES:
        path = folder / (f"{stem}_raw.fif" if suffix == ".fif" else stem + suffix)
        try:
            if suffix == ".png":
                with _drawing:
                    plot_generation(raw).savefig(path)
            else:
                save_recording(raw, path)
        except ValueError as error:  # EDF does not hold every name
            notes.append(str(error).replace(str(path), path.name))
        else:
            files[suffix] = gr.update(value=str(path), visible=True)
    return files, notes


def _stem(source: str, path: str | None) -> str:
    """How files are called that continue a recording."""
    return f"{Path(path).stem if source == UPLOAD and path else 'example'}_get"


def _picture(figure: "Figure", alt: str, caption: str, **options) -> str:
    """A figure inside the page itself, so that no file is left behind."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", **options)
    data = base64.b64encode(buffer.getvalue()).decode()
    caption = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure class="get-figure"><img alt="{alt}" src="data:image/png;base64,{data}">{caption}</figure>'


def _traces(raw: "mne.io.BaseRaw", seconds: float, spacing: float | None, dpi: int) -> tuple[str, float]:
    with _drawing:
        figure, spacing = plot_traces(raw, seconds, spacing)
        return _picture(figure, "Traces before and after the seam", "", dpi=dpi), spacing


def _spectra(raw: "mne.io.BaseRaw") -> str:
    with _drawing:
        figure = plot_spectra(raw)
        caption = "Spectra: median over channels, and their 10 to 90 % range. Maps: alpha power, on one scale."
        return _picture(figure, "Spectra, and maps of alpha power", caption) if figure else ""


def _surprise(score, raw: "mne.io.BaseRaw", seam: float, rate: float, model: GETModel) -> str:
    patch_seconds = model.config.patch_size / rate
    seam -= patch_seconds  # the start patch is no part of a recording
    with _drawing:
        figure = plot_surprise(score, raw.ch_names, seam, patch_seconds)
        caption = (
            "Surprise: how unlikely the model finds each quarter of a second, given all that was before it; the usual "
            "of each channel is 0. Artefacts stand out, and the first seconds, before which little is known."
        )
        return _picture(figure, "Surprise of each patch of each channel", caption)


def _classes(probabilities: dict[str, float]) -> str:
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    said = ", ".join(f"{name} {100 * p:.0f} %" for name, p in ranked)
    return _message(f"Classifier, on the recording: {said}.") if said else ""


def launch(checkpoint: str | Path = CHECKPOINT, classifier: str | Path | None = None, **options) -> None:
    """Serves the page until it is interrupted; then what was uploaded and made is deleted.

    Args:
        checkpoint: See `Page`.
        classifier: See `Page`.
        options: Of `gradio.Blocks.launch`.
    """
    # as many at once as there are users: threads that wait for one another's cores are slower than one
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // USERS_AT_ONCE))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended in whichever way, it clears up
    with tempfile.TemporaryDirectory(prefix="get-space-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder  # read while the page is built
        Page(checkpoint, classifier).build().launch(
            theme=THEME,
            css=CSS,
            max_file_size=f"{session.MAX_MEGABYTES}mb",
            ssr_mode=False,
            run_history=False,
            footer_links=[],
            **options,
        )


if __name__ == "__main__":
    launch(os.environ.get("GET_CHECKPOINT", CHECKPOINT), os.environ.get("GET_CLASSIFIER"))
