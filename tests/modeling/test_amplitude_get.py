# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from get_hf import GETConfig
from get_hf.modeling.amplitude_get import (
    DITHER,
    FLOOR,
    LARGEST,
    SCALE,
    WEIGHT,
    bound_amplitude,
    error_weights,
    join_amplitude,
    log_volume,
    split_amplitude,
)
from tiny import PATCH, tiny_config, tiny_inputs, tiny_model

BANDS = [3, 5, 8, 9]


def patches(n: int = 400, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 25, generator=generator), torch.randn(n, 4, generator=generator)


def test_amplitude_and_waveform_give_the_patch_back_for_any_dither():
    patch, dither = patches()
    torch.testing.assert_close(join_amplitude(split_amplitude(patch, dither, BANDS), BANDS), patch)
    torch.testing.assert_close(join_amplitude(split_amplitude(1e3 * patch, dither, BANDS), BANDS), 1e3 * patch)


def test_the_amplitude_of_a_band_is_the_logarithm_of_its_strength():
    patch, dither = patches(1)
    patch[:, 3:8] = 7.0  # the second band
    drawn = split_amplitude(patch, torch.zeros_like(dither), BANDS)
    expected = math.log((49 + FLOOR) / (1 + FLOOR)) / 2
    assert drawn[0, 26].item() * SCALE == pytest.approx(expected, rel=1e-5)
    assert drawn[0, 25].item() * SCALE != pytest.approx(expected, abs=0.1)
    dithered = split_amplitude(patch, dither, BANDS)
    torch.testing.assert_close((dithered - drawn)[:, 25:] * SCALE, DITHER * dither)


def test_a_burst_weighs_no_more_in_the_flow_than_other_patches():
    patch, dither = patches()
    patch[::20] *= 20
    drawn = split_amplitude(patch, dither, BANDS)
    assert patch.abs().max() > 50
    assert drawn[:, :25].abs().max() < 6  # what follows a normal distribution
    assert drawn[:, 25:].abs().max() < 15


def test_only_the_amplitude_of_generated_patches_is_bounded():
    patch, dither = patches()
    patch[::20, 3:8] *= 20
    drawn = split_amplitude(patch, dither, BANDS)
    bounded = join_amplitude(bound_amplitude(drawn, BANDS), BANDS)
    strength = bounded.split(BANDS, dim=-1)[1].square().mean(-1).sqrt()
    assert strength.max() < math.exp(LARGEST + 3.5 * DITHER) * 1.2
    # direction stays, and whoever is not too loud
    torch.testing.assert_close(
        torch.nn.functional.normalize(bounded[:, 3:8]), torch.nn.functional.normalize(patch[:, 3:8])
    )
    usual = drawn[:, 25:].amax(-1) < LARGEST / SCALE
    assert 300 < usual.sum() < 400
    torch.testing.assert_close(bounded[usual], patch[usual])


def test_silence_has_an_amplitude():
    drawn = split_amplitude(torch.zeros(1, 25), torch.zeros(1, 4), BANDS)
    torch.testing.assert_close(drawn[0, 25:], torch.full((4,), math.log(FLOOR / (1 + FLOOR)) / 2 / SCALE))


def test_without_bands_a_patch_is_drawn_as_it_is():
    patch, _ = patches()
    assert split_amplitude(patch, patch[:, :0], []) is patch
    assert join_amplitude(patch, []) is patch
    assert bound_amplitude(patch, []) is patch
    assert not log_volume(patch, []).any()


def test_the_volume_is_that_of_the_map():
    # the determinant of (patch, dithered amplitude) -> drawn, by automatic differentiation
    patch, _ = patches(1)
    amplitude = torch.tensor([0.2, -0.1, 0.4, 0.0])

    def drawn(both: torch.Tensor) -> torch.Tensor:
        patch, amplitude = both.split([25, 4])
        factor = torch.cat([a.exp().repeat(size) for a, size in zip(amplitude, BANDS, strict=True)])
        return torch.cat((patch / factor, amplitude / SCALE))

    both = torch.cat((patch[0], amplitude)).double()
    log_determinant = torch.linalg.slogdet(torch.autograd.functional.jacobian(drawn, both)).logabsdet
    entropy = 4 * (math.log(DITHER) + math.log(2 * math.pi * math.e) / 2)
    assert log_volume(drawn(both), BANDS).item() == pytest.approx((-log_determinant - entropy).item(), rel=1e-5)


def test_the_score_bounds_the_likelihood_from_above():
    # where the flow is that of white noise, a band's density is an integral over its amplitude
    model = tiny_model()
    model.flow_head.out_proj.weight.data.zero_()
    model.flow_head.out_proj.bias.data.zero_()
    inputs = tiny_inputs(n_batch=40, n_patches=8)
    patches = inputs["input_values"].double().unflatten(-1, (-1, PATCH))[:, :, 1:]
    amplitude = torch.linspace(-6, 6, 2001, dtype=torch.double) * SCALE
    normal = torch.distributions.Normal(0.0, 1.0)
    exact = torch.zeros(patches.shape[:-1], dtype=torch.double)
    for band in patches.split([2, 3], dim=-1):
        inside = normal.log_prob(band[..., None, :] * (-amplitude[:, None]).exp()).sum(-1)
        inside = inside + normal.log_prob(amplitude / SCALE) - math.log(SCALE) - band.shape[-1] * amplitude
        exact -= torch.logsumexp(inside, -1) + math.log((amplitude[1] - amplitude[0]).item())
    for seed in range(3):
        bound = model.score(**inputs, seed=seed)[..., 1:].mean().item()
        assert exact.mean().item() < bound < exact.mean().item() + 2 * 1.0  # nats per band


def test_bands_must_make_a_patch():
    assert tiny_config().flow_size == PATCH + 2
    assert tiny_config().noise_size == PATCH + 4
    with pytest.raises(ValueError, match=r"flow_bands \[2, 4\] must be sizes that add up to patch_size \(5\)"):
        tiny_config(flow_bands=[2, 4])
    assert sum(GETConfig().flow_bands) == GETConfig().patch_size


def test_errors_of_amplitudes_count_more_and_the_mean_weight_stays_one():
    weights = error_weights(25, 4)
    assert weights.mean() == pytest.approx(1)
    torch.testing.assert_close(weights[25:], (WEIGHT * weights[:25].mean()).expand(4))
    assert weights[0] / weights[4] == pytest.approx(2)
    assert (weights[:25].diff() < 0).all()
    assert error_weights(25, 0).mean() == pytest.approx(1)
