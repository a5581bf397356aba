# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Checkpoints to and from a Hub on the loopback interface, with the client that talks to the real one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file, save_file

from get_hf import GETFeatureExtractor, GETForSequenceClassification, load_pretrained
from get_hf.hub.card import Provenance
from get_hf.hub.models import pull, push
from hub import Blob, Hub, take_for_the_hub
from small import small_config

REPO = "someone/get-mine"
WEIGHTS = "model.safetensors"

# the client's own way of uploading
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:httpx2")


def pushed(server: Hub) -> dict[str, bytes]:
    return server.repositories["model", REPO].files


def card(server: Hub) -> ModelCard:
    return ModelCard(pushed(server)["README.md"].decode())


def test_a_push_is_one_commit_of_all_that_makes_a_checkpoint(server, folder):
    (folder / "training_summary.json").write_text("{}")
    assert push(folder, REPO) == f"{server.url}/{REPO}"
    there = pushed(server)
    assert {name for name in there if not name.endswith(".py")} == {
        ".gitattributes",
        "README.md",
        "checkpoint_files.json",
        "config.json",
        "generation_config.json",
        WEIGHTS,
        "population.safetensors",
        "preprocessor_config.json",
        "training_summary.json",
    }
    assert {"modeling_get.py", "pipeline_get.py", "feature_extraction_get.py"} <= set(there)
    assert there[WEIGHTS] == (folder / WEIGHTS).read_bytes()
    repository = server.repositories["model", REPO]
    assert repository.messages == ["initial commit", "GETModel with its feature extractor"]
    assert repository.commits[-1][1][WEIGHTS].is_lfs
    assert not repository.private


def test_without_its_code_nothing_refers_to_it(server, folder):
    push(folder, REPO, remote_code=False)
    there = pushed(server)
    assert not [name for name in there if name.endswith(".py")]
    for name in ("config.json", "preprocessor_config.json"):
        assert not {"auto_map", "custom_pipelines"} & set(json.loads(there[name]))


def test_the_card_says_what_it_is_and_how_to_load_it(server, folder):
    push(folder, REPO)
    data, text = card(server).data, card(server).text
    assert (data.library_name, data.pipeline_tag) == ("transformers", "time-series-forecasting")
    assert "eeg" in data.tags
    assert (data.license, data.base_model, data.datasets, data.eval_results) == (None, None, None, None)
    assert f'pipeline("eeg-generation", model="{REPO}", revision="main", trust_remote_code=True)' in text
    assert "eyes_closed" in text


ROW = {"value": 0.351, "unit": "dB", "goal": ["times floor", 1.1], "interval": [0.28, 0.47], "met": False}
FIDELITY = {
    "about": {"corpus": "eegmmidb", "split": "validation"},
    "rows": {"GET": {"log PSD, ensemble": ROW}, "real": {"log PSD, ensemble": ROW | {"value": 0.209}}},
}


def test_the_card_of_an_evaluated_checkpoint_keeps_its_text_and_gets_its_figures(server, folder):
    (folder / "fidelity.json").write_text(json.dumps(FIDELITY))
    own = folder.parent / "card.md"
    own.write_text("---\nlicense: mit\ntags:\n- sleep\n---\n\n# Mine\n\nIt continues.\n\n## Limits\n\nMany.\n")
    push(folder, REPO, card=own)
    data, text = card(server).data, card(server).text
    assert data.license == "mit"
    assert data.tags[0] == "sleep"
    (result,) = data.eval_results
    assert (result.dataset_type, result.dataset_split) == ("eegmmidb", "validation")
    assert (result.metric_name, result.metric_value) == ("log PSD, ensemble", 0.351)
    assert result.metric_args == {"unit": "dB", "interval": [0.28, 0.47], "real": 0.209}
    assert text.index("It continues.") < text.index("From the Hub") < text.index("## Limits")
    assert "fidelity.json" in pushed(server)

    # pulled and pushed elsewhere, it says where it is now
    push(pull(REPO, folder.parent / "pulled"), "someone/elsewhere")
    text = server.repositories["model", "someone/elsewhere"].files["README.md"].decode()
    assert text.count("## From the Hub") == 1
    assert 'model="someone/elsewhere"' in text
    assert REPO not in text


def test_a_classifier_carries_its_base_data_and_metrics(server, tmp_path):
    config = small_config(num_labels=2, id2label={0: "eyes_open", 1: "eyes_closed"})
    GETForSequenceClassification(config).save_pretrained(tmp_path / "classifier")
    GETFeatureExtractor().save_pretrained(tmp_path / "classifier")
    summary = {"base_model": "org/get-eeg", "dataset": "someone/eegmmidb-get", "metrics": {"accuracy": 0.5, "f1": 0.4}}
    (tmp_path / "classifier/training_summary.json").write_text(json.dumps(summary))
    push(tmp_path / "classifier", REPO, provenance=Provenance(metrics={"accuracy": 0.81}, license="apache-2.0"))
    data = card(server).data
    assert (data.base_model, data.datasets, data.license) == ("org/get-eeg", ["someone/eegmmidb-get"], "apache-2.0")
    assert {result.metric_name: result.metric_value for result in data.eval_results} == {"accuracy": 0.81, "f1": 0.4}
    assert {result.task_type for result in data.eval_results} == {"eeg-classification"}
    assert data.pipeline_tag is None
    assert "eyes_open, eyes_closed" in card(server).text
    assert "eeg-classification" in json.loads(pushed(server)["config.json"])["custom_pipelines"]


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("fidelity.json", "[]", "holds a list"),
        ("fidelity.json", '{"rows": {}}', "not what get-hf evaluate writes"),
        ("training_summary.json", "{", "not JSON"),
        ("training_summary.json", '{"metrics": {"accuracy": "high"}}', "accuracy is 'high'"),
        ("README.md", "---\nlicense: [\n---\n", "metadata at the head"),
        (WEIGHTS, "", "cannot be loaded"),
    ],
)
def test_unreadable_files_are_refused_without_the_network(server, folder, file, content, expected):
    (folder / file).write_text(content)
    with pytest.raises(ValueError, match=expected):
        push(folder, REPO)
    assert server.requests == []


def test_a_renamed_weight_never_reaches_the_hub(server, folder):
    weights = load_file(folder / WEIGHTS)
    weights["backbone.norm.scale"] = weights.pop("backbone.norm.weight")
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"model\.safetensors .* is not the file"):
        push(folder, REPO)
    (folder / "checkpoint_files.json").unlink()
    with pytest.raises(ValueError, match=r"lacks weights.*backbone\.norm\.weight.*backbone\.norm\.scale"):
        push(folder, REPO)
    assert server.requests == []


def test_pushing_again_changes_nothing_and_deletes_our_stale_files(server, folder):
    push(folder, REPO)
    push(folder, REPO)
    repository = server.repositories["model", REPO]
    assert len(repository.commits) == 2
    extra = {"old_get.py": Blob(b"x = 1"), "notes.txt": Blob(b"by somebody")}
    repository.commit("as if there had been more", repository.commits[-1][1] | extra)
    push(folder, REPO)
    assert "old_get.py" not in pushed(server)
    assert pushed(server)["notes.txt"] == b"by somebody"


def test_another_kind_of_model_is_not_written_over(server, folder):
    push(folder, REPO)
    repository = server.repositories["model", REPO]
    head = repository.commit("bert", repository.commits[-1][1] | {"config.json": Blob(b'{"model_type": "bert"}')})
    with pytest.raises(ValueError, match="type 'bert', not of GET"):
        push(folder, REPO)
    assert repository.head == head


def test_a_proposal_leaves_main_as_it_is(server, folder):
    address = push(folder, REPO, create_pr=True)
    repository = server.repositories["model", REPO]
    assert address == f"{server.url}/{REPO}/discussions/1"
    assert len(repository.commits) == 1
    assert repository.proposals[0][1][WEIGHTS].content == (folder / WEIGHTS).read_bytes()


def test_private_means_private(server, folder):
    push(folder, REPO, private=True)
    assert server.repositories["model", REPO].private
    server.repositories["model", REPO].private = False
    with pytest.raises(ValueError, match="already and public"):
        push(folder, REPO, private=True)


def test_a_failed_push_continues_with_the_missing_files(server, folder):
    server.failures["POST", "/commit/main"] = 500
    with pytest.raises(OSError, match="Internal Server Error"):
        push(folder, REPO)
    assert list(pushed(server)) == [".gitattributes"]
    del server.failures["POST", "/commit/main"]
    server.requests.clear()
    push(folder, REPO)
    assert [method for method, path in server.requests if method == "PUT"] == []


@pytest.mark.parametrize(
    ("method", "path", "status", "why"),
    [
        ("POST", "/api/repos/create", 401, "log in"),
        ("POST", "/api/repos/create", 403, "may not write"),
        ("POST", "/commit/main", 409, "push again"),
        ("POST", "/commit/main", 412, "push again"),
        ("PUT", "/lfs/", 403, "may not write"),
    ],
)
def test_a_refusal_of_the_hub_is_one_sentence(server, folder, method, path, status, why):
    server.failures[method, path] = status
    with pytest.raises(OSError, match=rf"refused {REPO} \({status}\).*{why}") as error:
        push(folder, REPO)
    assert "\n" not in str(error.value)
    assert all(len(repository.commits) == 1 for repository in server.repositories.values())


def test_a_repository_that_changed_meanwhile_is_not_overwritten(server, folder, monkeypatch):
    push(folder, REPO)
    repository = server.repositories["model", REPO]
    (folder / "training_summary.json").write_text("{}")
    create_commit = huggingface_hub.HfApi.create_commit

    def late(*args, **kwargs):
        repository.commit("meanwhile", repository.commits[-1][1] | {"notes.txt": Blob(b"x")})
        return create_commit(*args, **kwargs)

    monkeypatch.setattr(huggingface_hub.HfApi, "create_commit", late)
    with pytest.raises(OSError, match="changed it meanwhile: push again"):
        push(folder, REPO)
    assert "training_summary.json" not in pushed(server)


@pytest.mark.parametrize("lost", [WEIGHTS, "modeling_get.py"])
def test_an_incomplete_upload_is_reported(server, folder, monkeypatch, lost):
    create_commit = huggingface_hub.HfApi.create_commit

    def lossy(*args, **kwargs):
        commit = create_commit(*args, **kwargs)
        blobs = server.repositories["model", REPO].commits[-1][1]
        blobs[lost] = Blob(blobs[lost].content[:-1] + b"\1", blobs[lost].is_lfs)
        return commit

    monkeypatch.setattr(huggingface_hub.HfApi, "create_commit", lossy)
    with pytest.raises(OSError, match=f"{lost} did not arrive whole"):
        push(folder, REPO)


def test_a_pulled_checkpoint_equals_the_pushed_one(server, folder, tmp_path):
    push(folder, REPO)
    with pytest.warns(UserWarning, match=f"{REPO}@{server.repositories['model', REPO].head} pins this revision"):
        target = pull(REPO, tmp_path / "pulled")
    there = pushed(server)
    del there[".gitattributes"]
    assert {path.name: path.read_bytes() for path in target.iterdir()} == there
    assert not any(path.is_symlink() for path in target.iterdir())
    with pytest.raises(FileExistsError, match="there already"):
        pull(REPO, tmp_path / "pulled")


@pytest.mark.filterwarnings("error::UserWarning:get_hf")
def test_a_revision_is_pulled_and_loaded_by_commit_and_by_tag(server, folder, tmp_path):
    push(folder, REPO)
    first = server.repositories["model", REPO].head
    huggingface_hub.HfApi(endpoint=server.url).create_tag(REPO, tag="v1")
    (folder / "training_summary.json").write_text("{}")
    push(folder, REPO)
    for revision in (first, "v1"):
        assert not (pull(f"{REPO}@{revision}", tmp_path / revision) / "training_summary.json").exists()
    assert (pull(f"{REPO}@main", tmp_path / "main") / "training_summary.json").exists()
    model, _ = load_pretrained(f"{REPO}@v1")
    here, _ = load_pretrained(folder)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), here.parameters(), strict=True))
    with pytest.raises(OSError, match="no such revision"):
        pull(f"{REPO}@v2", tmp_path / "v2")
    with pytest.raises(ValueError, match="give one"):
        load_pretrained(f"{REPO}@v1", revision="main")
    with pytest.raises(ValueError, match="is a folder"):
        load_pretrained(folder, revision="main")


def test_a_download_that_broke_off_goes_on_where_it_ended(server, folder, tmp_path):
    push(folder, REPO)
    server.cuts["/elsewhere/"] = [4000, 1]
    target = pull(f"{REPO}@main", tmp_path / "pulled")
    assert server.cuts["/elsewhere/"][1] == 0
    assert (target / WEIGHTS).read_bytes() == (folder / WEIGHTS).read_bytes()


def test_a_download_that_always_breaks_off_leaves_no_partial_file(server, folder, tmp_path, monkeypatch):
    push(folder, REPO)
    server.cuts["/elsewhere/"] = [4000, 100]
    monkeypatch.setattr("time.sleep", lambda _: None)
    before = set(tmp_path.iterdir()) | {tmp_path / "cache"}
    with pytest.raises(OSError, match=f"cannot be reached .* {REPO} was not pulled: check the network") as error:
        pull(f"{REPO}@main", tmp_path / "pulled")
    assert "\n" not in str(error.value)
    assert set(tmp_path.iterdir()) <= before
    with pytest.raises(OSError, match="was not pulled"):
        load_pretrained(f"{REPO}@main")


def test_a_damaged_checkpoint_on_the_hub_is_not_written(server, folder, tmp_path):
    push(folder, REPO)
    repository = server.repositories["model", REPO]
    weights = repository.commits[-1][1][WEIGHTS]
    repository.commit("cut", repository.commits[-1][1] | {WEIGHTS: Blob(weights.content[:1000], is_lfs=True)})
    with pytest.raises(ValueError, match=f"{REPO}@main cannot be loaded as a checkpoint of GET"):
        pull(f"{REPO}@main", tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()


@pytest.mark.parametrize(("status", "why"), [(401, "log in"), (403, "may not read"), (404, "log in")])
def test_an_unreadable_repository_is_one_sentence(server, tmp_path, status, why):
    server.failures["GET", "/api/models/"] = status
    with pytest.raises(OSError, match=rf"refused {REPO} \({status}\).*{why}") as error:
        pull(f"{REPO}@main", tmp_path / "pulled")
    assert "\n" not in str(error.value)


def test_without_a_network_it_says_so(folder, monkeypatch, tmp_path):
    with Hub() as gone:
        pass
    take_for_the_hub(monkeypatch, gone.url, tmp_path / "cache")
    monkeypatch.setattr("time.sleep", lambda _: None)
    for act in (lambda: push(folder, REPO), lambda: pull(REPO, tmp_path / "pulled")):
        with pytest.raises(OSError, match="cannot be reached") as error:
            act()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["get-mine", "some one/x", "a/b/c", ""])
def test_an_invalid_name_is_refused_without_the_network(server, folder, name):
    for act in (push, lambda _, name: pull(name)):
        with pytest.raises(ValueError, match="OWNER/NAME"):
            act(folder, name)
    assert server.requests == []


def run(program: str, server: Hub, tmp_path: Path, *arguments) -> str:
    environment = os.environ | server.environment | {"HF_HOME": str(tmp_path / "home"), "PYTHONPATH": ""}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


BARE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("get_hf", "mne"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import numpy as np
from transformers import AutoModel, pipeline

repo, revision, out = sys.argv[1:]
pipe = pipeline("eeg-generation", model=repo, revision=revision, trust_remote_code=True)
np.save(out, pipe(ch_names=["C3", "C4"], condition="eyes_closed", seconds=2, seed=5, output="array")[0])
assert type(AutoModel.from_pretrained(repo, revision=revision, trust_remote_code=True)) is type(pipe.model)
assert not {"get_hf", "mne"} & {name.partition(".")[0] for name in sys.modules}
"""


def test_transformers_alone_generates_bit_for_bit_what_the_package_does(server, folder, tmp_path):
    push(folder, REPO)
    run(BARE, server, tmp_path, REPO, server.repositories["model", REPO].head, tmp_path / "there.npy")
    model, extractor = load_pretrained(folder)
    features = extractor(ch_names=["C3", "C4"], condition="eyes_closed")
    generated = model.generate(**features, seconds=2, generator=torch.Generator().manual_seed(5))
    (here,) = extractor.decode(generated, features, "array")
    np.testing.assert_array_equal(np.load(tmp_path / "there.npy"), here)


TRAINER = """
import sys, torch
from transformers import Trainer, TrainingArguments
from get_hf import load_pretrained

model, extractor = load_pretrained(sys.argv[1])
features = extractor(ch_names=["C3", "C4"])
item = {name: value[0] for name, value in features.items()}
item = {name: value.repeat_interleave(3, -1) if name == "input_values" else value for name, value in item.items()}
item["attention_mask"], item["condition_ids"] = torch.ones(3, dtype=torch.long), torch.zeros(3, dtype=torch.long)
item["labels"] = torch.randn(2, 75)
collate = lambda rows: {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
arguments = TrainingArguments(
    "out", max_steps=1, per_device_train_batch_size=2, push_to_hub=True, hub_model_id="someone/trained", use_cpu=True
)
trainer = Trainer(model, arguments, data_collator=collate, train_dataset=[item] * 2, processing_class=extractor)
trainer.train()
trainer.push_to_hub()
"""


def test_the_trainer_pushes_the_same_layout(server, folder, tmp_path):
    run(TRAINER, server, tmp_path, folder)
    push(folder, REPO)
    trained = set(server.repositories["model", "someone/trained"].files)
    assert set(pushed(server)) <= trained
    model, _ = load_pretrained("someone/trained@main")
    assert not torch.equal(model.flow_head.out_proj.bias, load_pretrained(folder)[0].flow_head.out_proj.bias)
