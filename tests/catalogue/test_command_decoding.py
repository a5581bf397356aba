# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Bad input to the commands that read EEG without continuing it: one sentence, exit code 2, nothing written."""

import re

import pytest

from bad_recordings import RECORDINGS, SMALL

#: Overrides of a recipe of fine-tuning, and what the answer has to mention.
FINETUNING = {
    "classes": ["classes={}", "classes={a: left_fist}", "classes=left_fist", "classes=[left_fist, feet]"],
    "sleeping": ["classes={a: sleeping, b: feet}"],
    "left_fist": ["classes={a: left_fist, b: left fist}"],
    "protocol": ["protocol=loso", "protocol=", "protocol=[few-shot]"],
    "method": ["method=prompt", "method=3"],
    "window_seconds": ["window_seconds=0", "window_seconds=-1", "window_seconds=long"],
    "stride_seconds": ["stride_seconds=0", "stride_seconds=-0.5", "stride_seconds=.inf", "stride_seconds=short"],
    "calibrations": ["calibrations=[run]", "calibrations=[]", "calibrations=[session, person] protocol=few-shot"],
    "n_folds": ["n_folds=0", "n_folds=1.5"],
    "num_proc": ["num_proc=0", "num_proc=all"],
    "pooling": ["pooling=max", "pooling="],
    "dropout": ["dropout=1", "dropout=-0.1", "dropout=some"],
    "channels_per_window": ["channels_per_window=0", "channels_per_window=half"],
    "early_stopping_patience": ["early_stopping_patience=0", "early_stopping_patience=3 eval_strategy=no"],
    "head_learning_rate": ["head_learning_rate=0", "head_learning_rate=fast"],
    "probe_strength": ["probe_strength=0", "probe_strength=-1"],
    "adapter_base": ["adapter_base=org/get-eeg"],
    "probe": ["prob=true"],
    "nothing": ["corpus=nothing"],
    "n_people": ["n_people=0", "n_people=some"],
    "trials_per_class": ["trials_per_class=0", "trials_per_class=few"],
    "lora_rank": ["lora_rank=0", "lora_rank=1.5"],
    "layer_decay": ["layer_decay=0", "layer_decay=2"],
    "nowhere": ["init_from=nowhere"],
    "output_dir": ["output_dir="],
}


@pytest.mark.parametrize("recording", [name for name in RECORDINGS if name not in ("short.edf", "long_name.fif")])
def test_recordings_that_cannot_be_scored(refused, recording):
    refused("score", recording, "--out", "o.csv", *SMALL, mentions=RECORDINGS[recording])


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        (["good.edf", "--out", "o.csv", "--format", "szcore"], "--format szcore writes .tsv"),
        (["good.edf", "--out", "o.csv", "--reference", "good.edf", "--reference-span", "0:5"], "give one"),
        (["good.edf", "--out", "o.csv", "--reference-span", "0:13"], "the recording at 12 s"),
        (["good.edf", "--out", "o.csv", "--reference-span", "0:6"], "needs 10 s"),
        (["short.edf", "--out", "o.csv"], "needs 10 s"),
        (["good.edf", "short.edf", "--out", "o.csv"], "2 recordings were given"),
        (["good.edf"], "neither was given"),
        (["good.edf", "--out", "o.csv", "--out-dir", "out"], "o.csv and out were given"),
        (["good.edf", "--out-dir", "out", "--plot", "o.png"], "--plot o.png is one picture"),
        (["good.edf", "good.fif", "--out-dir", "out"], "both be written as good.csv"),
        (["good.edf", "--out-dir", "text.xyz"], "text.xyz is a file"),
    ],
)
def test_options_of_score_that_contradict_each_other(refused, arguments, mentions):
    refused("score", *arguments, *SMALL, mentions=mentions)


@pytest.mark.parametrize("recording", [name for name in RECORDINGS if name != "long_name.fif"])
def test_recordings_that_cannot_be_classified(refused, recording):
    mentions = {"short.edf": "shorter than one window"}.get(recording, RECORDINGS[recording])
    refused("classify", recording, "--checkpoint", "classifier", mentions=mentions)


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        (["good.edf", "--out", "o.csv", "--out-dir", "out"], "give one of them"),
        (["good.edf", "--format", "csv"], "--format is about a file to write"),
        (["good.edf", "--picture"], "--picture is about a file to write"),
        (["good.edf", "short.edf", "--out", "o.csv"], "2 recordings were given"),
        (["good.edf", "good.fif", "--out-dir", "out"], "both be written as good"),
        (["good.edf", "--out", "o.csv", "--format", "json"], "must end in .json"),
        (["good.edf", "--out-dir", "text.xyz"], "text.xyz"),
        (["good.edf", "--channels", "Fz,Q9"], "Q9"),
        (["good.edf", "--calibrate-on", "unknown.edf"], "Qx9"),
    ],
)
def test_options_of_classify_that_contradict_each_other(refused, arguments, mentions):
    refused("classify", *arguments, "--checkpoint", "classifier", mentions=mentions)


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        (["good.edf"], "neither"),
        (["good.edf", "--channels", "Cz", "--bads"], "give one"),
        (["good.edf", "--bads"], "none of the 8 channels"),
        (["good.edf", "--channels", "Q9"], "Q9"),
        (["good.edf", "--channels", "Fp1,Fz,C3,Cz,C4,Pz,O1,O2"], "at least 4 good channels"),
        (["good.edf", "--channels", "Fp1,Fz,C3,C4,O1"], "there are 3"),
        (["good.edf", "short.edf", "--channels", "Cz"], "2 recordings were given"),
        (["good.edf", "--channels", "Cz", "--out-dir", "out"], "o.edf and out were given"),
        (["text.edf", "--channels", "Cz"], "text.edf"),
    ],
)
def test_channels_that_cannot_be_imputed(refused, arguments, mentions):
    refused("impute", *arguments, "--out", "o.edf", *SMALL, mentions=mentions)


@pytest.mark.parametrize(
    ("mentions", "override"), [(key, text) for key, texts in FINETUNING.items() for text in texts]
)
def test_overrides_of_fine_tuning_that_mean_nothing(refused, mentions, override):
    refused("finetune", "finetune.yaml", *re.split(r" (?=\w+=)", override), mentions=mentions)
