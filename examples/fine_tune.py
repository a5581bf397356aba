# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""
Fine-tune a classifier of open and closed eyes
==============================================

The Trainer of transformers fine-tunes GET to distinguish open from closed eyes::

    python examples/fine_tune.py --data data/eegmmidb --out eyes       # S001/S001R01.edf (open), R02 (closed), ...
    get-hf demo --classifier eyes                                      # use it in the browser

The shipped checkpoint was pretrained on S001 to S079. `get-hf finetune` does the same by a recipe, with more protocols
and figures for each person.

Without --data the classifier learns from EEG that the checkpoint itself generates. This shows how to do it, and proves
nothing.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from transformers import Trainer, TrainingArguments, set_seed

from get_hf import CHECKPOINT, GETForSequenceClassification, load_pretrained, load_recording

CLASSES = {"eyes_open": "R01", "eyes_closed": "R02"}  # the run of EEGMMIDB with each class
CH_NAMES = ["Fz", "C3", "Cz", "C4", "P3", "Pz", "P4", "O1", "Oz", "O2"]
SECONDS = 4.0

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", type=Path, help="folder that holds S001, S002, ...")
parser.add_argument("--people", type=int, default=10, help="the last fifth of them is for testing")
parser.add_argument("--epochs", type=float, default=3.0)
parser.add_argument("--out", default="eyes")
parser.add_argument("--checkpoint", default=CHECKPOINT)
arguments = parser.parse_args()
set_seed(0)
generator, extractor = load_pretrained(arguments.checkpoint)


def recorded(person: Path, run: str) -> np.ndarray:
    """Epochs of a real person, (epochs, channels, times) in microvolts."""
    raw = load_recording(person / f"{person.name}{run}.edf")
    spelt = {name.strip(".").upper(): name for name in raw.ch_names}
    raw = raw.pick([spelt[name.upper()] for name in CH_NAMES]).resample(100.0, verbose="ERROR")
    n_times = round(SECONDS * 100)
    data = raw.get_data(units="uV")[:, : raw.n_times // n_times * n_times]
    return data.reshape(len(CH_NAMES), -1, n_times).swapaxes(0, 1)


def generated(person: int, condition: str, seed: int) -> np.ndarray:
    """Epochs of a virtual person, (epochs, channels, times) in microvolts."""
    features = extractor(ch_names=CH_NAMES, condition=condition, person=person)
    rows = generator.generate(
        **features, seconds=SECONDS, num_return_sequences=4, generator=torch.Generator().manual_seed(seed)
    )
    return np.stack(extractor.decode(rows, features, output="array"))


def examples(people: list) -> list[dict[str, torch.Tensor]]:
    """Rows for the Trainer: the extractor's features of each epoch, and its label."""
    items = []
    for number, person in enumerate(people):
        sets = [
            recorded(person, run) if arguments.data else generated(person, condition, 2 * person + label)
            for label, (condition, run) in enumerate(CLASSES.items())
        ]
        labels = np.repeat(range(len(sets)), [len(epochs) for epochs in sets])
        # all epochs of a person share one calibration, which keeps the differences between them
        features = extractor(
            np.concatenate(sets), sampling_rate=100.0, ch_names=CH_NAMES, unit="uV", calibrate_on="all"
        )
        del features["condition_ids"]  # the classifier predicts the condition
        for row, label in enumerate(labels.tolist()):
            items.append({name: tensor[row] for name, tensor in features.items()} | {"labels": label})
        print(f"{number + 1} of {len(people)} people read", end="\r", flush=True)
    return items


people = sorted(arguments.data.glob("S*"))[: arguments.people] if arguments.data else list(range(arguments.people))
n_test = max(1, len(people) // 5)  # people, not epochs: epochs of one person resemble each other
train, test = examples(people[:-n_test]), examples(people[-n_test:])

model = GETForSequenceClassification.from_pretrained(
    arguments.checkpoint,
    num_labels=len(CLASSES),
    id2label=dict(enumerate(CLASSES)),
    label2id={name: label for label, name in enumerate(CLASSES)},
    window_seconds=SECONDS,
)
trainer = Trainer(
    model,
    TrainingArguments(
        arguments.out,
        num_train_epochs=arguments.epochs,
        per_device_train_batch_size=8,
        learning_rate=3e-4,
        warmup_steps=0.1,
        weight_decay=0.05,
        eval_strategy="epoch",
        save_strategy="no",
        logging_steps=5,
        seed=0,
    ),
    train_dataset=train,
    eval_dataset=test,
    compute_metrics=lambda result: {"accuracy": float((result.predictions.argmax(-1) == result.label_ids).mean())},
)
trainer.train()
trainer.save_model(arguments.out)
extractor.but(calibrate_on="all").save_pretrained(arguments.out)
accuracy = trainer.evaluate()["eval_accuracy"]
print(f"{arguments.out}: accuracy {accuracy:.2f} on {n_test} people whom fine-tuning did not see")
