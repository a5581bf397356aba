# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The page without a browser: what its functions show, and a whole session by gradio's own client."""

import re
from pathlib import Path

import mne
import numpy as np
import pytest
import torch

pytest.importorskip("gradio")
# gradio is a matter of ten seconds and more; here, and not in each test
from get_hf import GETConfig, GETForSequenceClassification, save_recording
from get_hf.space import app, session
from synthetic import make_raw

WISHES = {"condition": "", "seconds": 2.0, "temperature": 1.0, "guidance": 1.0, "seed": 0}


@pytest.fixture(scope="module")
def page(tiny_checkpoint, tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("classifier")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = GETConfig(id2label={0: "open", 1: "closed"}, label2id={"open": 0, "closed": 1}, **sizes)
    GETForSequenceClassification(config).save_pretrained(folder)
    return app.Page(tiny_checkpoint, folder)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("upload") / "night <b>.edf"
    save_recording(make_raw(), path)
    return str(path)


def run(page, source=app.EXAMPLE, path=None, ch_names=(), **changes):
    return list(page.generate(source, path, list(ch_names), *(WISHES | changes).values()))


def text(message: str) -> str:
    return re.sub("<[^>]+>", "", message)


def test_a_continuation_grows_and_is_then_measured(page, monkeypatch):
    monkeypatch.setattr(app, "FRAME_SECONDS", 0.0)
    updates = run(page)
    growing = [update for update in updates if "get-bar" in update["message"]]
    assert len(growing) >= 1
    assert all('src="data:image/png;base64,' in update["traces"] for update in growing)
    assert text(updates[-1]["message"]).startswith("Generated 2 s in")
    assert {"surprise", "classes", ".edf", ".fif", ".png"} <= set(updates[-1])
    assert re.search("(open|closed) [0-9]+ %, (open|closed) [0-9]+ %", updates[-1]["classes"])


def test_nothing_has_no_class(page):
    assert run(page, app.NOTHING)[-1]["classes"] == ""


def test_pages_hold_no_markup_from_a_file_name(page, tmp_path):
    path = tmp_path / "<img src=x>.edf"
    path.write_bytes(b"no EEG")
    *_, message = page.choose(app.UPLOAD, str(path))
    assert "&lt;img src=x&gt;.edf is not a recording" in message


def test_what_was_written_is_gone_when_the_page_has_its_copy(page, recording):
    files = [Path(run(page, app.UPLOAD, recording)[-1][suffix]["value"]) for suffix in (".edf", ".fif", ".png")]
    assert [file.name for file in files] == ["night <b>_get.edf", "night <b>_get_raw.fif", "night <b>_get.png"]
    assert not any(file.exists() for file in files)


def bad(name: str, tmp_path: Path) -> str:
    raw = make_raw(seconds=0.2) if name == "short" else make_raw()
    if name == "unknown":
        raw.rename_channels({"C3..": "Qx9"})
    raw._data = {"wrong unit": 1e6, "flat": 0.0}.get(name, 1.0) * raw._data
    if name == "nan":
        raw._data[0, 5] = np.nan
    save_recording(raw, tmp_path / "x.fif")
    return str(tmp_path / "x.fif")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("short", "shorter than one patch"),
        ("unknown", "'Qx9'"),
        ("wrong unit", "perhaps microvolts"),
        ("flat", "flat"),
        ("nan", "NaN"),
    ],
)
def test_a_mistake_is_one_sentence_in_the_page(page, tmp_path, name, expected):
    path = bad(name, tmp_path)
    first, last = run(page, app.UPLOAD, path, mne.io.read_raw(path, verbose="ERROR").ch_names)
    assert first["traces"] == ""  # nothing of before stands beside it
    assert 'class="get-message error"' in last["message"]
    assert expected in text(last["message"]).replace("&#x27;", "'")
    assert str(tmp_path) not in last["message"]
    assert "traces" not in last


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"source": app.UPLOAD}, "No recording was uploaded"),
        ({"seconds": 100.0}, "100 s were asked for"),
        ({"guidance": 2.0}, "none was chosen"),
        ({"source": app.NOTHING, "ch_names": ["Qz"]}, "Qz"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_sentence_in_the_page(page, options, expected):
    assert expected in text(run(page, **options)[-1]["message"])


def test_channels_of_the_recording_are_offered(page, recording):
    file, channels, message = page.choose(app.UPLOAD, recording)
    assert file["visible"]
    assert channels["choices"] == make_raw().ch_names
    assert "8 channels, 12 s, 160 Hz" in message


def test_a_name_too_long_for_edf_leaves_the_other_files(page, tmp_path):
    montage = mne.channels.make_dig_montage({"a name of many letters": [0, 0, 0.1]}, coord_frame="head")
    raw = make_raw(ch_names=["a name of many letters"])
    raw.set_montage(montage)
    save_recording(raw, tmp_path / "x.fif")
    last = run(page, app.UPLOAD, str(tmp_path / "x.fif"))[-1]
    assert [last[suffix]["visible"] for suffix in (".edf", ".fif", ".png")] == [False, True, True]
    assert "EDF holds names of up to 16 characters" in last["message"]


def test_a_whole_session_over_the_network(page, recording, tmp_path, monkeypatch):
    gradio_client = pytest.importorskip("gradio_client")
    from gradio.route_utils import delete_files_created_by_app

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "server"))
    blocks = page.build()
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, server_name="127.0.0.1")
    try:
        client = gradio_client.Client(url, verbose=False, download_files=str(tmp_path / "client"))
        wishes = {**WISHES, "condition": "eyes_closed"}
        upload = gradio_client.handle_file(recording)
        result = client.predict(app.UPLOAD, upload, [], *wishes.values(), api_name="/generate")
        message, *_, edf, _fif, png = result
        assert text(message).startswith("Generated 2 s in")
        continued = mne.io.read_raw(edf["value"] if isinstance(edf, dict) else edf, verbose="ERROR")
        assert continued.n_times == (12 + 2) * 160
        assert "GET generated" in continued.annotations.description
        picture = png["value"] if isinstance(png, dict) else png
        assert Path(picture).read_bytes().startswith(b"\x89PNG")

        def kept() -> list[Path]:
            return [f for f in (tmp_path / "server").rglob("*") if f.is_file() and f.stat().st_size]

        assert len(kept()) == 4  # the recording, and what was made of it
        assert blocks.delete_cache == (app.SWEEP_SECONDS, app.KEPT_SECONDS)
        delete_files_created_by_app(blocks, age=None)  # what the page does after that time
        assert kept() == []
    finally:
        blocks.close()


def test_the_space_names_the_gradio_that_was_tested():
    space = Path(app.__file__).parent
    constraints = (Path(__file__).parents[3] / "constraints.txt").read_text()
    version = re.search(r"^sdk_version: (.+)$", (space / "README.md").read_text(), flags=re.MULTILINE)[1]
    assert f"\ngradio=={version}\n" in constraints


def test_the_conditions_offered_are_conditions(page):
    assert set(app.CONDITIONS) < set(page.extractor.conditions)
    assert session.MAX_SECONDS == 60
