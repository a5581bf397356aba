# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""transformers' own `push_to_hub`, to a Hub on the loopback interface: it leaves a card that people can use."""

import pytest
import torch
import transformers
from huggingface_hub import ModelCard

from get_hf import GETForSequenceClassification, GETModel, load_pretrained
from hub import Blob, Hub
from small import small_config

REPO = "someone/get-mine"
TAGS = ["eeg", "brain", "time-series", "bci"]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:httpx2")


@pytest.fixture(autouse=True)
def _own_client(monkeypatch):
    monkeypatch.setattr(transformers.utils.hub, "_hf_api", None)  # made once, for the Hub of its time


@pytest.fixture
def pretrained(tiny_checkpoint):
    return load_pretrained(tiny_checkpoint)


def card(server: Hub) -> ModelCard:
    return ModelCard(server.repositories["model", REPO].files["README.md"].decode())


def assert_usable(made: ModelCard) -> None:
    assert made.data.to_dict() == {
        "library_name": "transformers",
        "license": "apache-2.0",
        "pipeline_tag": "time-series-forecasting",
        "tags": TAGS,
    }
    assert "# get-mine" in made.text
    assert f'pipeline("eeg-generation", model="{REPO}"' in made.text
    assert "Not a medical device" in made.text
    assert "More Information Needed" not in made.text


def test_a_pushed_checkpoint_has_a_card_with_its_use(server, pretrained):
    model, extractor = pretrained
    model.push_to_hub(REPO)
    extractor.push_to_hub(REPO)
    assert_usable(card(server))
    loaded, _ = load_pretrained(f"{REPO}@main")
    assert torch.equal(loaded.flow_head.out_proj.bias, model.flow_head.out_proj.bias)


def test_in_whichever_order_and_way(server, pretrained, tmp_path):
    model, extractor = pretrained
    extractor.push_to_hub(REPO)  # leaves the template of transformers
    model.save_pretrained(tmp_path / "get-mine", push_to_hub=True, repo_id=REPO)
    assert_usable(card(server))


def test_a_classifier_is_called_one(server):
    model = GETForSequenceClassification(small_config(num_labels=2, id2label={0: "rest", 1: "seizure"}))
    model.push_to_hub(REPO)
    made = card(server)
    assert (made.data.license, made.data.pipeline_tag, made.data.tags) == ("apache-2.0", None, TAGS)
    assert "rest, seizure" in made.text
    assert 'pipeline("eeg-classification"' in made.text


def test_hand_written_text_on_the_hub_is_kept(server, pretrained):
    model, _ = pretrained
    model.push_to_hub(REPO)
    repository = server.repositories["model", REPO]
    own = b"---\nlicense: mit\npipeline_tag: other\ntags:\n- sleep\n---\n\n# Mine\n\n[More Information Needed]\n"
    repository.commit("Update README.md", repository.commits[-1][1] | {"README.md": Blob(own)})
    model.push_to_hub(REPO)
    made = card(server)
    assert made.text.split() == ["#", "Mine", "[More", "Information", "Needed]"]
    assert (made.data.license, made.data.pipeline_tag, made.data.tags) == ("mit", "other", ["sleep", *TAGS])


def test_a_tag_of_one_model_is_not_one_of_the_next(server, pretrained):
    model, _ = pretrained
    model.push_to_hub(REPO, tags=["mine"])
    assert card(server).data.tags == [*TAGS, "mine"]
    assert GETModel.model_tags == TAGS
    assert GETModel(small_config()).model_tags == TAGS
