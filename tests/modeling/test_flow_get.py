# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from scipy.fft import idct

from gaussian_head import GaussianHead
from get_hf.modeling.flow_get import GETFlowHead, interpolate
from tiny import PATCH, tiny_config

#: Draws patches as they are.
PLAIN = tiny_config(flow_bands=[])
FLOW = tiny_config().flow_size


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def states(n_batch: int, n_chans: int, seed: int = 9) -> torch.Tensor:
    return randn(n_batch, n_chans, tiny_config().hidden_size, seed=seed)


@pytest.fixture(scope="module")
def head(model) -> GETFlowHead:
    return model.flow_head


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def test_the_path_begins_at_the_noise_and_ends_at_the_data():
    data, noise = randn(2, 3, PATCH), randn(2, 3, PATCH, seed=1)
    x, velocity = interpolate(data, noise, torch.zeros(2))
    assert torch.equal(x, noise)
    torch.testing.assert_close(velocity, data)
    x, velocity = interpolate(data, noise, torch.ones(2))
    torch.testing.assert_close(x, data)
    torch.testing.assert_close(velocity, -noise)


def test_the_velocity_is_the_derivative_of_the_path():
    data, noise = randn(1, 2, PATCH).double(), randn(1, 2, PATCH, seed=1).double()
    (behind, _), (_, velocity), (ahead, _) = (
        interpolate(data, noise, torch.tensor([time], dtype=torch.double)) for time in (0.39999, 0.4, 0.40001)
    )
    torch.testing.assert_close((ahead - behind) / (0.00002 * torch.pi / 2), velocity)


def test_the_path_keeps_the_variance_of_white_noise():
    x, velocity = interpolate(randn(200, 8, 25), randn(200, 8, 25, seed=1), torch.rand(200))
    assert x.var() == pytest.approx(1, abs=0.02)
    assert (x * velocity).mean() == pytest.approx(0, abs=0.02)  # which is why the exact velocity is zero


def test_an_untrained_head_is_exact_for_white_noise_and_returns_it_as_it_is(untrained):
    noise = randn(4, 3, PATCH)
    time = torch.rand(4)
    assert torch.equal(untrained.flow_head(noise, time, states(4, 3)), torch.zeros_like(noise))
    assert torch.equal(untrained.flow_head.sample(states(4, 3), noise, num_steps=3), noise)


def test_the_velocity_is_affine_wherever_the_network_is_saturated(head):
    # so that it follows noise of changing strength into the tails, however large
    x, hidden, time = randn(2, 3, FLOW), states(2, 3), torch.full((2,), 0.5)
    large, larger = (head(scale * x, time, hidden) for scale in (1e12, 2e12))
    torch.testing.assert_close(larger, 2 * large, rtol=0.05, atol=0.05 * large.abs().max().item())
    assert large.abs().max() > 1e9


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (1.5, 0.5), (-2.0, 1.8)])
def test_the_exact_velocity_of_a_normal_distribution_draws_that_distribution(mean, std):
    head = GaussianHead(PLAIN, mean, std)
    noise = randn(2000, 2, PATCH)
    samples = head.sample(states(2000, 2), noise, num_steps=200)
    # the flow of a normal distribution is an affine map: every sample is known
    torch.testing.assert_close(samples, mean + std * noise, atol=0.02, rtol=0.01)
    assert samples.mean() == pytest.approx(mean, abs=0.03)
    assert samples.std() == pytest.approx(std, rel=0.03)


def test_the_error_of_the_integration_falls_with_the_number_of_steps():
    head = GaussianHead(PLAIN, 1.0, 0.5)
    noise = randn(50, 2, PATCH).double()
    errors = [
        (head.sample(states(50, 2).double(), noise, num_steps=n) - (1 + 0.5 * noise)).abs().max() for n in (8, 16, 32)
    ]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.25)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.25)


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 3.0])
def test_guidance_goes_along_the_line_from_the_unconditional_to_the_conditional(scale):
    # two normal distributions of equal width: the guided one is normal too, its mean on the line through both
    head = GaussianHead(PLAIN, "condition", 0.7)
    hidden = torch.zeros(4, 2, tiny_config().hidden_size)
    hidden[:2, :, 0], hidden[2:, :, 0] = 1.2, -0.4  # with the condition; without
    noise = randn(2, 2, PATCH)
    conditional_only = hidden[:2] if scale == 1 else hidden
    samples = head.sample(conditional_only, noise, num_steps=32, guidance_scale=scale)
    torch.testing.assert_close(samples, -0.4 + scale * (1.2 + 0.4) + 0.7 * noise, atol=0.01, rtol=0.01)


def test_guidance_towards_the_unconditional_changes_nothing(head):
    hidden, noise = states(2, 3), randn(2, 3, FLOW)
    plain = head.sample(hidden, noise, num_steps=4)
    guided = head.sample(torch.cat((hidden, hidden)), noise, num_steps=4, guidance_scale=2.5)
    torch.testing.assert_close(guided, plain)


def test_permuting_channels_permutes_the_patch_that_is_drawn(head):
    hidden, noise, order = states(2, 6), randn(2, 6, FLOW), torch.tensor([3, 0, 5, 1, 4, 2])
    drawn = head.sample(hidden, noise, num_steps=4)
    torch.testing.assert_close(head.sample(hidden[:, order], noise[:, order], num_steps=4), drawn[:, order])


def test_masked_channels_do_not_touch_the_others(head):
    hidden, noise = states(2, 5), randn(2, 5, FLOW)
    mask = torch.tensor([[1, 1, 1, 0, 0]] * 2)
    noise[:, 3:] *= 100
    with_masked = head.sample(hidden, noise, num_steps=4, channel_mask=mask)
    without = head.sample(hidden[:, :3], noise[:, :3], num_steps=4)
    torch.testing.assert_close(with_masked[:, :3], without)


def test_channels_are_drawn_jointly(head):
    hidden, noise = states(1, 3), randn(1, 3, FLOW)
    drawn = head.sample(hidden, noise, num_steps=4)
    noise[:, 2] += 1
    assert not torch.allclose(head.sample(hidden, noise, num_steps=4)[:, 0], drawn[:, 0])


def test_rows_of_a_batch_do_not_touch_each_other(head):
    hidden, noise = states(3, 2), randn(3, 2, FLOW)
    together = head.sample(hidden, noise, num_steps=4)
    alone = torch.cat([head.sample(hidden[i : i + 1], noise[i : i + 1], num_steps=4) for i in range(3)])
    torch.testing.assert_close(together, alone)


def set_outputs(head: GETFlowHead, gain: float, shift: float, sample_gain: torch.Tensor) -> None:
    """Makes what the head says of x the same everywhere."""
    values = [torch.full((size,), value) for size, value in zip(head.parts[:2], (gain, shift), strict=True)]
    head.out_proj.weight.zero_()
    head.out_proj.bias.copy_(torch.cat((*values, sample_gain)))


def test_gains_and_shift_make_the_velocity_affine_in_x():
    head = GETFlowHead(PLAIN)
    set_outputs(head, 0.5, 2.0, torch.zeros(PATCH))
    x = randn(2, 4, PLAIN.flow_size)
    torch.testing.assert_close(head(x, torch.rand(2), states(2, 4)), 0.5 * x + 2)


def test_a_gain_for_samples_acts_on_the_samples_that_coefficients_stand_for():
    head = GETFlowHead(PLAIN)
    sample_gain = torch.zeros(PATCH)
    sample_gain[1] = 2.0
    set_outputs(head, 0.0, 0.0, sample_gain)
    x = randn(2, 4, PATCH)
    samples = idct(head(x, torch.rand(2), states(2, 4)).numpy(), norm="ortho")
    np.testing.assert_allclose(samples[..., 1], 2 * idct(x.numpy(), norm="ortho")[..., 1], rtol=1e-4, atol=1e-5)
    assert np.abs(np.delete(samples, 1, axis=-1)).max() < 1e-5
