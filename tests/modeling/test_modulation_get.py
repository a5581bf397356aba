# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from get_hf.modeling.layers_get import cosine_transform
from get_hf.modeling.modulation_get import N_COSINES, PULL, SHARED, modulate, share_bursts

PATCH = 25


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("n_chans", [1, 4, 20])
def test_only_the_noise_that_channels_share_is_widened(n_chans, masked):
    own, mask = 0.8 * randn(20000, n_chans, 2), None
    noise = own
    if masked:
        mask = torch.zeros(20000, 24)
        mask[:, :n_chans] = 1
        noise = torch.nn.functional.pad(own, (0, 0, 0, 24 - n_chans))
    torch.testing.assert_close(share_bursts(noise, 0.0, mask), noise, rtol=0, atol=0)
    wide = share_bursts(noise, 0.2, mask, noise_scale=0.8)[:, :n_chans]
    assert (wide.mean(1).var() / own.mean(1).var()).item() == pytest.approx(1 + 0.2 * (n_chans - 1), rel=1e-3)
    lower = PULL * 0.64 * 0.2 * (1 - 1 / n_chans)
    assert wide.mean().item() == pytest.approx(-lower, abs=0.01)
    torch.testing.assert_close(wide - wide.mean(1, keepdim=True), own - own.mean(1, keepdim=True))


def test_a_channel_alone_has_nothing_to_share():
    noise = randn(100, 1, 4)
    torch.testing.assert_close(share_bursts(noise, 0.5, None), noise, rtol=0, atol=0)


class TestModulation:
    """White patches of 12 channels at 100 Hz: of 25 coefficients the 16 below 32 Hz are modulated."""

    patch = randn(20000, 12, PATCH)
    noise = randn(20000, 13, N_COSINES, seed=1)

    def samples(self, depth: float, rate: float = 50.0) -> torch.Tensor:
        """At 50 Hz all coefficients are below 32 Hz."""
        return modulate(self.patch, self.noise, depth, rate) @ cosine_transform(PATCH)

    def test_power_stays_and_its_logarithm_varies_as_much_as_asked_for(self):
        power = self.samples(0.3).square()
        torch.testing.assert_close(power.mean((0, 1)), torch.ones(PATCH), atol=0.03, rtol=0)
        change = (power / self.samples(0).square()).log()
        # the amplitude's logarithm varies so much on each channel, and by a quarter of it on all
        variance = (0.3 * 11 / 12) ** 2
        torch.testing.assert_close(
            change.var(0) / 4, torch.full((12, PATCH), variance * (1 + SHARED**2)), rtol=0.05, atol=0
        )
        own = (change - change.mean(1, keepdim=True)).square().sum(1) / 11
        assert own.mean().item() / 4 == pytest.approx(variance, rel=0.02)

    def test_a_channel_alone_is_left_as_it_is(self):
        alone = self.patch[:, :1]
        torch.testing.assert_close(modulate(alone, self.noise[:, :2], 0.3, 100.0), alone)
        mask = torch.zeros(len(self.patch), 12, dtype=torch.long)
        mask[:, 0] = 1
        made = modulate(self.patch, self.noise, 0.3, 100.0, mask)
        torch.testing.assert_close(made[:, :1], alone)

    def test_channels_that_are_not_there_do_not_count(self):
        mask = torch.ones(len(self.patch), 12, dtype=torch.long)
        mask[:, 3:] = 0
        noise = torch.cat((self.noise[:, :3], self.noise[:, -1:]), dim=1)
        torch.testing.assert_close(
            modulate(self.patch, self.noise, 0.3, 100.0, mask)[:, :3], modulate(self.patch[:, :3], noise, 0.3, 100.0)
        )

    @pytest.mark.parametrize(("depth", "least", "most"), [(0.0, -0.02, 0.02), (0.5, 0.1, 0.5)])
    def test_slow_and_fast_waves_come_and_go_together(self, depth, least, most):
        x, to_samples = modulate(self.patch, self.noise, depth, 100.0), cosine_transform(PATCH)

        def side(band: slice) -> torch.Tensor:
            """How much stronger the first half of a patch is than the last."""
            first, last = (x[..., band] @ to_samples[band]).square().split([12, 13], dim=-1)
            return (first.sum(-1) / last.sum(-1)).log().flatten()

        assert least < torch.corrcoef(torch.stack([side(slice(3, 8)), side(slice(8, 16))]))[0, 1].item() < most

    def test_a_depth_of_zero_and_fast_coefficients_change_nothing(self):
        torch.testing.assert_close(modulate(self.patch, self.noise, 0.0, 100.0), self.patch)
        fast = torch.nn.functional.pad(self.patch[..., 16:], (16, 0))
        torch.testing.assert_close(modulate(fast, self.noise, 0.3, 100.0), fast)

    @pytest.mark.parametrize("size", [1, 2, 3])
    def test_patches_may_be_shorter_than_the_cosines_are_many(self, size):
        patch = randn(20000, 2, size)
        power = modulate(patch, randn(20000, 3, N_COSINES, seed=1), 0.3, 10.0).square().mean().item()
        assert power == pytest.approx(1, abs=0.05)
