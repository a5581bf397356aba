# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Training from mixtures and from streams."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
import torch
import yaml

from get_hf.modeling.modeling_get import GETModel
from get_hf.training.data.run_folder import CHECKSUMS
from get_hf.training.data.sources import open_sources
from get_hf.training.pretraining.crops import Cropper
from get_hf.training.pretraining.run import run
from hub import Hub
from training_runs import RECIPE, launch, losses, weights

STREAMED = {"streaming": True, "crops_per_segment": 1, "shuffled_segments": 4, "fit_segments": 6}
STEPS, SAVED = 8, 3


@pytest.fixture(scope="module")
def mixture(tmp_path_factory, prepared_folder, other_folder, cache_dir) -> Path:
    """A recipe of two corpora with other montages and rates."""
    path = tmp_path_factory.mktemp("recipe") / "mixture.yaml"
    changes = {
        "corpus": {str(prepared_folder): 2, str(other_folder): 1},
        "cache_dir": str(cache_dir),
        "output_dir": str(path.parent / "out"),
        "save_steps": SAVED,
    }
    path.write_text(yaml.safe_dump(RECIPE | changes))
    return path


@pytest.fixture(scope="module")
def finished(mixture) -> Path:
    return run(mixture)


@pytest.fixture(scope="module")
def streamed(mixture, tmp_path_factory) -> Path:
    return run(mixture, output_dir=str(tmp_path_factory.mktemp("streamed")), dataloader_num_workers=1, **STREAMED)


@pytest.fixture
def montages(monkeypatch) -> list[int]:
    """How many channels the segments have that crops are cut of."""
    numbers = []
    original = Cropper.crop

    def crop(self, row, *args):
        numbers.append(row["n_chans"][0].as_py())
        return original(self, row, *args)

    monkeypatch.setattr(Cropper, "crop", crop)
    return numbers


def test_a_mixture_is_one_run_whose_summary_names_both_corpora_and_no_folder(finished, mixture, other_folder):
    GETModel.from_pretrained(finished)
    summary = json.loads((finished / "training_summary.json").read_text())
    other = json.loads((other_folder / "dataset_info.json").read_text())["corpus"]
    assert summary["recipe"]["corpus"] == {"eegmmidb": 2, other: 1}
    assert summary["training_subjects"] == 6
    assert summary["training_people"][:3] == ["eegmmidb/S001", "eegmmidb/S002", "eegmmidb/S003"]
    assert [entry[:2] for entry in summary["left_out"]] == [["S003", "R01"], ["S003", "R02"], ["cleo", "2.edf"]]
    assert str(other_folder) not in json.dumps(summary)
    assert len(losses(finished, "eval_loss")) == 2


def test_both_corpora_are_trained_on(mixture, tmp_path, montages):
    run(mixture, output_dir=str(tmp_path / "a"), max_steps=6, eval_strategy="no", save_strategy="no")
    assert 3 in montages
    assert 8 in montages
    montages.clear()
    run(mixture, output_dir=str(tmp_path / "b"), max_steps=6, eval_strategy="no", save_strategy="no", **STREAMED)
    assert 3 in montages
    assert 8 in montages


@pytest.mark.parametrize("which", ["finished", "streamed"])
def test_resumed_a_mixture_has_the_losses_of_a_run_that_was_not_interrupted(mixture, tmp_path, request, which):
    whole = request.getfixturevalue(which)
    shutil.copytree(whole / f"checkpoint-{SAVED}", tmp_path / f"checkpoint-{SAVED}")
    options = {} if which == "finished" else STREAMED | {"dataloader_num_workers": 1}
    resumed = run(mixture, output_dir=str(tmp_path), resume_from_checkpoint=True, **options)
    assert len(losses(whole)) == STEPS
    assert losses(resumed) == losses(whole)
    assert losses(resumed, "epoch") == losses(whole, "epoch")
    assert losses(resumed, "eval_loss") == losses(whole, "eval_loss")
    assert all(torch.equal(w, weights(whole)[name]) for name, w in weights(resumed).items())


def test_a_stream_is_resumed_by_as_many_workers_or_not_at_all(mixture, streamed, tmp_path):
    shutil.copytree(streamed / f"checkpoint-{SAVED}", tmp_path / f"checkpoint-{SAVED}")
    with pytest.raises(ValueError, match=r"'workers': 1.*'workers': 0.*resume it with the same"):
        run(mixture, output_dir=str(tmp_path), resume_from_checkpoint=True, **STREAMED)
    for name in ("stream_0.json", CHECKSUMS):  # as a run that does not stream leaves it
        (tmp_path / f"checkpoint-{SAVED}" / name).unlink()
    with pytest.raises(ValueError, match="does not say where process 0 was in its stream"):
        run(mixture, output_dir=str(tmp_path), resume_from_checkpoint=True, dataloader_num_workers=1, **STREAMED)


def test_streaming_from_the_hub_trains_as_from_the_folder(mixture, prepared_folder, other_folder, tmp_path):
    options = STREAMED | {"max_steps": 3, "eval_strategy": "no", "save_strategy": "no", "dataloader_num_workers": 1}
    local = {str(other_folder): 1, str(prepared_folder): 1}
    expected = run(mixture, output_dir=str(tmp_path / "local"), corpus=local, **options)
    code = f"""
from huggingface_hub import HfApi
from get_hf.training.pretraining.run import run
api = HfApi()
api.create_repo("someone/other", repo_type="dataset")
api.upload_folder(repo_id="someone/other", folder_path={str(other_folder)!r}, repo_type="dataset")
corpus = {{"someone/other": 1, {str(prepared_folder)!r}: 1}}
run({str(mixture)!r}, output_dir={str(tmp_path / "hub")!r}, corpus=corpus, **{options!r})
"""
    with Hub() as hub:
        cache = {"HF_HOME": str(tmp_path / "home"), "HF_DATASETS_CACHE": str(tmp_path / "cache")}
        done = launch(tmp_path, code, **(hub.environment | cache))
    assert done.returncode == 0, done.stderr[-2000:]
    assert losses(tmp_path / "hub") == losses(expected)
    summary = json.loads((tmp_path / "hub/training_summary.json").read_text())
    assert summary["recipe"]["corpus"] == {"someone/other": 1, "eegmmidb": 1}
    assert summary["training_subjects"] == 6
    assert not list((tmp_path / "cache").rglob("*.arrow"))  # nothing was kept


#: Has each process write down which segments it reads, in which pass, and of which it cuts crops.
LOGGING = """
import json, os
from get_hf.training.pretraining import crops, streaming

def note(kind, row, *more):
    names = [str(row[key][0].as_py()) for key in ("corpus", "subject", "session", "start")]
    with open({log!r} + kind + os.environ["RANK"], "a") as file:
        file.write(json.dumps([*more, *names]) + "\\n")

cut, read = crops.Cropper.crop, streaming.Passes.__iter__

def crop(self, row, *args):
    note("cut", row)
    return cut(self, row, *args)

def passes(self):
    for row in read(self):
        note("read", row, self.number)
        yield row

crops.Cropper.crop, streaming.Passes.__iter__ = crop, passes
"""


@pytest.mark.parametrize("shuffled_segments", [1, 4])
def test_two_processes_that_stream_see_every_segment_once_per_pass(
    mixture, prepared_folder, other_folder, tmp_path, shuffled_segments
):
    corpora = {str(prepared_folder): 1, str(other_folder): 1}
    options = STREAMED | {
        "corpus": corpora,
        "output_dir": str(tmp_path / "out"),
        "shuffled_segments": shuffled_segments,
        "per_device_train_batch_size": 2,
        "max_steps": 24,
        "save_steps": 9,
        "eval_strategy": "no",
        "resume_from_checkpoint": True,
    }
    code = (
        LOGGING.format(log=f"{tmp_path}/")
        + f"""
from get_hf.training.pretraining.run import run
run({str(mixture)!r}, **{options!r})
"""
    )

    def by_two(kind: str) -> list[list[tuple]]:
        return [[tuple(json.loads(line)) for line in (tmp_path / f"{kind}{rank}").open()] for rank in (0, 1)]

    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    done = launch(tmp_path, code, *launcher)
    assert done.returncode == 0, done.stderr[-2000:]
    everything = {
        tuple(str(row[key]) for key in ("corpus", "subject", "session", "start"))
        for source in open_sources(corpora, streaming=True)
        for row in source.splits["train"]
        if row["n_times"] >= 316
    }
    reads = Counter(read for reads in by_two("read") for read in reads)
    assert set(reads.values()) == {1}  # no segment twice in a pass, in whichever process
    assert {read[1:] for read in reads if read[0] == 0} == everything
    cuts = by_two("cut")
    assert [len(names) for names in cuts] == [48, 48]
    assert all(set(names) <= {read[1:] for read in reads} for names in cuts)

    # killed after its checkpoint at step 9, each goes on where it was
    for checkpoint in ("checkpoint-18", "checkpoint-24"):
        shutil.rmtree(tmp_path / "out" / checkpoint)
    expected = losses(tmp_path / "out")
    for rank in (0, 1):
        (tmp_path / f"cut{rank}").unlink()
    again = launch(tmp_path, code, *launcher)
    assert again.returncode == 0, again.stderr[-2000:]
    assert losses(tmp_path / "out") == expected
    assert by_two("cut") == [names[18:] for names in cuts]
