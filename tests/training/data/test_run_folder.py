# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Long work: who may do it, what it goes on from, and that it says when it goes on differently."""

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from get_hf.training.data.run_folder import CHECKSUMS, LOCK, damage, locked
from get_hf.training.pretraining import run as pretraining
from get_hf.training.pretraining.averaging import AveragedWeights
from get_hf.training.pretraining.run import run
from training_runs import losses, weights


def test_a_second_process_is_refused_and_the_lock_ends_with_the_work(tmp_path):
    code = f"""
import sys
from filelock import FileLock
with FileLock({str(tmp_path / LOCK)!r}):
    print("locked", flush=True)
    sys.stdin.read()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(
            OSError, match=r"Another process is training in it already: wait for its end, or choose another"
        ):
            locked(tmp_path, "training in it").__enter__()
        other.kill()
    assert (tmp_path / LOCK).exists()  # nobody was there to remove it
    with locked(tmp_path, "training"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_locked_run_is_not_trained_twice(recipe, tmp_path):
    with locked(tmp_path, "training"), pytest.raises(OSError, match="Another process is training"):
        run(recipe, output_dir=str(tmp_path))


def test_an_output_dir_that_is_a_file_is_refused(recipe):
    with pytest.raises(NotADirectoryError, match="is a file"):
        run(recipe, output_dir=str(recipe))


def test_a_run_does_not_begin_among_the_checkpoints_of_another(recipe, finished):
    with pytest.raises(ValueError, match="holds checkpoint-8 of another run: go on from it with resume_from_check"):
        run(recipe, output_dir=str(finished))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def empty(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("harm", [flip, cut, empty, Path.unlink])
@pytest.mark.parametrize(
    "name",
    ["model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "averaged/model.safetensors", CHECKSUMS],
)
def test_damage_to_any_file_of_a_checkpoint_is_seen(finished, tmp_path, harm, name):
    checkpoint = shutil.copytree(finished / "checkpoint-6", tmp_path / "checkpoint-6")
    assert damage(checkpoint) is None
    harm(checkpoint / name)
    if name == CHECKSUMS:
        assert (damage(checkpoint) is None) is (harm is Path.unlink)  # as an older version wrote it
    else:
        assert name in damage(checkpoint)


def test_training_goes_on_from_the_checkpoint_before_a_damaged_one(recipe, finished, tmp_path):
    for name in ("checkpoint-3", "checkpoint-6"):
        shutil.copytree(finished / name, tmp_path / name)
    flip(tmp_path / "checkpoint-6" / "optimizer.pt")
    with pytest.warns(UserWarning, match=r"checkpoint-6 is skipped: optimizer.pt is not as it was written\."):
        resumed = run(recipe, output_dir=str(tmp_path), resume_from_checkpoint=True)
    assert losses(resumed) == losses(finished)
    assert all(torch.equal(w, weights(finished)[name]) for name, w in weights(resumed).items())


def test_a_damaged_checkpoint_that_was_asked_for_is_refused(recipe, finished, tmp_path):
    checkpoint = shutil.copytree(finished / "checkpoint-6", tmp_path / "checkpoint-6")
    cut(checkpoint / "rng_state.pth")
    with pytest.raises(ValueError, match=r"not a complete checkpoint, rng_state.pth is not as it was written\."):
        run(recipe, output_dir=str(tmp_path / "out"), resume_from_checkpoint=str(checkpoint))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"learning_rate": 5e-4}, "learning_rate was 0.003 and is 0.0005"),
        ({"weight_decay": 0.1}, "weight_decay was not given and is 0.1"),
        ({"logging_steps": 2, "dataloader_num_workers": 0, "model.attn_implementation": "sdpa"}, None),
    ],
)
def test_changed_settings_are_reported(recipe, finished, tmp_path, change, told):
    shutil.copytree(finished / "checkpoint-6", tmp_path / "checkpoint-6")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(recipe, output_dir=str(tmp_path), resume_from_checkpoint=True, **change)
    notes = [str(w.message) for w in caught if "another recipe" in str(w.message)]
    assert len(notes) == (told is not None)
    assert told is None or f"({told}), and training continues with this one." in notes[0]


@pytest.mark.parametrize("change", [{"model.hidden_size": 32}, {"muon": True}])
def test_settings_that_a_checkpoint_cannot_go_on_with_are_refused(recipe, finished, tmp_path, change):
    shutil.copytree(finished / "checkpoint-6", tmp_path / "checkpoint-6")
    with pytest.raises(
        ValueError, match=r"was trained with another recipe .* continue with that recipe, or choose another"
    ):
        run(recipe, output_dir=str(tmp_path), resume_from_checkpoint=True, **change)


def test_a_run_that_diverges_is_an_error_and_leaves_whole_checkpoints(recipe, tmp_path, monkeypatch):
    class Diverging(AveragedWeights):
        def on_step_end(self, args, state, control, **kwargs):
            super().on_step_end(args, state, control, **kwargs)
            if state.global_step == 4:
                next(iter(self.model.parameters())).data.fill_(float("nan"))

    monkeypatch.setattr(pretraining, "AveragedWeights", Diverging)
    with pytest.raises(
        FloatingPointError, match=r"diverged, its loss is nan after 4 steps: lower learning_rate \(0"
    ) as error:
        run(recipe, output_dir=str(tmp_path))
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-3"]
    assert damage(tmp_path / "checkpoint-3") is None


def test_weights_that_diverge_in_the_last_step_are_not_saved(recipe, tmp_path, monkeypatch):
    class Diverging(AveragedWeights):
        def on_step_end(self, args, state, control, **kwargs):
            next(iter(self.model.parameters())).data.fill_(float("inf"))
            super().on_step_end(args, state, control, **kwargs)

    monkeypatch.setattr(pretraining, "AveragedWeights", Diverging)
    with pytest.raises(FloatingPointError, match=r"1 parameters such as .* are not finite"):
        run(recipe, output_dir=str(tmp_path), max_steps=1, eval_strategy="no", save_strategy="no")
    assert not (tmp_path / "model.safetensors").exists()


def test_an_interrupted_run_says_what_it_kept(finished, tmp_path):
    assert "no checkpoint was written to" in pretraining.kept(tmp_path)
    assert pretraining.kept(finished).startswith(f"{finished / 'checkpoint-8'} is kept: the same command with resume")
    assert json.loads((finished / "checkpoint-8" / CHECKSUMS).read_text()).keys() >= {"model.safetensors"}
