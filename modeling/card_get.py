# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Writes the model card of GET on the Hub, which says what the model is and how to load it, and has the metadata."""

import re
from pathlib import Path

from huggingface_hub import ModelCard, ModelCardData

from .configuration_get import GETConfig

CARD = "README.md"
TAGS = ("eeg", "brain", "time-series", "bci")
#: Licence of the code beside the weights. It is also the licence of the weights if the card names no other licence.
LICENCE = "apache-2.0"
#: Task of each kind of saved model: its name in pipelines, and its name for people.
GENERATION, CLASSIFICATION = ("eeg-generation", "EEG generation"), ("eeg-classification", "EEG classification")
#: Text that transformers writes into the template of a card if a repository has no card.
AUTOMATIC = (
    "This is the model card of a 🤗 transformers model that has been pushed on the Hub. This model card has been "
    "automatically generated."
)

HUB_USE = """\
<!-- hub:begin -->
## From the Hub

```python
from transformers import pipeline

pipe = pipeline("{task}", model="{repo}", revision="main", trust_remote_code=True)
{call}
```

With `pip install get-hf` and `import get_hf` the installed code is used and `trust_remote_code` is not needed; without
it, the code beside the weights. Pin a commit, `revision="<commit>"`, and neither weights nor code change under you.
<!-- hub:end -->
"""
CALLS = {
    GENERATION[0]: 'raw = pipe("recording.edf", seconds=20, seed=0)[0]  # mne.io.RawArray, in volts',
    CLASSIFICATION[0]: 'classes = pipe("recording.edf")  # the likeliest first',
}
NEW_CARD = """\
---
library_name: transformers
---

# {name}

{what}

## Limits

Not a medical device: its output must not guide the care of a person. Generated EEG is not a recording of any
person, and must not be presented as one.
"""


def complete_card(path: Path, repo: str, config: GETConfig) -> None:
    """Completes the card that transformers writes when a model is pushed.

    If the card is the unchanged template of transformers, a card of GET replaces it. Text and metadata that people
    wrote stay.

    Args:
        path: Path of `README.md`.
        repo: Future name of the repository, "owner/name".
        config: Configuration of the model.
    """
    card = ModelCard.load(path)
    if card.text.strip() == ModelCard.from_template(ModelCardData(), model_description=AUTOMATIC).text.strip():
        card.text = with_use(ModelCard(new_card(repo, config)).text, repo, config)
    describe(card.data, config)
    card.data.license = card.data.license or LICENCE
    path.write_text(str(card), encoding="utf-8")


def task_of(config: GETConfig) -> tuple[str, str]:
    """Returns the task of a model: its name in pipelines, and its name for people."""
    return CLASSIFICATION if "GETForSequenceClassification" in (config.architectures or ()) else GENERATION


def describe(data: ModelCardData, config: GETConfig) -> None:
    """Adds to the metadata of a card the entries by which the Hub finds a model of GET."""
    data.library_name = "transformers"
    data.tags = [*dict.fromkeys([*(data.tags or ()), *TAGS])]
    if data.pipeline_tag is None and task_of(config) == GENERATION:  # the Hub has no task to classify signals
        data.pipeline_tag = "time-series-forecasting"


def with_use(text: str, repo: str, config: GETConfig) -> str:
    """Returns a card with a text on how to load the model from `repo`.

    The text replaces an earlier text of this kind. If there is none, the text is put before the first section.
    """
    task = task_of(config)[0]
    use = HUB_USE.format(task=task, repo=repo, call=CALLS[task])
    text, n_replaced = re.subn(r"<!-- hub:begin -->.*<!-- hub:end -->\n?", lambda _: use, text, flags=re.DOTALL)
    if n_replaced:
        return text
    head, mark, rest = text.partition("\n## ")
    return f"{head.rstrip()}\n\n{use}{mark}{rest}"


def new_card(repo: str, config: GETConfig) -> str:
    """Returns a short card for a model that has no card yet."""
    rate, seconds = f"{config.sampling_rate:g} Hz", config.patch_size / config.sampling_rate
    if task_of(config) == CLASSIFICATION:
        labels = ", ".join(str(config.id2label[index]) for index in sorted(config.id2label))
        what = f"A classifier of multichannel EEG at {rate}, made of GET, a Generative EEG Transformer: {labels}."
    else:
        what = (
            f"GET, a Generative EEG Transformer: it continues multichannel EEG at {rate}, {seconds:g} s of all "
            f"channels at a time. It knows the conditions {', '.join(config.known_conditions)}."
        )
    return NEW_CARD.format(name=repo.partition("/")[2], what=what)
