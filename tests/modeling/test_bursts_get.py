# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from get_hf.modeling.bursts_get import N_COSINES, SHARED, swell, widen_shared
from get_hf.modeling.layers_get import cosine_transform

PATCH = 25


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("n_chans", [1, 4, 20])
def test_noise_is_widened_in_what_channels_share_and_nowhere_else(n_chans):
    noise, mask = randn(20000, 20, 2), torch.zeros(20000, 20)
    mask[:, :n_chans] = 1
    noise = noise * mask[..., None]
    assert torch.equal(widen_shared(noise, 1.0, mask), noise)
    wide = (widen_shared(noise, 2.0, mask) * mask[..., None])[:, :n_chans]
    ratio = wide.mean(1).var() / noise[:, :n_chans].mean(1).var()
    assert ratio.item() == pytest.approx(1 + 3 * n_chans / (n_chans + 5), rel=1e-3)
    own = noise[:, :n_chans]
    torch.testing.assert_close(wide - wide.mean(1, keepdim=True), own - own.mean(1, keepdim=True))


class TestSwell:
    """White patches of 12 channels, made to swell."""

    patch = randn(20000, 12, PATCH)
    noise = randn(20000, 13, N_COSINES, seed=1)

    def samples(self, deviation: float, n_coefficients: int = PATCH) -> torch.Tensor:
        return swell(self.patch, self.noise, deviation, n_coefficients) @ cosine_transform(PATCH)

    def test_power_stays_and_its_logarithm_varies_as_much_as_asked_for(self):
        power = self.samples(0.3).square()
        torch.testing.assert_close(power.mean((0, 1)), torch.ones(PATCH), atol=0.03, rtol=0)
        change = (power / self.samples(0).square()).log()
        # the amplitude's logarithm has a variance of .09 on each channel and a quarter of that on all
        assert change.var(0).mean().item() / 4 == pytest.approx(0.09 * (1 + SHARED**2), rel=0.02)
        own = (change - change.mean(1, keepdim=True)).square().sum(1) / 11
        assert own.mean().item() / 4 == pytest.approx(0.09, rel=0.02)

    def test_slow_and_fast_waves_come_and_go_together(self):
        # the half of a patch that slow waves are strong in, and fast ones
        for deviation, least, most in ((0.0, -0.02, 0.02), (0.5, 0.1, 0.5)):
            x = swell(self.patch, self.noise, deviation, PATCH)
            to_samples = cosine_transform(PATCH)
            course = [
                (x[..., band] @ to_samples[band]).square().split([12, 13], dim=-1)
                for band in (slice(3, 8), slice(8, 16))
            ]
            sides = torch.stack([first.sum(-1).log() - last.sum(-1).log() for first, last in course])
            correlation = torch.corrcoef(sides.flatten(1))[0, 1].item()
            assert least < correlation < most

    def test_no_deviation_is_no_change_and_fast_coefficients_stay(self):
        torch.testing.assert_close(swell(self.patch, self.noise, 0.0, 16), self.patch)
        still = torch.zeros(20000, 12, 16)
        fast = torch.cat([still, self.patch[..., 16:]], dim=-1)
        torch.testing.assert_close(swell(fast, self.noise, 0.3, 16), fast)
