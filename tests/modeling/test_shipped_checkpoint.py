# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The promises of generate(), kept by the weights that are shipped and in single precision."""

import numpy as np
import pytest
import torch
from scipy.signal import welch
from transformers import AutoFeatureExtractor, AutoModel

from get_hf import CHECKPOINT, GETModel
from get_hf.processing.montage_get import ELECTRODES

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
MONTAGE = list(ELECTRODES)
N_NEW = 6  # patches


@pytest.fixture(scope="module")
def model() -> GETModel:
    return AutoModel.from_pretrained(CHECKPOINT)


@pytest.fixture(scope="module")
def extractor():
    return AutoFeatureExtractor.from_pretrained(CHECKPOINT)


def prompt(
    extractor, ch_names: list[str], n_patches: int = 8, condition: str = "eyes_closed"
) -> dict[str, torch.Tensor]:
    """White noise where the extractor would put whitened EEG, after the start patch."""
    features = dict(extractor(ch_names=ch_names, condition=condition))
    noise = torch.randn(1, len(ch_names), n_patches * extractor.patch_size, generator=torch.Generator().manual_seed(4))
    features["input_values"] = torch.cat((features["input_values"], noise), dim=-1)
    features["attention_mask"] = torch.ones(1, n_patches + 1, dtype=torch.long)
    features["condition_ids"] = features["condition_ids"][:, :1].expand(1, n_patches + 1)
    return features


@pytest.mark.parametrize("n_chans", [1, 8, 20, 64])
def test_the_cache_changes_nothing(model, extractor, n_chans):
    options = prompt(extractor, MONTAGE[:n_chans]) | {"max_new_tokens": N_NEW}
    cached, uncached = (
        model.generate(**options, use_cache=cached, generator=torch.Generator().manual_seed(0))
        for cached in (True, False)
    )
    torch.testing.assert_close(cached, uncached, **CLOSE)


@pytest.mark.parametrize("n_chans", [1, 8, 20, 64])
def test_the_order_of_channels_changes_nothing(model, extractor, n_chans):
    features = prompt(extractor, MONTAGE[:n_chans])
    order = torch.randperm(n_chans, generator=torch.Generator().manual_seed(0))
    by_channel = ("input_values", "channel_positions", "channel_mask", "calibration")
    permuted = {name: value[:, order] if name in by_channel else value for name, value in features.items()}
    options = {"max_new_tokens": N_NEW, "do_sample": False}
    torch.testing.assert_close(
        model.generate(**permuted, **options), model.generate(**features, **options)[:, order], **CLOSE
    )


def test_a_recording_in_a_left_padded_batch_continues_as_it_does_alone(model, extractor):
    long, short = prompt(extractor, MONTAGE[:20], 12), prompt(extractor, MONTAGE[:20], 7, condition="eyes_open")
    n_padding = 5
    padding = {
        "input_values": n_padding * extractor.patch_size,
        "attention_mask": n_padding,
        "condition_ids": n_padding,
    }
    padded = {
        name: torch.nn.functional.pad(value, (padding[name], 0)) if name in padding else value
        for name, value in short.items()
    }
    options = {"max_new_tokens": N_NEW, "do_sample": False}
    together = model.generate(**{name: torch.cat((long[name], padded[name])) for name in long}, **options)
    torch.testing.assert_close(together[:1], model.generate(**long, **options), **CLOSE)
    alone = model.generate(**short, **options)
    torch.testing.assert_close(together[1:, :, padding["input_values"] :], alone, **CLOSE)


def test_an_hour_would_take_no_more_memory_than_a_minute(model, extractor):
    window = model.config.sliding_window
    options = prompt(extractor, ["Cz"], n_patches=window) | {"max_new_tokens": 8, "return_dict_in_generate": True}
    cache = model.generate(**options).past_key_values
    assert cache.get_seq_length() == window + 8
    assert {layer.keys.shape[-2] for layer in cache.layers} == {window - 1}


@pytest.mark.parametrize("n_chans", [1, 4, 20, 64])
def test_few_channels_are_as_strong_as_many(model, extractor, n_chans):
    """The prompts are of power 1; so is what follows, be its amplitude widened in one channel or in 64."""
    n_batch = 160 // min(n_chans, 20)
    some = prompt(extractor, MONTAGE[::3][:n_chans] if n_chans < 20 else MONTAGE[:n_chans], n_patches=32)
    batch = {name: value.expand(n_batch, *value.shape[1:]) for name, value in some.items()}
    noise = torch.randn(n_batch, n_chans, 32 * extractor.patch_size, generator=torch.Generator().manual_seed(5))
    batch["input_values"] = torch.cat((batch["input_values"][..., : extractor.patch_size], noise), dim=-1)
    made = model.generate(**batch, max_new_tokens=32, generator=torch.Generator().manual_seed(6))
    power = made[..., -32 * extractor.patch_size :].square().mean().item()
    assert 0.85 < power < (1.2 if n_chans > 1 else 1.8)


def test_virtual_people_differ_and_alpha_grows_when_they_close_their_eyes(model, extractor):
    people, alpha = list(range(12)), {}
    for condition in ("eyes_open", "eyes_closed"):
        features = extractor(ch_names=["Cz", "O1", "O2"], condition=condition, person=people)
        generated = model.generate(**features, seconds=12, generator=torch.Generator().manual_seed(0))
        made = np.stack(extractor.decode(generated, features, output="array"))
        freqs, density = welch(made, extractor.sampling_rate, nperseg=200)
        alpha[condition] = np.log(density[..., 1:, (freqs >= 8) & (freqs < 13)].mean(axis=-1)).mean(axis=-1)
    closed, opened = alpha["eyes_closed"], alpha["eyes_open"]
    assert 2.0 < np.exp((closed - opened).mean()) < 6.0
    # log power of people has a deviation of about 1, of stretches of one person of about .3
    assert 0.6 < closed.std() < 1.8
    assert np.corrcoef(closed, opened)[0, 1] > 0.4  # they stay who they are


@pytest.mark.parametrize("n_chans", [1, 4, 20])
def test_from_nothing_power_does_not_grow(model, extractor, n_chans):
    n_items = 32 // n_chans + 4
    made = model.generate(
        **extractor(ch_names=MONTAGE[:n_chans], condition="eyes_open"),
        max_new_tokens=240,
        num_return_sequences=n_items,
        generator=torch.Generator().manual_seed(0),
    )
    power = made[..., extractor.patch_size :].unflatten(-1, (4, -1)).square().mean((0, 1, 3))
    assert 0.75 < power.min().item() < power.max().item() < 1.3
