# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What `import get_hf` gives, and what it costs."""

import json
import subprocess
import sys

from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForSequenceClassification

import get_hf

# (what transformers itself imports where it finds it, such as accelerate, is not ours to keep out)
HEAVY = ["mne", "datasets", "matplotlib", "gradio", "typer", "rich"]


def run_python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout


def test_the_auto_classes_know_get(tiny_checkpoint):
    assert type(AutoConfig.from_pretrained(tiny_checkpoint)) is get_hf.GETConfig
    assert type(AutoModel.from_pretrained(tiny_checkpoint)) is get_hf.GETModel
    assert type(AutoFeatureExtractor.from_pretrained(tiny_checkpoint)) is get_hf.GETFeatureExtractor
    config = AutoConfig.from_pretrained(tiny_checkpoint, num_labels=2)
    classifier = AutoModelForSequenceClassification.from_config(config)
    assert type(classifier) is get_hf.GETForSequenceClassification


def test_all_public_names_exist():
    assert all(hasattr(get_hf, name) for name in get_hf.__all__)


def test_importing_brings_nothing_heavy():
    loaded = json.loads(run_python("import get_hf, json, sys; print(json.dumps(list(sys.modules)))"))
    assert set(HEAVY) & set(loaded) == set()


def test_importing_takes_little_longer_than_its_dependencies():
    program = (
        "import time; start = time.perf_counter()\n"
        "import torch\n"
        "from transformers import FeatureExtractionMixin, GenerationMixin, PreTrainedModel\n"
        "middle = time.perf_counter()\n"
        "import get_hf\n"
        "print((time.perf_counter() - start) / (middle - start))"
    )
    # the best of several: whatever else the machine does only ever adds
    assert min(float(run_python(program)) for _ in range(4)) <= 1.15


def test_the_command_is_also_a_module():
    done = subprocess.run([sys.executable, "-m", "get_hf", "--help"], capture_output=True, text=True, check=True)
    assert "generate" in done.stdout
