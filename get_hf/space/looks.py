# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Creates what the page shows: sentences, figures with their captions, and files to download.

Functions that return a dictionary return updates. An update maps the name of a component to the value that the
component will show.
"""

import base64
import html
import io
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from gradio.components.plot import PlotData

from get_hf.live.listener import LOOKAHEAD_SECONDS
from get_hf.plotting import plot_generation, plot_maps, plot_traces
from get_hf.recordings import save_recording, split_at_seam
from get_hf.space import charts, live_charts

if TYPE_CHECKING:
    import matplotlib.figure
    import mne
    from plotly.graph_objects import Figure

    from get_hf.space.live_scene import Scene
    from get_hf.space.session import Windows

#: Widths of the window in pixels: the width that is assumed if it is not known, and the width below which results are
#: shown below the controls, as on a phone.
WIDE, NARROW = 1400, 768

# the visitor's own fonts: a site that serves fonts would learn who visits the page
THEME = gr.themes.Base(primary_hue="orange", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
CSS = f"""
.gradio-container {{ max-width: 1360px !important; margin: auto; }}
.get-chart {{ background: white; border-radius: 6px; padding: 0 !important; overflow: hidden; }}
.get-figure {{ margin: 0; }}
.get-figure img {{ width: 100%; display: block; margin: auto; border-radius: 6px;
  background: white; }}
.get-live {{ display: grid; grid-template-columns: 1fr 1fr; column-gap: 20px; row-gap: 8px; }}
.get-live svg {{ display: block; background: white; border-radius: 6px; font: 12px system-ui, sans-serif; }}
#live-traces, #live-forecast {{ grid-column: 1 / -1; }}
#maps img {{ max-width: 480px; }}
.get-caption, .get-limits p {{ font-size: 0.875rem; opacity: 0.85; margin: 0.2rem 0 0.8rem; }}
.get-message {{ padding: 0.6rem 0.9rem; border-left: 4px solid var(--primary-500); border-radius: 4px;
  background: var(--block-background-fill); font-variant-numeric: tabular-nums; }}
.get-message.error {{ border-left-color: #b91c1c; font-weight: 600; }}
.get-message small {{ display: block; font-weight: 400; opacity: 0.75; }}
.get-bar {{ height: 0.4rem; margin-top: 0.4rem; border-radius: 0.2rem; background: var(--border-color-primary); }}
.get-bar div {{ height: 100%; border-radius: inherit; background: #c8551b; }}
#results .html-container {{ padding: 0; }}
#head {{ flex-wrap: nowrap; align-items: center; }}
/* a finger that moves over a figure scrolls the page; the strip below the traces still scrolls and zooms them */
@media (pointer: coarse) {{ .get-chart .draglayer, .get-chart .draglayer * {{ pointer-events: none !important; }} }}
/* room below the results, so that they can be scrolled to the top of the window before they are there */
@media (max-width: {NARROW - 1}px) {{
  .get-live {{ grid-template-columns: 1fr; }}
  .get-live figure {{ grid-column: 1 / -1; }}
  #results {{ min-height: 100vh; justify-content: flex-start; margin: 0 -20px; }}
}}
footer {{ display: none !important; }}
"""
# matplotlib's settings belong to the whole process
_drawing = threading.Lock()

#: Options of a Plotly figure: only useful buttons, no logo, and no zoom by the mouse wheel, which scrolls the page.
_CONFIG = {
    "displaylogo": False,
    "displayModeBar": True,
    "scrollZoom": False,
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "pan2d", "resetScale2d", "toImage"]],
}
_STILL = {"displayModeBar": False}

#: Captions of the figures, which say what a figure shows and what to look at.
CAPTIONS = {
    "growing": "<b>Traces.</b> Dark: what GET was given. Orange: what GET generates.",
    "traces": "<b>Traces.</b> Look at the line: from here on, rhythm and size should stay as they were.",
    "generated traces": "<b>Traces.</b> Look at the rhythm: GET made it all, from no recording.",
    "spectra": "<b>Spectra.</b> Look at the shaded band, 8 to 13 Hz (alpha): a peak there should stay.",
    "maps": "<b>Alpha power on the head, from above.</b> Look at the bright places: they should be the same. In most "
    "people one is at the back of the head (below).",
    "windows": "<b>Classes.</b> Look at which line is above. The vote is the mean over all windows. Not a diagnosis.",
    "surprise": "<b>Surprise.</b> Look for red: moments that GET did not expect. At the start it knows too little.",
    "live traces": "<b>EEG, as it arrives.</b> Look at the dashed line: GET has judged all before it, and waits for "
    f"{LOOKAHEAD_SECONDS:g} s of later EEG. Red: unusual. Filtered to 0.5 to 45 Hz for viewing.",
    "live surprise": "<b>Surprise.</b> Look where it crosses the threshold: artefacts do, too. Not a diagnosis.",
    "live classes": "<b>Classes</b> of the last {window:g} s. Look how soon they follow the EEG. They need a "
    "beginning in which each class occurs, and are hardly better than chance for some people. Not a diagnosis.",
    "live forecast": "<b>Forecast.</b> Orange: the range of {draws} continuations that GET made before. Dark: what "
    "came then. Look whether it stays within: {percent:.0f} % of it should. GET knows how EEG may go on, not which "
    "wave comes next.",
}
_HANDLING = "In the strip, drag the window to scroll, and its ends to zoom."

#: Labels of the files that can be downloaded, by suffix.
FILES = {".edf": "Download EDF", ".fif": "Download FIF", ".png": "Download figure"}


def message(text: str, notes: list[str] = (), error: bool = False, share: float | None = None) -> str:
    """Returns the HTML of a sentence with notes below it; a screen reader reads errors at once.

    A bar shows `share`, from 0 to 1, of what is to be done.
    """
    small = "".join(f"<small>{html.escape(' '.join(note.split()))}</small>" for note in notes)
    bar = "" if share is None else f'<div class="get-bar"><div style="width: {100 * share:.0f}%"></div></div>'
    kind, role = ("get-message error", "alert") if error else ("get-message", "status")
    return f'<div class="{kind}" role="{role}">{html.escape(text)}{small}{bar}</div>'


def progress(done: float, wanted: float, speed: float) -> str:
    """Returns the HTML that shows how many of the wanted seconds are generated, and the speed."""
    return message(f"{done:.2f} of {wanted:g} s, {times(speed)} real time", share=done / wanted)


def times(speed: float) -> str:
    """Formats a speed as a multiple of real time."""
    return f"{speed:.0f}x" if speed >= 10 else f"{speed:.1f}x"


def clock(seconds: float) -> str:
    """Formats a time as minutes and seconds."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def nothing() -> dict[str, Any]:
    """Returns updates that remove all results, so that they are not mistaken for results of the present choice."""
    updates = {"growing": "", "live": "", "maps": "", "classes": "", **stop(False), **no_files()}
    for name in ("traces", "spectra", "surprise", "windows"):
        updates |= {name: gr.update(value=None, visible=False), f"{name}_caption": ""}
    return updates


def no_files() -> dict[str, Any]:
    """Returns updates that hide all files to download."""
    return {suffix: gr.update(value=None, visible=False) for suffix in FILES}


def stop(possible: bool) -> dict[str, Any]:
    """Returns an update that shows the button Stop if a run can be stopped, and hides it otherwise."""
    return {"stop": gr.update(visible=possible)}


def failure(error: Exception) -> str:
    """Returns a sentence about an error; an unexpected error is also printed, for the person who runs the page."""
    if isinstance(error, (ValueError, OSError)):
        return message(" ".join(str(error).split()), error=True)
    traceback.print_exception(error)
    return message(
        f"The page failed on this ({type(error).__name__}): choose another recording, other channels or less.",
        error=True,
    )


def save(raw: "mne.io.BaseRaw", path: Path) -> None:
    """Writes a continuation to a file, in the format of its suffix; see `FILES`."""
    if path.suffix == ".png":
        with _drawing:
            plot_generation(raw).savefig(path)
    else:
        save_recording(raw, path)


def growing(raw: "mne.io.BaseRaw", wanted: float, spacing: float, width: float) -> tuple[dict[str, Any], float]:
    """Draws, as a picture, the first part of a continuation that is still being generated.

    It is no interactive figure, because a slow browser could not redraw such a figure fast enough.

    Args:
        raw: Prompt and continuation so far.
        wanted: Duration of the complete continuation in seconds.
        spacing: Smallest distance between neighbouring traces in microvolts. Pass the distance of the previous
            picture, so that traces do not jump.
        width: Width of the window in pixels.

    Returns:
        Updates, and the distance between neighbouring traces in microvolts.
    """
    with _drawing:
        figure, spacing = plot_traces(raw, wanted, spacing, (4.0, 4.4) if width < NARROW else (9.6, 4.6))
        return {"growing": _picture(figure, "Traces so far", CAPTIONS["growing"])}, spacing


def signal(raw: "mne.io.BaseRaw", width: float) -> dict[str, Any]:
    """Draws traces, spectra and maps of alpha power of a complete continuation; arguments are as for `growing`."""
    is_given = split_at_seam(raw)[0].size > 0
    caption = f"{CAPTIONS['traces' if is_given else 'generated traces']} {_HANDLING}"
    updates = {"growing": ""} | _chart("traces", charts.traces(raw, width < NARROW), _CONFIG, caption)
    if figure := charts.spectra(raw):
        updates |= _chart("spectra", figure, _STILL, CAPTIONS["spectra"])
    with _drawing:
        if figure := plot_maps(raw, charts.NAMES):
            updates["maps"] = _picture(figure, "Maps of alpha power on the head", CAPTIONS["maps"])
    return updates


def _picture(figure: "matplotlib.figure.Figure", alt: str, caption: str) -> str:
    """Returns the HTML of a figure with its caption; the image is included in the HTML, so that no file is needed."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    source = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    caption = f'<figcaption class="get-caption">{caption}</figcaption>'
    return f'<figure class="get-figure"><img alt="{alt}" src="{source}">{caption}</figure>'


def surprise(
    score: np.ndarray, ch_names: list[str], given_seconds: float, patch_seconds: float, width: float
) -> dict[str, Any]:
    """Draws the surprise of each patch; see `charts.surprise`."""
    figure = charts.surprise(score, ch_names, given_seconds, patch_seconds, width < NARROW)
    return _chart("surprise", figure, _STILL, CAPTIONS["surprise"])


def _chart(name: str, figure: "Figure", config: dict[str, Any], caption: str) -> dict[str, Any]:
    """Returns updates for an interactive figure and its caption; gradio passes `config` to Plotly only in the JSON."""
    from plotly.io.json import to_json_plotly

    data = PlotData(type="plotly", plot=to_json_plotly(figure.to_dict() | {"config": config}))
    caption = f'<div class="get-caption">{caption}</div>'
    return {name: gr.update(value=data, visible=True), f"{name}_caption": caption}


def live(scene: "Scene", width: float) -> str:
    """Returns the HTML of the live view: traces, surprise, classes and forecast, each with its caption."""
    narrow = width < NARROW
    whole = min(width, 1360.0) - 16 if narrow else 0.74 * min(width, 1360.0) - 40
    half = whole if narrow else 0.5 * (whole - 20)
    share = 100 * (scene.n_draws - 1) / (scene.n_draws + 1)
    forecast = CAPTIONS["live forecast"].format(draws=scene.n_draws, percent=share)
    drawn = [("traces", live_charts.traces(scene, whole, narrow), CAPTIONS["live traces"])]
    drawn.append(("surprise", live_charts.surprise(scene, half), CAPTIONS["live surprise"]))
    if scene.window_seconds is not None:
        caption = CAPTIONS["live classes"].format(window=scene.window_seconds)
        drawn.append(("classes", live_charts.classes(scene, half), caption))
    if scene.forecasts:
        drawn.append(("forecast", live_charts.forecast(scene, whole, narrow), forecast))
    figures = (
        f'<figure class="get-figure" id="live-{name}">{svg}<figcaption class="get-caption">{caption}</figcaption>'
        "</figure>"
        for name, svg, caption in drawn
    )
    return f'<div class="get-live">{"".join(figures)}</div>'


def classes(probabilities: dict[str, float]) -> str:
    """Returns the HTML of a sentence with the probability of each class of a recording."""
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    said = ", ".join(f"{name} {100 * p:.0f} %" for name, p in ranked)
    return message(f"The classifier says of the recording: {said}.") if said else ""


def windows(found: "Windows", width: float) -> dict[str, Any]:
    """Draws the classes of windows, and says their vote; see `charts.windows`."""
    means, counts = found.scores.mean(axis=0), np.bincount(found.scores.argmax(axis=1), minlength=len(found.classes))
    ranked = sorted(zip(found.classes, means, counts, strict=True), key=lambda entry: -entry[1])
    of_all = ", ".join(f"{name} {100 * mean:.0f} % ({count} windows)" for name, mean, count in ranked)
    text = f"The vote of {len(found.scores)} windows is {ranked[0][0]}: {of_all}."
    chart = _chart("windows", charts.windows(found, width < NARROW), _STILL, CAPTIONS["windows"])
    return {"message": message(text, found.notes), **chart}
