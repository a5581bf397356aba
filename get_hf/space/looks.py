# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the page shows: sentences, pictures, files to download."""

import base64
import html
import io
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from get_hf import GETModel
from get_hf.plotting import plot_generation, plot_spectra, plot_surprise, plot_traces
from get_hf.recordings import save_recording

if TYPE_CHECKING:
    import mne
    from matplotlib.figure import Figure

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
# matplotlib's settings are the whole process's
_drawing = threading.Lock()

#: What can be downloaded, by suffix.
FILES = {".edf": "Download EDF", ".fif": "Download FIF", ".png": "Download figure"}


def message(text: str, notes: list[str] = (), error: bool = False) -> str:
    """One sentence, and notes below it; an error is read aloud at once by what reads pages aloud."""
    small = "".join(f"<small>{html.escape(' '.join(note.split()))}</small>" for note in notes)
    kind, role = ("get-message error", "alert") if error else ("get-message", "status")
    return f'<div class="{kind}" role="{role}">{html.escape(text)}{small}</div>'


def progress(made: float, wanted: float, speed: float) -> str:
    """How many seconds of how many are made, and how fast."""
    bar = f'<div class="get-bar"><div style="width: {100 * made / wanted:.0f}%"></div></div>'
    return f'<div class="get-message" role="status">{made:.2f} of {wanted:g} s, {times(speed)} real time{bar}</div>'


def times(speed: float) -> str:
    """A speed as a multiple of real time."""
    return f"{speed:.0f}x" if speed >= 10 else f"{speed:.1f}x"


def nothing() -> dict[str, Any]:
    """All results taken away, lest they be taken for those of what is chosen now."""
    return {"traces": "", "spectra": "", "surprise": "", "classes": "", **no_files()}


def no_files() -> dict[str, Any]:
    """Nothing to download."""
    return {suffix: gr.update(value=None, visible=False) for suffix in FILES}


def failure(error: Exception) -> str:
    """One sentence about whatever went wrong; what nobody foresaw is also told to who runs the page."""
    if isinstance(error, (ValueError, OSError)):
        return message(" ".join(str(error).split()), error=True)
    traceback.print_exception(error)
    return message(
        f"The page failed on this ({type(error).__name__}): choose another recording, other channels or less.",
        error=True,
    )


def save(raw: "mne.io.BaseRaw", path: Path) -> None:
    """Writes a continuation in the format of the suffix; see `FILES`."""
    if path.suffix == ".png":
        with _drawing:
            plot_generation(raw).savefig(path)
    else:
        save_recording(raw, path)


def _picture(figure: "Figure", alt: str, caption: str, **options) -> str:
    """A figure inside the page itself, so that no file is left behind."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", **options)
    data = base64.b64encode(buffer.getvalue()).decode()
    caption = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure class="get-figure"><img alt="{alt}" src="data:image/png;base64,{data}">{caption}</figure>'


def traces(raw: "mne.io.BaseRaw", seconds: float, spacing: float | None, dpi: int) -> tuple[str, float]:
    """Draws traces; returns also the spacing, with which the next picture of the same run keeps its scale."""
    with _drawing:
        figure, spacing = plot_traces(raw, seconds, spacing)
        return _picture(figure, "Traces before and after the seam", "", dpi=dpi), spacing


def spectra(raw: "mne.io.BaseRaw") -> str:
    """Draws spectra and maps of alpha power."""
    with _drawing:
        figure = plot_spectra(raw)
        caption = "Spectra: median over channels, and their 10 to 90 % range. Maps: alpha power, on one scale."
        return _picture(figure, "Spectra, and maps of alpha power", caption) if figure else ""


def surprise(score, raw: "mne.io.BaseRaw", seam: float, rate: float, model: GETModel) -> str:
    """Draws the surprise of each patch; `seam` is in seconds after the start patch began."""
    patch_seconds = model.config.patch_size / rate
    seam -= patch_seconds  # the start patch is no part of a recording
    with _drawing:
        figure = plot_surprise(score, raw.ch_names, seam, patch_seconds)
        caption = (
            "Surprise: how unlikely the model finds each quarter of a second, given all that was before it; the usual "
            "of each channel is 0. Artefacts stand out, and the first seconds, before which little is known."
        )
        return _picture(figure, "Surprise of each patch of each channel", caption)


def classes(probabilities: dict[str, float]) -> str:
    """Says what a classifier finds."""
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    said = ", ".join(f"{name} {100 * p:.0f} %" for name, p in ranked)
    return message(f"Classifier, on the recording: {said}.") if said else ""
