# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import json
import shutil
import signal
from importlib.resources import files
from pathlib import Path

import pytest
import torch
import yaml

from get_hf.modeling.modeling_get import GETModel
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.training.pretraining import run as pretraining
from get_hf.training.pretraining.averaging import AveragedWeights
from get_hf.training.pretraining.recipe import read_recipe
from get_hf.training.pretraining.run import run
from training_runs import RECIPE, launch, losses, weights


def test_the_result_loads_and_tells_how_it_came_about(finished, data_dir):
    model = GETModel.from_pretrained(finished)
    extractor = GETFeatureExtractor.from_pretrained(finished)
    assert len(extractor.population.autocorrelation) > len(GETFeatureExtractor().population.autocorrelation)
    generated = model.generate(**extractor(ch_names=["O1", "O2"], condition="eyes_closed"), max_new_tokens=2)
    assert generated.shape == (1, 2, 3 * 25)
    # runs 1, 2 and 4 of everybody and run 6 of one person; tongue and seizure are in no run
    heard = ["rest", "eyes_open", "eyes_closed", "left_fist", "right_fist", "both_fists", "feet"]
    assert model.config.heard_conditions == extractor.heard_conditions == heard

    summary = json.loads((finished / "training_summary.json").read_text())
    assert summary["steps"] == 8
    assert summary["crops"] == 32
    assert summary["seconds_of_eeg"] == 96.0
    assert summary["wall_seconds"] > 0
    assert summary["seed"] == summary["data_seed"] == 7
    assert summary["training_subjects"] == 3
    assert [entry[:2] for entry in summary["left_out"]] == [["S003", "R01"], ["S003", "R02"]]
    assert summary["versions"]["torch"] == torch.__version__
    assert summary["recipe"]["model"] == RECIPE["model"]
    options = GETModel.from_pretrained(finished).generation_config
    assert (options.num_flow_steps, options.burst_correlation, options.modulation_depth) == (2, 0.1, 0.0)
    for speed in ("tokens_per_second", "eeg_hours_per_second"):
        assert len(losses(finished, speed)) == 8
        assert min(losses(finished, speed)) > 0
    assert all(0 <= share < 1 for share in losses(finished, "loading_share"))
    # where the data lay is nobody's business
    assert str(data_dir) not in json.dumps(summary)


def test_training_lowers_the_loss_of_unseen_subjects(recipe, tmp_path):
    out = run(
        recipe,
        output_dir=str(tmp_path),
        max_steps=120,
        eval_on_start=True,
        eval_steps=120,
        save_strategy="no",
        learning_rate=1e-2,
    )
    before, after = losses(out, "eval_loss")
    # 1 is what white noise costs
    assert before == pytest.approx(1.0, abs=0.1)
    assert after < before - 0.005


def test_a_run_can_be_repeated(recipe, finished, tmp_path):
    again = run(recipe, output_dir=str(tmp_path), dataloader_num_workers=1)
    assert losses(again) == losses(finished)
    assert losses(again, "eval_loss") == losses(finished, "eval_loss")


def test_a_finished_run_is_not_trained_again(recipe, finished, tmp_path):
    out = shutil.copytree(finished, tmp_path / "out")
    run(recipe, output_dir=str(out), resume_from_checkpoint=True, logging_steps=100)
    assert all(torch.equal(w, weights(finished)[name]) for name, w in weights(out).items())


def test_the_end_is_evaluated_whatever_the_steps(recipe, tmp_path):
    out = run(recipe, output_dir=str(tmp_path), max_steps=2, eval_steps=100, logging_steps=100, save_strategy="no")
    assert len(losses(out, "eval_loss")) == 1


def test_a_checkpoint_holds_the_averaged_model_with_all_it_needs(finished):
    folder = finished / "checkpoint-6" / "averaged"
    GETFeatureExtractor.from_pretrained(folder)
    average = GETModel.from_pretrained(folder).state_dict()
    trained = weights(folder.parent)
    assert average.keys() == trained.keys()
    assert any(not torch.equal(average[name], trained[name]) for name in trained)
    assert json.loads((folder / "training_summary.json").read_text())["steps"] == 6


def test_the_result_is_the_average_and_evaluation_judges_it(finished, recipe):
    last = finished / "checkpoint-8"
    assert all(torch.equal(w, weights(finished)[name]) for name, w in weights(last / "averaged").items())
    parts = read_recipe(recipe)
    sources = pretraining._sources(parts)
    extractor = GETFeatureExtractor.from_pretrained(finished)
    crops = pretraining._validation_crops(parts, sources, extractor)
    model = GETModel.from_pretrained(finished).eval()
    with torch.no_grad():
        loss = model(**pretraining.collate_crops([crops[i] for i in range(8)])).loss
    assert losses(finished, "eval_loss")[-1] == pytest.approx(loss.item(), abs=1e-6)


def test_averaged_weights_follow_their_equation():
    class Parameter(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.zeros(2))

    model = Parameter()
    averaged = AveragedWeights(model, decay=0.5)
    averaged.on_train_begin(None, None, None)
    expected = 0.0
    for step in (1, 2, 30):
        with torch.no_grad():
            model.w.fill_(float(step))
        state = type("State", (), {"global_step": step})
        averaged.on_step_end(None, state, None)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    with averaged.in_place():
        torch.testing.assert_close(model.w.detach(), torch.full((2,), expected))
    assert model.w.tolist() == [30.0, 30.0]


def test_an_incomplete_checkpoint_is_passed_over_and_resuming_gives_the_identical_run(recipe, finished, tmp_path):
    shutil.copytree(finished / "checkpoint-3", tmp_path / "checkpoint-3")
    shutil.copytree(finished / "checkpoint-6", tmp_path / "checkpoint-6")
    (tmp_path / "checkpoint-6" / "trainer_state.json").unlink()  # killed while it was written
    resumed = run(recipe, output_dir=str(tmp_path), resume_from_checkpoint=True)
    assert losses(resumed) == losses(finished)
    assert losses(resumed, "eval_loss") == losses(finished, "eval_loss")
    expected = weights(finished)
    assert all(torch.equal(w, expected[name]) for name, w in weights(resumed).items())
    seconds = [json.loads((f / "training_summary.json").read_text())["wall_seconds"] for f in (finished, resumed)]
    before = json.loads((finished / "checkpoint-3/averaged/training_summary.json").read_text())["wall_seconds"]
    assert seconds[1] > before


def test_killed_at_any_step_and_resumed_the_losses_are_identical(recipe, finished, tmp_path):
    code = f"""
import os, signal
from get_hf.training.pretraining import run as pretraining
class Killer(pretraining.AveragedWeights):
    def on_step_end(self, args, state, control, **kwargs):
        super().on_step_end(args, state, control, **kwargs)
        if state.global_step == 5:
            os.kill(os.getpid(), signal.SIGKILL)
pretraining.AveragedWeights = Killer
pretraining.run({str(recipe)!r}, output_dir={str(tmp_path / "out")!r})
"""
    killed = launch(tmp_path, code)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "out" / "model.safetensors").exists()
    resumed = run(recipe, output_dir=str(tmp_path / "out"), resume_from_checkpoint="true")
    assert losses(resumed) == losses(finished)
    assert all(torch.equal(w, weights(finished)[name]) for name, w in weights(resumed).items())


def test_two_processes_have_the_losses_of_one(recipe, finished, tmp_path):
    out = tmp_path / "out"
    code = f"""
import gc
import torch
from get_hf.training.pretraining.run import run
end = torch.distributed.destroy_process_group
def destroy_process_group(*args):
    wrapped = torch.nn.parallel.DistributedDataParallel
    assert not any(type(each) is wrapped for each in gc.get_objects()), "a wrapper outlives its process group"
    end(*args)
torch.distributed.destroy_process_group = destroy_process_group
run({str(recipe)!r}, output_dir={str(out)!r}, per_device_train_batch_size=2)
assert not torch.distributed.is_initialized()
"""
    done = launch(tmp_path, code, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads((out / "training_summary.json").read_text())["world_size"] == 2
    assert losses(out) == pytest.approx(losses(finished), abs=1e-5)
    assert losses(out, "eval_loss") == pytest.approx(losses(finished, "eval_loss"), abs=1e-5)


def test_accumulated_gradients_are_those_of_the_whole_batch(recipe, finished, tmp_path):
    halves = run(recipe, output_dir=str(tmp_path), per_device_train_batch_size=2, gradient_accumulation_steps=2)
    assert losses(halves) == pytest.approx(losses(finished), abs=1e-4)


def test_evaluation_without_validation_subjects_is_refused(recipe, data_dir, tmp_path):
    corpus = f"files:{data_dir}/eegmmidb/S001/*.edf"
    with pytest.raises(ValueError, match="no recording of a validation subject: set eval_strategy to 'no'"):
        run(recipe, corpus=corpus, output_dir=str(tmp_path))


def test_a_missing_corpus_is_one_sentence(recipe, tmp_path):
    with pytest.raises(ValueError, match="eegmmidb is not in"):
        run(recipe, data_dir=str(tmp_path), output_dir=str(tmp_path / "out"))


def test_an_incomplete_checkpoint_is_refused(recipe, tmp_path):
    with pytest.raises(ValueError, match="is not a complete checkpoint"):
        run(recipe, resume_from_checkpoint=str(tmp_path), output_dir=str(tmp_path / "out"))


@pytest.mark.parametrize(
    "path", sorted(Path(str(files("get_hf.training"))).glob("recipes/pretrain_*.yaml")), ids=lambda p: p.stem
)
def test_shipped_recipes_are_read_and_name_no_folder_of_a_machine(path):
    recipe = read_recipe(path)
    assert recipe.data.data_dir is None
    assert recipe.data.cache_dir is None
    assert not Path(recipe.training.output_dir).is_absolute()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rat": 1e-3}, "unknown key 'learning_rat': learning_rate"),
        ({"max_steps": "many"}, "max_steps must be int, not 'many'"),
        ({"max_steps": 2.5}, "max_steps must be int"),
        ({"learning_rate": [1]}, "learning_rate must be float"),
        ({"bf16": "perhaps"}, "bf16 must be bool"),
        ({"model": "large"}, "model must be dict"),
        ({"condition_weights": {"sleep": 2.0}}, "'sleep'; the conditions are"),
        ({"model": {"hidden_sice": 64}}, "hidden_sice"),
        ({"model": {"hidden_size": "wide"}}, "hidden_size"),
        ({"model": {"heard_conditions": ["rest"]}}, "heard_conditions is read from the corpora"),
        ({"max_steps": 0}, "max_steps must be given"),
        ({"fsdp": "full_shard"}, "fsdp must be bool, not 'full_shard'"),
        ({"fsdp": True}, "start several with torchrun, or leave fsdp out"),
        ({"fsdp": True, "muon": True}, "muon needs whole matrices"),
        ({"average_decay": 1.0}, "average_decay"),
        ({"generation": {"top_k": 5}}, "generation has unknown options, top_k: it knows burst_correlation,"),
        ({"generation": {"num_flow_steps": 0}}, "num_flow_steps must be a whole number from 1 up, not 0"),
        ({"train_sampling_strategy": "random"}, "crops are random already"),
        ({"corpus": 3}, "corpus must be str or dict, not 3"),
        ({"corpus": {}}, "at least one corpus"),
        ({"corpus": {"eegmmidb": 0}}, "the weight of corpus 'eegmmidb' must be a positive number, not 0"),
        ({"corpus": {"eegmmidb": "much"}}, "must be a positive number, not 'much'"),
        ({"condition_weights": {"rest": "much"}}, "condition_weights must be dict.*, not {'rest': 'much'}"),
        ({"eval_strategy": False}, "eval_strategy must be IntervalStrategy or str, not False"),
        ({"corpus": {7: 1}}, "by text, not by 7"),
        ({"shuffled_segments": 0}, "shuffled_segments must be at least 1"),
        ({"equal_people": True, "streaming": True}, "equal_people needs all segments of a person at once"),
        ({"gain": 0.5}, "gain must be a number from 1 on"),
        ({"crops_per_segment": 0}, "crops_per_segment must be at least 1"),
        ({"crop_seconds": 0.25}, "at least two patches"),
        ({"model": {"sampling_rate": 200.0}}, "sampling_rate is 200 Hz, .* samples at 100 Hz"),
        ({"model": {"patch_size": 10, "flow_bands": []}}, "patch_size is 10, .* first 15 coefficients"),
        ({"model": {"patch_size": 32, "flow_bands": []}}, "num_calibration_features is 27, .* gives 34"),
        (
            {"model": {"conditions": ["none", "eyes_closed", "rest"]}},
            "conditions must begin with none, rest, eyes_open",
        ),
    ],
)
def test_a_bad_recipe_costs_one_sentence(recipe, tmp_path, change, message):
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(recipe.read_text()) | change))
    with pytest.raises(ValueError, match=message) as error:
        read_recipe(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"), [("a: [1", "is not YAML"), ("- 1", "keys and values"), (None, "no recipe")]
)
def test_an_invalid_recipe_is_refused(tmp_path, text, message):
    path = tmp_path / "recipe.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        read_recipe(path)
    assert "\n" not in str(error.value)


def test_overrides_are_read_as_from_a_command_line(recipe):
    changes = {
        "max_steps": "12",
        "learning_rate": "1e-4",
        "bf16": "true",
        "model.hidden_size": "32",
        "data_dir": "12",
        "condition_weights": "{eyes_closed: 2}",
        "corpus": "{eegmmidb: 3, 'files:/data/*.edf': 1.5}",
        "streaming": "true",
    }
    read = read_recipe(recipe, changes)
    assert read.data.weights == {"eegmmidb": 3, "files:/data/*.edf": 1.5}
    assert read.data.streaming is True
    assert read_recipe(recipe, {"corpus": "files:/{a,b}/*.edf"}).data.weights == {"files:/{a,b}/*.edf": 1.0}
    assert read.training.max_steps == 12
    assert read.training.learning_rate == 1e-4
    assert read.training.bf16 is True
    assert read.config.hidden_size == 32
    assert read.config.num_hidden_layers == 1
    assert read.data.data_dir == "12"
    assert read.crops.condition_weights == {"eyes_closed": 2}


def test_data_is_found_by_environment_variable(recipe, data_dir, monkeypatch):
    monkeypatch.setenv("GET_HF_DATA", str(data_dir))
    read = read_recipe(recipe)
    read.data.data_dir = None
    (source,) = pretraining._sources(read)
    assert source.subjects["validation"] == ["S080"]
