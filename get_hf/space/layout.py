# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines the layout of the page: its controls, its results, and the method of `Page` that each control calls."""

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from get_hf.space import listening, looks, session
from get_hf.space.disk import KEPT_SECONDS, MAX_MEGABYTES
from get_hf.space.page import CONDITIONS, EXAMPLE, NOTHING, UPLOAD, USERS_WAITING, Page, Visitor

TITLE = "GET: a Generative EEG Transformer"
#: Number of recordings that are read at the same time, so that a slow recording does not delay the others.
READERS_AT_ONCE = 6

INTRODUCTION = """# GET continues EEG
Give GET a few seconds of EEG, or only a condition such as closed eyes. GET then generates what could follow, a quarter
of a second of all channels at a time. The result is plausible EEG of a healthy adult between 0.5 and 45 Hz. GET does
not predict what this brain will do, and it is **not a medical device**.
"""
LIMITS = f"""Formats: {", ".join(suffix[1:].upper() for suffix in session.SUFFIXES)}, up to {MAX_MEGABYTES} MB.
GET reads the last {session.MAX_PROMPT_SECONDS:.0f} s of a recording, and generates up to {session.MAX_SECONDS:.0f} s
of up to {session.MAX_CHANNELS} channels. All files are deleted after {KEPT_SECONDS // 60} minutes. Even so, do not
upload anything that tells who a person is."""

#: JavaScript that sends the width of the window to the server as the last input.
_MEASURE = "(...choices) => [...choices.slice(0, -1), window.innerWidth]"
#: JavaScript that does the same and scrolls to the results, if they are above the window or, on a phone, below the
#: controls.
_SHOW_RESULTS = f"""(...choices) => {{
    const results = document.getElementById("results");
    if (window.innerWidth < {looks.NARROW} || results.getBoundingClientRect().top < 0) results.scrollIntoView();
    return [...choices.slice(0, -1), window.innerWidth];
}}"""


def build(page: Page) -> gr.Blocks:
    """Creates the page with its controls and results, and connects the controls to `page`."""
    with gr.Blocks(title=TITLE, analytics_enabled=False) as blocks:
        gr.Markdown(INTRODUCTION)
        with gr.Row():
            with gr.Column(scale=1, min_width=300):
                controls, go = _controls(page)
                question, ask = _questions(page)
                live, hear = _listening(page)
            with gr.Column(scale=3, min_width=480, elem_id="results"):
                results = _results(page)
        _connect(page, blocks, controls, go, results)
        inputs = [controls["source"], controls["file"], controls["channels"], question, controls["width"]]
        _connect_button(page.classify, inputs, ask, results)
        inputs = [controls["source"], controls["file"], controls["channels"], *live, controls["width"]]
        _connect_button(page.listen, inputs, hear, results)
    return blocks.queue(max_size=USERS_WAITING)


def _controls(page: Page) -> tuple[dict[str, gr.components.Component], gr.Button]:
    """Creates the controls in the order of the arguments of `Page.generate`, and the button Generate."""
    conditions = [(name.replace("_", " "), name) for name in CONDITIONS]
    names = session.usual_channels(page.example.ch_names)
    controls = {
        "source": gr.Radio([EXAMPLE, UPLOAD, NOTHING], value=EXAMPLE, label="What to continue"),
        "file": gr.File(label="Recording", file_types=list(session.SUFFIXES), visible=False, height=130),
    }
    condition = gr.Dropdown([("not known", ""), *conditions], value="", label="Condition during the recording")
    following = gr.Dropdown([("not specified", ""), *conditions], value="", label="Condition from here on")
    seconds = gr.Slider(1, session.MAX_SECONDS, value=10, step=1, label="Seconds to generate")
    with gr.Accordion("Channels", open=False):
        controls["channels"] = gr.Dropdown(names, value=names, multiselect=True, show_label=False)
    controls |= {"condition": condition, "following": following, "seconds": seconds}
    with gr.Accordion("More", open=False):
        controls["temperature"] = gr.Slider(
            0.1, 2, value=1, step=0.05, label="Temperature", info="1 is as learned. Below 1 the EEG varies less."
        )
        controls["guidance"] = gr.Slider(
            0.5,
            5,
            value=1,
            step=0.1,
            label="Guidance",
            info="Above 1 the condition shows more than it does in people.",
        )
        controls["seed"] = gr.Number(
            0,
            precision=0,
            minimum=0,
            label="Seed",
            info="Another seed gives another continuation. Without a recording it also gives another person.",
        )
    controls["width"] = gr.Number(looks.WIDE, visible=False)
    go = gr.Button("Generate", variant="primary", elem_id="go")
    gr.Markdown(LIMITS, elem_classes="get-limits")
    return controls, go


def _questions(page: Page) -> tuple[gr.Dropdown, gr.Button]:
    """Creates the choice of a classifier, and the button Classify."""
    asked = list(page.questions)
    with gr.Accordion("Classify the recording", open=False, visible=bool(asked), elem_id="classifying"):
        question = gr.Dropdown(asked, value=asked[0] if asked else None, label="Classifier")
        ask = gr.Button("Classify", elem_id="classify")
        gr.Markdown(
            f"The last {session.MAX_CLASSIFIED_SECONDS:.0f} s are classified in windows that share one calibration. "
            "A minute or more works best.",
            elem_classes="get-limits",
        )
    return question, ask


def _listening(page: Page) -> tuple[list[gr.components.Component], gr.Button]:
    """Creates what a visitor who listens chooses, in the order of the arguments of `Page.listen`, and the button."""
    asked = list(page.questions)
    with gr.Accordion("Listen live", open=False, elem_id="listening"):
        chosen: list[gr.components.Component] = [
            gr.Textbox(
                label="LSL stream",
                info="Name of a stream to hear instead of the recording above.",
                placeholder="GET",
                visible=page.hears_lsl,
            ),
            gr.Dropdown(asked, value=asked[0] if asked else None, label="Classifier", visible=bool(asked)),
            gr.Radio(list(listening.SPEEDS.items()), value=1.0, label="Speed of a recording"),
            gr.Slider(
                listening.LEAST_USUAL,
                listening.MOST_USUAL,
                value=listening.MOST_USUAL,
                step=5,
                label="Seconds that show what is usual",
            ),
        ]
        hear = gr.Button("Listen", elem_id="listen")
        limit = listening.OWN_SECONDS if page.is_own else listening.HOSTED_SECONDS
        gr.Markdown(
            "The recording chosen above arrives as from an amplifier, and GET judges it meanwhile. First GET learns "
            "what is usual, from at most half of it, and hurries through this part. Of a longer recording, the last "
            f"{listening.MAX_PLAYED_SECONDS:.0f} s are read. Listening ends after {limit / 60:.0f} minutes.",
            elem_classes="get-limits",
        )
    return chosen, hear


def _results(page: Page) -> dict[str, gr.components.Component]:
    """Creates the components that show results; their names are those of the updates in `looks`."""
    results = {}
    with gr.Row(elem_id="head"):
        results["message"] = gr.HTML(looks.message("Press Generate."), padding=False, elem_id="message")
        results["stop"] = gr.Button("Stop", scale=0, min_width=80, visible=False, elem_id="stop")
    results["growing"] = gr.HTML(padding=False, elem_id="growing")
    results["live"] = gr.HTML(padding=False, elem_id="live")
    _figure(results, "traces")
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            _figure(results, "spectra")
        with gr.Column(scale=2, min_width=320):
            results["maps"] = gr.HTML(padding=False, elem_id="maps")
    _figure(results, "surprise")
    _figure(results, "windows")
    results["classes"] = gr.HTML(padding=False, elem_id="classes", visible=page.classifier is not None)
    with gr.Row():
        for suffix, label in looks.FILES.items():
            results[suffix] = gr.DownloadButton(label, visible=False, size="sm", elem_id=f"get{suffix}")
    return results


def _figure(results: dict[str, gr.components.Component], name: str) -> None:
    """Creates the components of an interactive figure and of the caption below it."""
    results[name] = gr.Plot(
        visible=False,
        label=name.capitalize(),
        show_label=False,
        container=False,
        elem_id=name,
        elem_classes="get-chart",
        buttons=[],
    )
    results[f"{name}_caption"] = gr.HTML(padding=False, elem_id=f"{name}-caption")


def _connect(
    page: Page,
    blocks: gr.Blocks,
    controls: dict[str, gr.components.Component],
    go: gr.Button,
    results: dict[str, gr.components.Component],
) -> None:
    """Connects the events of the page to methods of `Page`: arriving, choosing, generating, stopping and leaving."""
    shown = results | {name: controls[name] for name in ("file", "condition", "following", "channels")}
    everything, chosen = list(shown.values()), [controls["source"], controls["file"]]

    def show(updates: dict[str, Any]) -> dict[gr.components.Component, Any]:
        return {shown[name]: value for name, value in updates.items()}

    def arrive(request: gr.Request, width: float):
        yield from map(show, page.arrive(Visitor.of(request), width))

    def change(request: gr.Request, *choices):
        return show(page.change(Visitor.of(request), *choices))

    def choose(request: gr.Request, *choices):
        return show(page.choose(Visitor.of(request), *choices))

    def generate(request: gr.Request, *choices):
        yield from map(show, page.generate(Visitor.of(request), *choices))

    def stop(request: gr.Request):
        page.runs.stop(Visitor.of(request).tab)

    def leave(request: gr.Request):
        page.leave(Visitor.of(request))

    private = {"show_progress": "hidden", "api_visibility": "private"}
    blocks.load(arrive, [controls["width"]], list(results.values()), js=_MEASURE, concurrency_limit=None, **private)
    for changed in (controls["source"].change, controls["file"].upload, controls["file"].clear):
        changed(change, chosen, everything, queue=False, **private).then(
            choose,
            chosen,
            everything,
            concurrency_limit=READERS_AT_ONCE,
            concurrency_id="reading",
            **private,
        )
    go.click(
        generate,
        list(controls.values()),
        list(results.values()),
        js=_SHOW_RESULTS,
        show_progress="hidden",
        trigger_mode="multiple",  # the next run can start while the last one is being cancelled
        concurrency_limit=None,  # `Runs` decides which runs wait, and visitors see their place in the queue
        api_name="generate",
    )
    results["stop"].click(stop, queue=False, **private)
    blocks.unload(leave)


def _connect_button(
    method: Callable[..., Iterator[dict[str, Any]]],
    inputs: list[gr.components.Component],
    button: gr.Button,
    results: dict[str, gr.components.Component],
) -> None:
    """Connects a button to `Page.classify` or `Page.listen`."""

    def begin(request: gr.Request, *choices):
        for updates in method(Visitor.of(request), *choices):
            yield {results[name]: value for name, value in updates.items()}

    button.click(
        begin,
        inputs,
        list(results.values()),
        js=_SHOW_RESULTS,
        show_progress="hidden",
        trigger_mode="multiple",
        concurrency_limit=None,
        api_visibility="private",
    )
