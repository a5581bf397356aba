# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from transformers.cache_utils import DynamicCache

from gaussian_head import GaussianHead, gaussian_nats
from get_hf import GETModel
from get_hf.modeling import score_get
from tiny import PATCH, tiny_inputs, tiny_model


@pytest.fixture(scope="module")
def gaussian() -> GETModel:
    """A model whose flow is exactly that of N(0.5, 0.6^2), whatever the past."""
    model = tiny_model(flow_bands=[])
    model.flow_head = GaussianHead(model.config, 0.5, 0.6)
    return model


def in_patches(values: torch.Tensor) -> torch.Tensor:
    return values.unflatten(-1, (-1, PATCH))


def samples_of_the_gaussian(n_batch: int = 8, n_patches: int = 9) -> dict[str, torch.Tensor]:
    inputs = tiny_inputs(n_batch=n_batch, n_patches=n_patches)
    return inputs | {"input_values": 0.5 + 0.6 * inputs["input_values"]}


@pytest.mark.parametrize("method", ["flow", "ode"])
def test_an_untrained_model_is_surprised_exactly_as_white_noise_would_be(untrained, method):
    inputs = tiny_inputs()
    score = untrained.score(**inputs, method=method)
    assert score.shape == (2, 3, 6)
    exact = gaussian_nats(in_patches(inputs["input_values"]), 0.0, 1.0)
    torch.testing.assert_close(score[..., 1:], exact[..., 1:])


def test_the_likelihood_by_the_ode_is_that_of_the_distribution_it_draws(gaussian):
    inputs = samples_of_the_gaussian()
    exact = gaussian_nats(in_patches(inputs["input_values"]), 0.5, 0.6)[..., 1:]
    score = gaussian.score(**inputs, method="ode", num_flow_steps=32, num_probes=None)[..., 1:]
    torch.testing.assert_close(score, exact, atol=0.02, rtol=0.01)


def test_one_probe_is_exact_where_the_jacobian_is_diagonal(gaussian):
    # Hutchinson's estimator errs by what lies off the diagonal only
    inputs = samples_of_the_gaussian()
    exact, probed = (gaussian.score(**inputs, method="ode", num_probes=n)[..., 1:] for n in (None, 1))
    torch.testing.assert_close(probed, exact)


def test_probes_estimate_the_exact_divergence_without_bias(model):
    inputs = tiny_inputs(n_batch=1, n_patches=3)
    exact, probed = (
        model.score(**inputs, method="ode", num_flow_steps=2, num_probes=n)[..., 1:].sum(1) for n in (None, 200)
    )
    torch.testing.assert_close(probed, exact, atol=0.5, rtol=0.03)


def test_the_flow_matching_bound_is_tight_where_the_velocity_is_exact(gaussian):
    inputs = samples_of_the_gaussian(n_batch=64)
    exact = gaussian_nats(in_patches(inputs["input_values"]), 0.5, 0.6)[..., 1:]
    score = gaussian.score(**inputs, method="flow", num_flow_steps=64)[..., 1:]
    assert score.mean() == pytest.approx(exact.mean().item(), abs=0.05 * PATCH)
    # and ranks what is likely as the likelihood does
    correlation = torch.corrcoef(torch.stack((score.flatten(), exact.flatten())))[0, 1]
    assert correlation > 0.9


def test_the_bound_does_not_fall_below_the_likelihood_where_the_velocity_is_wrong():
    model = tiny_model(flow_bands=[])
    model.flow_head = GaussianHead(model.config, 1.0, 0.8)
    inputs = samples_of_the_gaussian(n_batch=64)
    exact = gaussian_nats(in_patches(inputs["input_values"]), 0.5, 0.6)[..., 1:]
    assert model.score(**inputs, num_flow_steps=64)[..., 1:].mean() > exact.mean() + 0.1


@pytest.mark.parametrize("method", ["flow", "ode"])
def test_a_model_is_less_surprised_by_its_own_samples_than_by_others(gaussian, method):
    own, other = samples_of_the_gaussian(), tiny_inputs(n_batch=8, n_patches=9)
    own, other = (gaussian.score(**inputs, method=method)[..., 1:].mean() for inputs in (own, other))
    assert own < other


@pytest.mark.parametrize("method", ["flow", "ode"])
def test_the_same_recording_scores_the_same_alone_as_in_a_batch(model, method):
    inputs = tiny_inputs(n_batch=3)
    together = model.score(**inputs, method=method)
    again = model.score(**inputs, method=method)
    alone = model.score(**{name: value[1:2] for name, value in inputs.items()}, method=method)
    torch.testing.assert_close(again, together, equal_nan=True)
    torch.testing.assert_close(alone[0], together[1], equal_nan=True, atol=1e-4, rtol=1e-4)


def test_patches_without_a_past_and_masked_channels_are_nan(model):
    inputs = tiny_inputs(n_batch=2, n_chans=3, n_patches=6)
    attention_mask = torch.tensor([[1] * 6, [0, 0, 1, 1, 1, 1]])
    channel_mask = torch.tensor([[1, 1, 1], [1, 0, 1]])
    score = model.score(**inputs, attention_mask=attention_mask, channel_mask=channel_mask)
    known = torch.zeros(2, 3, 6, dtype=torch.bool)
    known[0, :, 1:] = True  # the first patch has no past
    known[1, :, 3:] = True  # nor has the first after the padding
    known[1, 1] = False  # a masked channel has nothing
    assert torch.equal(score.isfinite(), known)
    assert torch.equal(score.isnan(), ~known)


def test_padding_and_masked_channels_change_no_score(model):
    inputs = tiny_inputs(n_batch=1, n_chans=3, n_patches=6)
    plain = model.score(**inputs, num_flow_steps=4)
    padded = inputs | {
        "input_values": torch.nn.functional.pad(inputs["input_values"], (2 * PATCH, 0), value=7.0),
        "attention_mask": torch.tensor([[0, 0] + [1] * 6]),
        "condition_ids": torch.nn.functional.pad(inputs["condition_ids"], (2, 0)),
    }
    torch.testing.assert_close(model.score(**padded, num_flow_steps=4)[..., 3:], plain[..., 1:], atol=1e-4, rtol=1e-4)


def test_a_score_depends_on_the_past_and_not_on_the_future(model):
    inputs = tiny_inputs(n_batch=1, n_patches=6)
    changed = inputs | {"input_values": inputs["input_values"].clone()}
    changed["input_values"][..., 4 * PATCH : 5 * PATCH] += 1
    score, other = model.score(**inputs), model.score(**changed)
    torch.testing.assert_close(other[..., 1:4], score[..., 1:4])
    assert (other[..., 4:] != score[..., 4:]).all()


def test_an_unknown_method_is_refused_and_the_known_ones_are_named(model):
    with pytest.raises(ValueError, match=r"flow, ode.*'elbo'"):
        model.score(**tiny_inputs(), method="elbo")


def test_scoring_leaves_no_gradients_behind(model):
    score = model.score(**tiny_inputs(), method="ode")
    assert not score.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("method", ["flow", "ode"])
def test_a_single_patch_has_no_past_and_a_score_of_its_shape(model, method):
    score = model.score(**tiny_inputs(n_patches=1), method=method)
    assert score.shape == (2, 3, 1)
    assert score.isnan().all()


@pytest.mark.parametrize("method", ["flow", "ode"])
def test_inference_mode_changes_no_score(model, method):
    inputs = tiny_inputs() | {"channel_mask": torch.tensor([[1, 1, 1], [1, 1, 0]])}
    plain = model.score(**inputs, method=method)
    with torch.inference_mode():
        inside = model.score(**{name: value.clone() for name, value in inputs.items()}, method=method)
    torch.testing.assert_close(inside, plain, equal_nan=True)


@pytest.mark.parametrize("method", ["flow", "ode"])
@pytest.mark.parametrize("n_at_once", [1, 3, 4, 13])
def test_pieces_of_a_long_recording_score_as_the_whole_does(model, monkeypatch, method, n_at_once):
    inputs = tiny_inputs(n_batch=2, n_chans=3, n_patches=14)
    inputs["attention_mask"] = torch.tensor([[1] * 14, [0] * 5 + [1] * 9])
    inputs["channel_mask"] = torch.tensor([[1, 1, 1], [1, 1, 0]])
    whole = model.score(**inputs, method=method)
    monkeypatch.setattr(score_get, "TOKENS_AT_ONCE", n_at_once * 6)
    torch.testing.assert_close(model.score(**inputs, method=method), whole, atol=1e-4, rtol=1e-5, equal_nan=True)


def test_a_long_recording_is_scored_in_pieces_of_bounded_size(model, monkeypatch):
    seen, forward = [], model.flow_head.forward
    monkeypatch.setattr(model.flow_head, "forward", lambda x, *rest: seen.append(len(x)) or forward(x, *rest))
    model.score(**tiny_inputs(n_batch=1, n_chans=4, n_patches=3000), num_flow_steps=1)
    assert max(seen) * 4 <= score_get.TOKENS_AT_ONCE


def test_a_model_in_training_whose_layers_are_checkpointed_scores_as_any_other(monkeypatch):
    model, inputs = tiny_model(), tiny_inputs(n_patches=14)
    whole = model.score(**inputs)
    monkeypatch.setattr(score_get, "TOKENS_AT_ONCE", 18)
    model.train()
    model.activation_checkpointing_enable()
    torch.testing.assert_close(model.score(**inputs), whole, atol=1e-4, rtol=1e-5, equal_nan=True)


def test_a_recording_given_part_by_part_scores_as_the_whole_does(model):
    inputs = tiny_inputs(n_batch=2, n_patches=12)
    whole, cache, parts = model.score(**inputs), DynamicCache(config=model.config), []
    for first, last in [(0, 5), (4, 6), (5, 12)]:  # the last patch of a part is the first of the next
        part = inputs | {
            "input_values": inputs["input_values"][..., first * PATCH : last * PATCH],
            "condition_ids": inputs["condition_ids"][:, first:last],
        }
        parts.append(model.score(**part, past_key_values=cache)[..., 1:])
    torch.testing.assert_close(torch.cat(parts, dim=-1), whole[..., 1:], atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="leave the mask out"):
        model.score(**inputs, attention_mask=torch.ones(2, 12), past_key_values=cache)
