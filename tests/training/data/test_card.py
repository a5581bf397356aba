# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from get_hf.training.corpora import CORPORA, get_corpus
from get_hf.training.data import card as dataset_card
from get_hf.training.data.card import COLUMNS, OWN_NAME, card, hub_licence
from get_hf.training.data.prepared import Prepared, load_prepared, prepare
from get_hf.training.data.segments import FEATURES
from get_hf.training.data.spectra import measure


@pytest.fixture(scope="session")
def original(data_dir, tmp_path_factory) -> Path:
    """The synthetic corpus, prepared, with its card."""
    folder = tmp_path_factory.mktemp("original") / "eegmmidb"
    prepare("eegmmidb", folder, data_dir)
    card(folder)
    return folder


@pytest.fixture
def folder(original, tmp_path) -> Path:
    """A copy of it, to be changed at will."""
    return Path(shutil.copytree(original, tmp_path / "eegmmidb"))


def front_matter(text: str) -> dict:
    return yaml.safe_load(text.split("---\n")[1])


def table(text: str, first_column: str) -> list[list[str]]:
    """The rows of the Markdown table whose first column has this name."""
    found = re.search(rf"^\| {first_column} \|.*\n\| ---.*\n((?:\|.*\n?)+)", text, flags=re.MULTILINE)
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in found[1].splitlines()]


def test_the_hub_can_read_the_metadata_of_the_card(folder):
    front = front_matter(card(folder))
    assert front["license"] == "odc-by"
    assert {"eeg", "motor-imagery", "resting-state"} <= set(front["tags"])
    assert "epilepsy" not in front["tags"]
    assert front["size_categories"] == ["n<1K"]
    (config,) = front["configs"]
    splits = {files["split"]: files["path"] for files in config["data_files"]}
    assert list(splits) == ["train", "validation", "test"]
    shards = [path for pattern in splits.values() for path in folder.glob(pattern)]
    assert sorted(shards) == sorted((folder / "data").iterdir())


def test_figures_are_those_of_the_recordings(folder, tmp_path):
    text = card(folder)
    # S003 R01 is broken, S088 in no split; each other run has 23.5 s
    counted = {row[0]: row[1:5] for row in table(text, "split")}
    assert counted == {
        "train": ["3", "8", "8", f"{8 * 23.5 / 3600:.2f}"],
        "validation": ["1", "3", "3", f"{3 * 23.5 / 3600:.2f}"],
        "test": ["1", "1", "1", f"{23.5 / 3600:.2f}"],
        "all": ["5", "12", "12", f"{12 * 23.5 / 3600:.2f}"],
    }
    by_condition = {row[1]: row for row in table(text, "number")}
    assert " ".join(by_condition) == "none rest eyes_open eyes_closed left_fist right_fist both_fists feet"
    assert by_condition["eyes_closed"][0] == "3"
    assert by_condition["eyes_open"][3] == "3"  # R01 of S001, S002 and S080
    assert by_condition["eyes_closed"][3] == "5"
    rows = [row for split in load_prepared(folder, cache_dir=tmp_path).values() for row in split]
    opened = [np.reshape(row["signal"], (8, -1)) for row in rows if row["session"] == "R01" and row["n_times"]]
    typical = np.median([np.median(np.median(np.abs(signal), axis=1)) for signal in opened])
    assert by_condition["eyes_open"][4].split()[0] == f"{typical:.1f}"
    assert opened[0].std() == pytest.approx(float(table(text, "split")[0][5]), rel=0.1)


def test_unusable_recordings_are_in_a_table(folder):
    rows = table(card(folder), "subject")
    assert {(row[0], row[1]) for row in rows} == {("S003", "R01"), ("S003", "R02")}
    assert "C3.." in next(row[2] for row in rows if row[1] == "R02")


def test_many_problems_are_not_all_in_the_card(folder):
    path = folder / "dataset_info.json"
    info = json.loads(path.read_text()) | {"problems": [[f"S{i}", "R01", "a | b"] for i in range(130)]}
    path.write_text(json.dumps(info))
    text = card(folder)
    assert "and 30 more, in dataset_info.json" in text
    assert text.count("a \\| b") == 100


def test_the_card_says_whose_it_is_and_what_was_done(folder):
    text = card(folder)
    corpus = get_corpus("eegmmidb")
    for said in (corpus.licence, corpus.citation, corpus.homepage, corpus.description, "0.5 to 45 Hz", "microvolts"):
        assert said in text
    assert "may be published under the same licence" in text
    assert {row[1]: row[5] for row in table(text, "number")}["eyes_closed"] == "run 2"


def test_the_card_and_the_picture_are_the_same_again(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert set(before) == {"README.md", "spectra.png", "dataset_info.json"}
    assert card(folder) == before["README.md"].decode()
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("failing", ["draw", "_front_matter"])
def test_a_failure_keeps_the_old_card(folder, monkeypatch, failing):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(dataset_card, failing, fail)
    with pytest.raises(OSError, match="No space"):
        card(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_program_in_the_card_runs(folder, monkeypatch, tmp_path):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    with_datasets, with_get_hf = re.findall(r"```python\n(.*?)```", card(folder), flags=re.DOTALL)
    found: dict = {}
    exec(with_datasets.replace(OWN_NAME, str(folder)), found)
    assert found["signal"].shape == (8, 2350)
    assert 1 < np.median(np.abs(found["signal"])) < 100
    exec(with_get_hf.replace(OWN_NAME, str(folder)), found)
    assert set(found["segments"]) == {"train", "validation", "test"}


def test_every_column_is_explained():
    assert list(COLUMNS) == list(FEATURES)


def test_a_licence_the_hub_does_not_know_is_named_and_linked(folder, monkeypatch):
    corpus = dataclasses.replace(get_corpus("eegmmidb"), licence="Research Use 7", may_redistribute=False)
    monkeypatch.setattr(dataset_card, "get_corpus", lambda name: corpus)
    text = card(folder)
    front = front_matter(text)
    assert (front["license"], front["license_name"]) == ("other", "research-use-7")
    assert front["license_link"] == corpus.homepage
    assert "must NOT be published" in text


@pytest.mark.parametrize("corpus", [c for c in CORPORA.values() if c.may_redistribute], ids=lambda c: c.name)
def test_corpora_that_may_be_shared_have_a_licence_the_hub_knows(corpus):
    known = {"odc-by", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "mit"}
    assert hub_licence(corpus)["license"] in known


def test_a_folder_that_is_not_a_prepared_corpus_is_refused(tmp_path, folder):
    with pytest.raises(ValueError, match="not a prepared corpus"):
        card(tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder someone/eeg"):
        card("someone/eeg")
    (folder / "dataset_info.json").write_text("{")
    with pytest.raises(ValueError, match="prepare it again"):
        card(folder)


def test_eyes_closed_have_more_alpha_in_real_recordings(real_data, tmp_path):
    subjects = tmp_path / "raw"
    subjects.mkdir()
    for name in ("S002", "S003", "S004"):
        (subjects / name).symlink_to(real_data / "eegmmidb" / name)
    prepare("eegmmidb", tmp_path / "out", subjects)
    measured = measure(Prepared.read(tmp_path / "out"))
    at_10_hz = np.flatnonzero(measured.frequencies == 10.0)[0]
    closed, opened = (np.median(measured.spectra[name], axis=0) for name in ("eyes_closed", "eyes_open"))
    assert closed[at_10_hz] > opened[at_10_hz] + 2
    assert 5 < np.median(measured.amplitudes["eyes_open"]) < 60
