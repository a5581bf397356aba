# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import contextlib
import math

import pytest
import torch

from gaussian_head import GaussianHead
from get_hf.modeling.amplitude_get import error_weights
from get_hf.modeling.modeling_get import IGNORE
from tiny import PATCH, tiny_config, tiny_inputs, tiny_model

NOISE = tiny_config().noise_size
CLOSE = {"atol": 1e-5, "rtol": 1e-4}


def states(model, **inputs) -> torch.Tensor:
    with torch.no_grad():
        return model(**inputs).last_hidden_state


def changed_at(inputs: dict, patch: int) -> dict:
    """The same inputs with another patch `patch`."""
    values = inputs["input_values"].clone()
    values[..., patch * PATCH : (patch + 1) * PATCH] += 1
    return inputs | {"input_values": values}


def learning(n_batch: int = 3, **sizes) -> dict[str, torch.Tensor]:
    """Inputs with labels and all that makes the loss a function of them."""
    inputs = tiny_inputs(n_batch=n_batch, **sizes)
    generator = torch.Generator().manual_seed(5)
    values = inputs["input_values"]
    return inputs | {
        "labels": values.clone(),
        "noise": torch.randn(*values.shape[:2], values.shape[-1] // PATCH * NOISE, generator=generator),
        "flow_time": torch.rand(n_batch, values.shape[-1] // PATCH, generator=generator),
    }


class TestTokens:
    def test_a_state_for_every_channel_and_patch(self, model):
        output = model(**tiny_inputs(n_batch=2, n_chans=3, n_patches=6))
        assert output.last_hidden_state.shape == (2, 3, 6, model.config.hidden_size)
        assert output.loss is None

    @pytest.mark.parametrize("n_chans", [1, 8, 20, 64])
    def test_any_number_of_channels(self, model, n_chans):
        assert states(model, **tiny_inputs(n_chans=n_chans)).isfinite().all()

    def test_permuting_channels_permutes_the_states(self, model):
        inputs, order = tiny_inputs(n_chans=6), torch.tensor([3, 0, 5, 1, 4, 2])
        permuted = {name: value if name == "condition_ids" else value[:, order] for name, value in inputs.items()}
        torch.testing.assert_close(states(model, **permuted), states(model, **inputs)[:, order], **CLOSE)

    def test_a_channel_is_known_by_its_position_alone(self, model):
        inputs = tiny_inputs()
        inputs["channel_positions"][:, 1] = inputs["channel_positions"][:, 0]
        inputs["calibration"][:, 1] = inputs["calibration"][:, 0]
        inputs["input_values"][:, 1] = inputs["input_values"][:, 0]
        first, second, _ = states(model, **inputs).unbind(1)
        torch.testing.assert_close(first, second, **CLOSE)

    def test_channels_that_are_masked_change_nothing(self, model):
        inputs = tiny_inputs(n_chans=5)
        inputs["input_values"][:, 3:] *= 100
        mask = torch.tensor([[1, 1, 1, 0, 0]] * 2)
        three = {name: value if name == "condition_ids" else value[:, :3] for name, value in inputs.items()}
        torch.testing.assert_close(states(model, **inputs, channel_mask=mask)[:, :3], states(model, **three), **CLOSE)

    def test_patches_of_padding_on_the_left_change_nothing(self, model):
        inputs = tiny_inputs(n_patches=6)
        padded = inputs | {
            "input_values": torch.nn.functional.pad(inputs["input_values"], (3 * PATCH, 0), value=9.0),
            "condition_ids": torch.nn.functional.pad(inputs["condition_ids"], (3, 0)),
            "attention_mask": torch.tensor([[0] * 3 + [1] * 6] * 2),
        }
        torch.testing.assert_close(states(model, **padded)[:, :, 3:], states(model, **inputs), **CLOSE)

    @pytest.mark.parametrize("name", ["channel_positions", "calibration", "condition_ids"])
    def test_every_input_beside_the_samples_changes_the_output(self, model, name):
        inputs = tiny_inputs()
        other = inputs | {name: inputs[name].roll(1, 0)}
        assert not torch.allclose(states(model, **inputs), states(model, **other), atol=1e-3)

    def test_no_condition_is_the_unknown_one(self, model):
        inputs = tiny_inputs()
        conditions = inputs.pop("condition_ids")
        unknown = states(model, **inputs, condition_ids=torch.zeros_like(conditions))
        torch.testing.assert_close(states(model, **inputs), unknown)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"input_values": torch.zeros(2, 3, 11)}, rf"whole patches of {PATCH} samples, not \(2, 3, 11\)"),
            ({"input_values": torch.zeros(2, 30)}, r"\(batch, channels, times\).*not \(2, 30\)"),
            ({"channel_positions": torch.zeros(2, 4, 6)}, r"positions \(2, 4, 6\).*2 recordings of 3 channels"),
            ({"channel_positions": torch.zeros(2, 3, 3)}, r"channel_positions \(2, 3, 3\).*\(batch, channels, 6\)"),
        ],
    )
    def test_shapes_that_do_not_fit_are_refused_with_both_sides_named(self, model, changes, message):
        with pytest.raises(ValueError, match=message):
            model(**tiny_inputs() | changes)

    def test_the_embedding_of_samples_can_be_exchanged(self):
        model, embedding = tiny_model(), torch.nn.Linear(PATCH, 32)
        assert model.get_input_embeddings() is model.backbone.patch_embedding
        model.set_input_embeddings(embedding)
        assert model.backbone.patch_embedding is embedding


class TestTime:
    def test_a_patch_changes_nothing_before_it(self, model):
        inputs = tiny_inputs(n_patches=8)
        before, after = states(model, **inputs), states(model, **changed_at(inputs, 5))
        torch.testing.assert_close(after[:, :, :5], before[:, :, :5])
        assert not torch.allclose(after[:, :, 5], before[:, :, 5])

    def test_samples_beyond_the_windows_of_all_layers_do_not_matter(self, model):
        window, layers = model.config.sliding_window, model.config.num_hidden_layers
        reach = layers * (window - 1)  # patches back
        inputs = tiny_inputs(n_patches=reach + 3)
        last, patch = states(model, **inputs)[:, :, -1], reach + 2
        torch.testing.assert_close(states(model, **changed_at(inputs, patch - reach - 1))[:, :, -1], last)
        assert not torch.equal(states(model, **changed_at(inputs, patch - reach))[:, :, -1], last)

    def test_attention_weights_are_zero_outside_of_the_window(self):
        model = tiny_model()
        model.set_attn_implementation("eager")
        attentions = model(**tiny_inputs(n_batch=1, n_chans=2, n_patches=8), output_attentions=True).attentions
        back = torch.arange(8)[:, None] - torch.arange(8)
        seen = (back >= 0) & (back < model.config.sliding_window)
        assert len(attentions) == model.config.num_hidden_layers
        for weights in attentions:
            assert weights.shape == (2, model.config.num_attention_heads, 8, 8)
            assert (weights[:, :, ~seen] == 0).all()
            assert (weights[:, :, seen] > 0).all()

    def test_a_cache_continues_where_the_past_ended(self, model):
        inputs = tiny_inputs(n_patches=9)
        whole = states(model, **inputs)
        cache, parts = None, []
        for first, last in [(0, 4), (4, 5), (5, 9)]:
            part = inputs | {
                "input_values": inputs["input_values"][..., first * PATCH : last * PATCH],
                "condition_ids": inputs["condition_ids"][:, first:last],
            }
            with torch.no_grad():
                output = model(**part, past_key_values=cache, use_cache=True)
            cache = output.past_key_values
            parts.append(output.last_hidden_state)
        torch.testing.assert_close(torch.cat(parts, dim=2), whole, **CLOSE)

    def test_no_cache_comes_back_unless_asked_for(self, model):
        assert model(**tiny_inputs(), use_cache=False).past_key_values is None
        assert model(**tiny_inputs(), use_cache=True).past_key_values.get_seq_length() == 6


class TestAttention:
    @pytest.mark.filterwarnings("ignore:_compile flag", "ignore:flex_attention called without", "ignore:.torch.jit")
    @pytest.mark.parametrize("masked", [False, True])
    @pytest.mark.parametrize("implementation", ["sdpa", "flex_attention"])
    def test_all_implementations_agree(self, implementation, masked):
        inputs = learning(n_batch=2)
        there = torch.ones(2, 3, 6, dtype=torch.bool)
        if masked:
            inputs["attention_mask"] = torch.tensor([[1] * 6, [0, 0, 1, 1, 1, 1]])
            inputs["channel_mask"] = torch.tensor([[1, 1, 1], [1, 0, 1]])
            there = inputs["attention_mask"][:, None].bool() & inputs["channel_mask"][:, :, None].bool()
        outputs = []
        for name in ("eager", implementation):
            model = tiny_model()
            model.set_attn_implementation(name)
            # compiling flexible attention for a CPU takes a minute; what it computes is the same without
            with torch.no_grad(), torch.compiler.set_stance("force_eager"):
                outputs.append(model(**inputs))
        torch.testing.assert_close(outputs[1].last_hidden_state[there], outputs[0].last_hidden_state[there], **CLOSE)
        torch.testing.assert_close(outputs[1].loss, outputs[0].loss, **CLOSE)

    @pytest.mark.parametrize("how", ["weights", "autocast"])
    def test_half_precision_is_finite_and_near(self, how):
        inputs = learning(n_batch=2)
        full = tiny_model()
        half = tiny_model().to(torch.bfloat16) if how == "weights" else tiny_model()
        context = torch.autocast("cpu", torch.bfloat16) if how == "autocast" else contextlib.nullcontext()
        with torch.no_grad(), context:
            output = half(**inputs)
        assert output.loss.isfinite()
        assert output.loss.item() == pytest.approx(full(**inputs).loss.item(), rel=0.05)
        assert output.last_hidden_state.dtype == (torch.bfloat16 if how == "weights" else torch.float32)
        torch.testing.assert_close(
            output.last_hidden_state.float(), full(**inputs).last_hidden_state, atol=0.25, rtol=0.1
        )

    def test_gradient_checkpointing_changes_no_gradient(self):
        inputs, gradients = learning(), []
        for checkpointing in (False, True):
            model = tiny_model().train()
            if checkpointing:
                model.activation_checkpointing_enable()
            model(**inputs).loss.backward()
            gradients.append({name: parameter.grad for name, parameter in model.named_parameters()})
        torch.testing.assert_close(gradients[1], gradients[0])
        assert all(gradient.abs().sum() > 0 for gradient in gradients[0].values())


class TestLoss:
    def test_it_is_one_for_white_noise_before_training(self, untrained):
        inputs = tiny_inputs(n_batch=50, n_chans=4, n_patches=20)
        loss = untrained(**inputs, labels=inputs["input_values"]).loss
        assert loss.item() == pytest.approx(1, abs=0.03)

    def test_a_burst_weighs_as_much_as_its_energy(self, untrained):
        # were it less, bursts would be generated more rarely than they are
        inputs = learning(n_patches=6)
        del inputs["noise"]
        time = torch.zeros_like(inputs["flow_time"])  # where the velocity is the data
        quiet = untrained(**inputs | {"flow_time": time}).loss
        burst = inputs["labels"].clone()
        burst[..., -PATCH:] *= 10
        added = (burst**2 - inputs["labels"] ** 2)[..., PATCH:].unflatten(-1, (-1, PATCH))
        added = (added * error_weights(PATCH, 0)).mean()
        loss = untrained(**inputs | {"flow_time": time, "labels": burst}).loss
        torch.testing.assert_close(loss - quiet, added)

    @pytest.mark.parametrize("time", [0.1, 0.5, 0.9])
    def test_it_is_the_unexplained_part_of_the_velocity(self, time):
        mean, std = 0.8, 0.5
        model = tiny_model(flow_bands=[])
        model.flow_head = GaussianHead(model.config, mean, std)
        inputs = tiny_inputs(n_batch=100, n_chans=4, n_patches=20)
        inputs["input_values"] = mean + std * inputs["input_values"]
        loss = model(**inputs, labels=inputs["input_values"], flow_time=torch.full((100, 20), time)).loss
        cos, sin = math.cos(time * math.pi / 2), math.sin(time * math.pi / 2)
        explained = (sin * cos * (std**2 - 1)) ** 2 / (cos**2 + (sin * std) ** 2)
        unexplained = (cos * std) ** 2 + sin**2 - explained
        assert loss.item() == pytest.approx(unexplained, rel=0.03)

    def test_it_is_a_function_of_its_inputs_once_noise_and_time_are_given(self, model):
        inputs = learning()
        assert model(**inputs).loss == model(**inputs).loss
        del inputs["noise"], inputs["flow_time"]
        assert model(**inputs).loss != model(**inputs).loss

    def test_that_of_a_batch_is_the_mean_of_those_of_its_recordings(self, model):
        inputs = learning(n_batch=3)
        inputs["labels"][1, :, 2 * PATCH :] = IGNORE  # recordings of other lengths count alike
        inputs["channel_mask"] = torch.tensor([[1, 1, 1], [1, 1, 0], [1, 0, 0]])
        inputs["input_values"][2] *= 10  # and loud ones too
        singles = [model(**{name: value[i : i + 1] for name, value in inputs.items()}).loss for i in range(3)]
        torch.testing.assert_close(model(**inputs).loss, sum(singles) / 3)

    def test_a_recording_without_labels_does_not_count(self, model):
        inputs = learning(n_batch=2)
        inputs["labels"][1] = IGNORE
        torch.testing.assert_close(
            model(**inputs).loss, model(**{name: value[:1] for name, value in inputs.items()}).loss
        )

    def test_position_i_learns_patch_i_plus_one(self, model):
        inputs = learning(n_patches=6)
        loss = model(**inputs).loss
        first = inputs["labels"].clone()
        first[..., :PATCH] = IGNORE  # nothing predicts the first patch
        assert model(**inputs | {"labels": first}).loss == loss
        last = inputs["labels"].clone()
        last[..., -PATCH:] += 1
        assert model(**inputs | {"labels": last}).loss != loss
        # the last patch is learnt from those before it: it does not know itself
        blind = changed_at(inputs, 5) | {"labels": inputs["labels"]}
        torch.testing.assert_close(model(**blind).loss, loss)

    def test_patches_that_are_ignored_do_not_count(self, model):
        inputs = learning(n_patches=6)
        labels = inputs["labels"].clone()
        labels[..., 3 * PATCH :] = IGNORE
        short = {
            name: value[..., : 3 * PATCH] if name in ("input_values", "labels") else value
            for name, value in inputs.items()
        } | {
            "noise": inputs["noise"][..., : 3 * NOISE],
            "condition_ids": inputs["condition_ids"][:, :3],
            "flow_time": inputs["flow_time"][:, :3],
        }
        torch.testing.assert_close(model(**inputs | {"labels": labels}).loss, model(**short).loss)

    def test_neither_padding_nor_the_patch_that_follows_it_counts(self, model):
        # nothing precedes the first patch of a recording, padded or not
        inputs = learning(n_patches=6)
        pads = {"input_values": 2 * PATCH, "labels": 2 * PATCH, "noise": 2 * NOISE, "condition_ids": 2, "flow_time": 2}
        padded = {
            name: torch.nn.functional.pad(value, (pads[name], 0), value=3) if name in pads else value
            for name, value in inputs.items()
        } | {"attention_mask": torch.tensor([[0, 0] + [1] * 6] * 3)}
        torch.testing.assert_close(model(**padded).loss, model(**inputs).loss)

    def test_masked_channels_do_not_count(self, model):
        inputs = learning(n_chans=4)
        three = {
            name: value if name in ("condition_ids", "flow_time") else value[:, :3] for name, value in inputs.items()
        }
        inputs["labels"][:, 3] = 1e3
        mask = torch.tensor([[1, 1, 1, 0]] * 3)
        torch.testing.assert_close(model(**inputs, channel_mask=mask).loss, model(**three).loss)

    def test_without_targets_the_loss_is_zero_and_has_no_gradient(self):
        model, inputs = tiny_model(), learning()
        inputs["labels"][:] = IGNORE
        loss = model(**inputs).loss
        loss.backward()
        assert loss.item() == 0
        assert all(p.grad is None or p.grad.abs().max() == 0 for p in model.parameters())

    def test_training_lowers_it(self):
        torch.manual_seed(0)
        model, inputs = tiny_model().train(), learning(n_patches=4)
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        losses = []
        for _ in range(30):
            loss = model(**inputs).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.7 * losses[0]

    def test_trainer_divides_it_under_gradient_accumulation(self, model):
        assert model.accepts_loss_kwargs is False
