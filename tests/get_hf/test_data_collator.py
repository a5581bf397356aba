# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`GETDataCollator` with the Trainer of transformers and with datasets, as a user has them."""

import pickle

import numpy as np
import pytest
import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments

from get_hf import GETDataCollator, GETForSequenceClassification, load_pretrained
from small import NAMES, RATE, signal, small_config

#: Lengths in seconds and numbers of channels of a few recordings.
SHAPES = [(3.0, 4), (2.0, 2), (4.0, 3), (2.0, 4)]


@pytest.fixture(scope="module")
def pretrained(tiny_checkpoint):
    return load_pretrained(tiny_checkpoint)


@pytest.fixture(scope="module")
def rows(pretrained) -> Dataset:
    """What `map` writes of recordings of different channels and lengths, with their labels and names."""
    _, extractor = pretrained
    recordings = [signal(seconds, n_chans, seed=seed) for seed, (seconds, n_chans) in enumerate(SHAPES)]
    raw = Dataset.from_list(
        [{"eeg": x.tolist(), "label": seed % 2, "subject": f"S{seed}"} for seed, x in enumerate(recordings)]
    )
    return raw.map(lambda row: extractor(row["eeg"], RATE, NAMES[: len(row["eeg"])], "uV"), remove_columns="eeg")


def trainer(model, folder, rows, extractor) -> Trainer:
    arguments = TrainingArguments(
        folder, max_steps=2, per_device_train_batch_size=3, per_device_eval_batch_size=3, use_cpu=True, report_to=[]
    )
    collator = GETDataCollator(extractor)
    return Trainer(model, arguments, data_collator=collator, train_dataset=rows, eval_dataset=rows)


@pytest.mark.parametrize("kind", [None, "torch", "numpy"])
def test_rows_of_a_dataset_become_batches(pretrained, rows, kind):
    loader = DataLoader(rows.with_format(kind), batch_size=4, collate_fn=GETDataCollator(pretrained[1]))
    (batch,) = loader
    assert batch["input_values"].shape == (4, 4, 17 * 25)
    assert batch["channel_mask"].sum(1).tolist() == [n_chans for _, n_chans in SHAPES]
    assert (batch["attention_mask"].sum(1) - 1).tolist() == [4 * seconds for seconds, _ in SHAPES]
    assert batch["labels"].tolist() == [0, 1, 0, 1]
    assert "subject" not in batch


def test_a_classifier_is_trained_and_judged_by_the_trainer(pretrained, rows, tmp_path):
    torch.manual_seed(0)
    model = GETForSequenceClassification(small_config(num_labels=2))
    before = model.classifier.weight.detach().clone()
    run = trainer(model, tmp_path, rows, pretrained[1])
    assert np.isfinite(run.train().training_loss)
    assert not torch.equal(model.classifier.weight.detach(), before)
    together = run.predict(rows).predictions
    with torch.no_grad():
        alone = [model.eval()(**GETDataCollator(pretrained[1])([row])).logits[0].numpy() for row in rows]
    np.testing.assert_allclose(together, alone, atol=1e-4)  # padding tells the model nothing


def test_a_generator_is_trained_by_the_trainer(pretrained, rows, tmp_path):
    model, extractor = pretrained
    signals = rows.remove_columns("label").map(lambda row: {"labels": row["input_values"]})
    assert np.isfinite(trainer(model, tmp_path, signals, extractor).evaluate()["eval_loss"])


def test_it_travels_to_the_processes_of_a_loader(pretrained, rows):
    collator = pickle.loads(pickle.dumps(GETDataCollator(pretrained[1], return_tensors="np")))
    assert isinstance(collator([rows[0], rows[1]])["input_values"], np.ndarray)
