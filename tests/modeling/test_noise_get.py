# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from get_hf.modeling.modeling_get import GETBackbone, GETForSequenceClassification
from get_hf.modeling.noise_get import PatchNoise, mixed
from tiny import PATCH, tiny_config, tiny_inputs, tiny_model

OPTIONS = {"max_new_tokens": 3, "modulation_depth": 0.3, "burst_correlation": 0.2}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def people(*seeds: int, n_chans: int = 3) -> dict[str, torch.Tensor]:
    """The very same recording with the integers of several, so that noise alone makes continuations differ."""
    inputs = tiny_inputs(n_batch=1, n_chans=n_chans)
    rows = {name: value.expand(len(seeds), *value.shape[1:]).clone() for name, value in inputs.items()}
    return rows | {"noise_seed": torch.tensor(seeds)}


def row(inputs: dict, index: int) -> dict[str, torch.Tensor]:
    return {name: value[index : index + 1] for name, value in inputs.items()}


def new(model, inputs, seed=0, **options) -> torch.Tensor:
    values = model.generate(**inputs, **OPTIONS | {"generator": seeded(seed)} | options)
    return values[..., inputs["input_values"].shape[-1] :]


@pytest.fixture(scope="module")
def exact():
    """In double precision, in which the size of a batch rounds nothing that could be seen."""
    return tiny_model().double()


def test_one_seed_gives_different_recordings_different_noise(model):
    made = new(model, people(5, 6, 7, 8)).flatten(1)
    apart = torch.corrcoef(made) - torch.eye(4)
    assert apart.abs().max() < 0.6
    without = people(5, 6, 7, 8)
    del without["noise_seed"]
    assert not torch.equal(new(model, without), new(model, people(5, 6, 7, 8)))


def test_each_continues_alone_as_in_any_batch(exact):
    inputs = people(5, 2**62, 7)
    together = new(exact, inputs)
    for index in range(3):
        torch.testing.assert_close(new(exact, row(inputs, index)), together[index : index + 1])


def test_the_same_call_gives_the_same_bits_and_another_seed_others(model):
    inputs = people(5, 6)
    assert torch.equal(new(model, inputs), new(model, inputs))
    assert not torch.allclose(new(model, inputs, seed=1), new(model, inputs))
    torch.manual_seed(3)
    first = new(model, inputs, generator=None)
    torch.manual_seed(3)
    assert torch.equal(new(model, inputs, generator=None), first)


def test_each_copy_has_noise_of_its_own_in_any_batch(exact):
    inputs = people(5, 6)
    together = new(exact, inputs, num_return_sequences=3)
    assert len({tuple(made.flatten().tolist()) for made in together}) == 6
    torch.testing.assert_close(new(exact, row(inputs, 1), num_return_sequences=3), together[3:])
    torch.testing.assert_close(new(exact, row(inputs, 1)), together[3:4])


def test_channels_of_padding_change_no_noise(exact):
    inputs = people(5, n_chans=3)
    padded = {name: value.clone() for name, value in inputs.items()}
    for name in ("input_values", "channel_positions", "calibration"):
        padded[name] = torch.nn.functional.pad(padded[name], (0, 0, 0, 4))
    padded["channel_mask"] = torch.tensor([[1] * 3 + [0] * 4])
    made = new(exact, padded)
    torch.testing.assert_close(made[:, :3], new(exact, inputs))
    assert not made[:, 3:].any()


def test_a_second_call_goes_on_with_the_noise_where_the_first_stopped(model):
    inputs, generator = people(5, 6), seeded()
    options = OPTIONS | {"modulation_depth": 0.0, "generator": generator}
    whole = new(model, inputs, max_new_tokens=5, modulation_depth=0.0)
    first = model.generate(**inputs, **options | {"max_new_tokens": 2}, return_dict_in_generate=True)
    known = inputs | {"input_values": first.sequences, "past_key_values": first.past_key_values}
    second = model.generate(**known, **options)
    torch.testing.assert_close(second[..., -5 * PATCH :], whole, atol=1e-5, rtol=1e-5)


def test_guidance_takes_it(model):
    assert new(model, people(5, 6), guidance_scale=2.0).isfinite().all()


def test_without_sampling_no_noise_is_drawn(model):
    generator = seeded()
    inputs = people(5, 6)
    made = new(model, inputs, generator=generator, do_sample=False)
    assert torch.equal(made[0], made[1])
    assert torch.equal(generator.get_state(), seeded().get_state())


def test_one_integer_for_each_row_is_what_it_takes(model):
    with pytest.raises(ValueError, match=r"noise_seed \(1,\).*each of the 2 recordings"):
        new(model, people(5, 6) | {"noise_seed": torch.tensor([5])})


def test_all_that_reads_features_takes_it(model):
    inputs = people(5, 6)
    without = {name: value for name, value in inputs.items() if name != "noise_seed"}
    for reader in (model, GETBackbone(tiny_config()).eval(), GETForSequenceClassification(tiny_config()).eval()):
        ours, theirs = (reader(**given)[0] for given in (inputs, without))
        assert torch.equal(ours, theirs)
    assert torch.equal(model.score(**inputs)[..., 1:], model.score(**without)[..., 1:])


def test_noise_is_standard_normal_and_that_of_rows_and_moments_is_independent():
    noise = PatchNoise(torch.empty(40, 0), seeded(), torch.arange(40))
    drawn = torch.stack([noise.draw(8, 30) for _ in range(10)]).reshape(400, -1)
    assert drawn.mean().abs() < 0.02
    assert drawn.std().item() == pytest.approx(1, abs=0.02)
    assert (torch.corrcoef(drawn) - torch.eye(400)).abs().max() < 0.35  # 5.4 standard errors


def test_integers_are_mixed_in_order():
    assert len({mixed(*numbers) & 0xFFFFFFFF for numbers in [(0, 1), (1, 0), (1, 1), (0, 0), (0,), (1,)]}) == 6
    assert all(0 <= mixed(number) < 2**63 for number in (0, -1, 2**63, 2**64 - 1))
