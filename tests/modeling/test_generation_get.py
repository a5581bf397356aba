# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import math
import time

import pytest
import torch
from transformers import GenerationConfig, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from get_hf import GETModel
from get_hf.modeling.layers_get import cosine_transform
from get_hf.modeling.options_get import OWN_OPTIONS
from tiny import PATCH, tiny_inputs, tiny_model, untrained_model

CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def prompt_of(inputs: dict) -> torch.Tensor:
    return inputs["input_values"]


class Listener(BaseStreamer):
    """Keeps what it is told."""

    def __init__(self):
        self.heard, self.ended = [], False

    def put(self, value):
        self.heard.append(value)

    def end(self):
        self.ended = True


class TestContinuation:
    def test_the_output_is_the_prompt_and_the_requested_patches(self, model):
        inputs = tiny_inputs(n_batch=2, n_chans=3, n_patches=6)
        values = model.generate(**inputs, max_new_tokens=4)
        assert values.shape == (2, 3, 10 * PATCH)
        assert torch.equal(values[..., : 6 * PATCH], prompt_of(inputs))
        assert values.isfinite().all()

    def test_it_is_the_model_and_its_flow_head_in_turns(self, model):
        inputs = tiny_inputs(n_batch=2)
        values, generator = prompt_of(inputs), seeded()
        for _ in range(3):
            beyond = (0, values.shape[-1] // PATCH - 6)
            conditions = torch.nn.functional.pad(inputs["condition_ids"], beyond, mode="replicate")
            known = inputs | {"input_values": values, "condition_ids": conditions}
            with torch.no_grad():
                state = model(**known).last_hidden_state[:, :, -1]
                noise = 0.9 * torch.randn(2, 3, model.config.flow_size, generator=generator)
                values = torch.cat((values, model.flow_head.sample(state, noise, num_steps=5)), dim=-1)
        generated = model.generate(**inputs, max_new_tokens=3, temperature=0.9, num_flow_steps=5, generator=seeded())
        torch.testing.assert_close(generated, values, **CLOSE)

    def test_an_untrained_model_continues_with_white_noise(self, untrained):
        inputs = tiny_inputs(n_batch=16, n_chans=16)
        values = untrained.generate(**inputs, max_new_tokens=4, generator=seeded())[..., 6 * PATCH :]
        assert values.std().item() == pytest.approx(1, abs=0.03)
        colder = untrained.generate(**inputs, max_new_tokens=4, temperature=0.5, generator=seeded())
        torch.testing.assert_close(colder[..., 6 * PATCH :], 0.5 * values)

    @pytest.mark.parametrize("n_chans", [1, 8, 20, 64])
    @pytest.mark.parametrize("do_sample", [False, True])
    def test_the_cache_changes_nothing_for_any_number_of_channels(self, model, n_chans, do_sample):
        inputs = tiny_inputs(n_batch=1, n_chans=n_chans, n_patches=5)
        cached, uncached = (
            model.generate(**inputs, max_new_tokens=6, do_sample=do_sample, use_cache=use_cache, generator=seeded())
            for use_cache in (True, False)
        )
        torch.testing.assert_close(cached, uncached, **CLOSE)

    def test_bursts_are_shared_by_channels_and_widened_on_request(self):
        model, inputs = untrained_model(), tiny_inputs(n_batch=64, n_chans=20)

        def shared(**options) -> float:
            made = model.generate(**inputs, max_new_tokens=4, generator=seeded(), **options)[..., 6 * PATCH :]
            energy = made.unflatten(-1, (-1, PATCH)).square().mean((1, 3))
            return energy.log().std().item()

        assert shared(burst_correlation=0.0) == shared()
        assert shared(burst_correlation=0.4) > 1.5 * shared()

    @pytest.mark.parametrize("value", [-1, math.nan, math.inf])
    def test_options_about_amplitudes_are_in_range(self, model, value):
        with pytest.raises(ValueError, match=f"modulation_depth must be a number from 0 up, not {value}"):
            model.generate(**tiny_inputs(), max_new_tokens=1, modulation_depth=value)
        with pytest.raises(ValueError, match=f"burst_correlation must be a number from 0 to 1, not {value}"):
            model.generate(**tiny_inputs(), max_new_tokens=1, burst_correlation=value)

    def test_amplitude_is_modulated_on_request_and_not_without_noise(self):
        model, inputs = untrained_model(), tiny_inputs(n_batch=64, n_chans=20)

        def patches(**options) -> torch.Tensor:
            made = model.generate(**inputs, max_new_tokens=4, generator=seeded(), **options)[..., 6 * PATCH :]
            return made.unflatten(-1, (-1, PATCH)) @ cosine_transform(PATCH)

        def kurtosis(samples: torch.Tensor) -> float:
            return (samples**4).mean().item() / samples.square().mean().item() ** 2

        deep = patches(modulation_depth=0.5)
        assert kurtosis(deep) > kurtosis(patches()) + 0.3
        assert deep.square().mean().item() == pytest.approx(patches().square().mean().item(), rel=0.05)
        flow = {"do_sample": False}
        assert torch.equal(patches(modulation_depth=0.5, **flow), patches(**flow))

    def test_modulation_leaves_absent_channels_silent_and_works_with_guidance(self, model):
        inputs = tiny_inputs() | {"channel_mask": torch.tensor([[1, 1, 1], [1, 1, 0]])}
        options = {"max_new_tokens": 3, "modulation_depth": 0.3, "guidance_scale": 2.0, "generator": seeded()}
        made = model.generate(**inputs, **options)[..., 6 * PATCH :]
        assert not made[1, 2].any()
        assert made[1, :2].isfinite().all()

    def test_a_static_cache_changes_nothing(self, model):
        options = tiny_inputs() | {"max_new_tokens": 6, "do_sample": False}
        static = model.generate(**options, cache_implementation="static")
        torch.testing.assert_close(static, model.generate(**options), **CLOSE)

    def test_a_step_compiles_in_one_piece(self):
        model, options = tiny_model(), {"max_new_tokens": 4, "do_sample": False, "cache_implementation": "static"}
        plain = model.generate(**tiny_inputs(), **options)
        model.forward = torch.compile(model.forward, backend="eager", fullgraph=True)
        torch.testing.assert_close(model.generate(**tiny_inputs(), **options), plain, **CLOSE)

    def test_permuting_channels_permutes_the_continuation(self, model):
        inputs, order = tiny_inputs(n_chans=6), torch.tensor([3, 0, 5, 1, 4, 2])
        permuted = {name: value if name == "condition_ids" else value[:, order] for name, value in inputs.items()}
        options = {"max_new_tokens": 5, "do_sample": False}
        torch.testing.assert_close(
            model.generate(**permuted, **options), model.generate(**inputs, **options)[:, order], **CLOSE
        )

    def test_a_recording_in_a_batch_of_others_continues_as_it_does_alone(self):
        model = tiny_model().double()  # random weights amplify the rounding of a shifted rotation
        long, short = tiny_inputs(n_batch=1, n_patches=7, seed=1), tiny_inputs(n_batch=1, n_patches=4, seed=2)
        pad = {"input_values": (3 * PATCH, 0), "condition_ids": (3, 0)}
        short_padded = {
            name: torch.nn.functional.pad(value, pad[name]) if name in pad else value for name, value in short.items()
        }
        batch = {name: torch.cat((long[name], short_padded[name])) for name in long}
        batch["attention_mask"] = torch.tensor([[1] * 7, [0] * 3 + [1] * 4])
        options = {"max_new_tokens": 6, "do_sample": False}
        together = model.generate(**batch, **options)
        torch.testing.assert_close(together[:1], model.generate(**long, **options), **CLOSE)
        torch.testing.assert_close(together[1:, :, 3 * PATCH :], model.generate(**short, **options), **CLOSE)

    def test_masked_channels_stay_silent_and_change_nothing(self, model):
        inputs = tiny_inputs(n_batch=1, n_chans=4)
        inputs["input_values"][:, 3] *= 50
        three = {name: value if name == "condition_ids" else value[:, :3] for name, value in inputs.items()}
        options = {"max_new_tokens": 4, "do_sample": False}
        values = model.generate(**inputs, channel_mask=torch.tensor([[1, 1, 1, 0]]), **options)
        torch.testing.assert_close(values[:, :3], model.generate(**three, **options), **CLOSE)
        assert (values[:, 3, 6 * PATCH :] == 0).all()

    def test_from_nothing_it_starts_at_the_start_patch(self, model):
        inputs = tiny_inputs(n_batch=2)
        del inputs["input_values"]
        inputs["condition_ids"] = inputs["condition_ids"][:, :1]
        values = model.generate(**inputs, max_new_tokens=4, generator=seeded())
        started = model.generate(torch.zeros(2, 3, PATCH), **inputs, max_new_tokens=4, generator=seeded())
        assert values.shape == (2, 3, 5 * PATCH)
        assert (values[..., :PATCH] == 0).all()
        assert torch.equal(values, started)

    def test_it_needs_no_more_than_positions(self, model):
        positions = tiny_inputs()["channel_positions"]
        assert model.generate(channel_positions=positions, max_new_tokens=2).shape == (2, 3, 3 * PATCH)

    def test_a_second_call_goes_on_exactly_where_the_first_stopped(self, model):
        inputs = tiny_inputs()
        options = {"do_sample": False, "return_dict_in_generate": True}
        first = model.generate(**inputs, max_new_tokens=3, **options)
        inputs["input_values"] = first.sequences
        second = model.generate(**inputs, past_key_values=first.past_key_values, max_new_tokens=4, **options)
        whole = model.generate(**tiny_inputs(), max_new_tokens=7, **options)
        torch.testing.assert_close(second.sequences, whole.sequences, **CLOSE)

    def test_half_precision_stays_finite(self):
        model = tiny_model().to(torch.bfloat16)
        assert model.generate(**tiny_inputs(), max_new_tokens=5).isfinite().all()


class TestLength:
    @pytest.mark.parametrize(("seconds", "patches"), [(0.25, 5), (0.26, 6), (0.001, 1), (1, 20), (0.15, 3)])
    def test_seconds_are_rounded_up_to_patches(self, model, seconds, patches):
        # 5 samples at 100 Hz: 20 patches a second
        values = model.generate(**tiny_inputs(n_batch=1, n_chans=1), seconds=seconds, do_sample=False)
        assert values.shape[-1] == (6 + patches) * PATCH

    def test_the_default_length_is_twenty_patches_as_everywhere_in_transformers(self, model):
        with pytest.warns(UserWarning, match="max_new_tokens"):
            assert model.generate(**tiny_inputs()).shape[-1] == 26 * PATCH

    def test_max_length_counts_the_prompt(self, model):
        assert model.generate(**tiny_inputs(), max_length=9).shape[-1] == 9 * PATCH

    def test_a_stopping_criterion_ends_it(self, model):
        seen = []

        def after_eight_patches(sequence, scores, **kwargs):
            seen.append(sequence.shape)
            return torch.full((len(sequence),), sequence.shape[1] >= 8)

        values = model.generate(
            **tiny_inputs(), max_new_tokens=50, stopping_criteria=StoppingCriteriaList([after_eight_patches])
        )
        assert values.shape[-1] == 8 * PATCH
        assert seen == [(2, 7, 3 * PATCH), (2, 8, 3 * PATCH)]

    def test_a_recording_that_is_done_waits_in_silence(self, model):
        def first_recording(sequence, scores, **kwargs):
            return torch.tensor([True, False])

        values = model.generate(
            **tiny_inputs(), max_new_tokens=4, stopping_criteria=StoppingCriteriaList([first_recording])
        )
        new = values[..., 6 * PATCH :]
        assert (new[0, :, PATCH:] == 0).all()
        assert (new[0, :, :PATCH] != 0).all()
        assert (new[1] != 0).all()

    def test_max_time_ends_it(self, model):
        started = time.monotonic()
        values = model.generate(**tiny_inputs(n_batch=1, n_chans=1), max_new_tokens=10**6, max_time=0.2)
        assert time.monotonic() - started < 20
        assert values.shape[-1] > 6 * PATCH

    def test_memory_does_not_grow_with_length(self, model):
        output = model.generate(
            **tiny_inputs(n_batch=1), max_new_tokens=40, return_dict_in_generate=True, do_sample=False
        )
        assert output.past_key_values.get_seq_length() == 45  # the last patch has not been read
        for layer in output.past_key_values.layers:
            assert layer.keys.shape[-2] < model.config.sliding_window


class TestChance:
    def test_the_same_seed_gives_the_same_and_another_another(self, model):
        inputs = tiny_inputs()
        first, same, other = (model.generate(**inputs, max_new_tokens=3, generator=seeded(s)) for s in (1, 1, 2))
        assert torch.equal(first, same)
        assert not torch.allclose(first[..., 6 * PATCH :], other[..., 6 * PATCH :])

    def test_without_a_generator_the_global_seed_rules(self, model):
        torch.manual_seed(3)
        first = model.generate(**tiny_inputs(), max_new_tokens=3)
        torch.manual_seed(3)
        assert torch.equal(model.generate(**tiny_inputs(), max_new_tokens=3), first)

    def test_sampling_is_the_default(self, model):
        sampled = model.generate(**tiny_inputs(), max_new_tokens=3, generator=seeded())
        typical = model.generate(**tiny_inputs(), max_new_tokens=3, do_sample=False)
        assert not torch.allclose(sampled, typical)

    def test_without_sampling_there_is_one_continuation(self, model):
        first, second = (model.generate(**tiny_inputs(), max_new_tokens=3, do_sample=False) for _ in range(2))
        assert torch.equal(first, second)

    def test_several_continuations_of_each_prompt(self, model):
        inputs = tiny_inputs(n_batch=2)
        values = model.generate(**inputs, max_new_tokens=3, num_return_sequences=3, generator=seeded())
        assert values.shape == (6, 3, 9 * PATCH)
        assert torch.equal(values[..., : 6 * PATCH], prompt_of(inputs).repeat_interleave(3, dim=0))
        assert len({tuple(row.flatten().tolist()) for row in values[..., 6 * PATCH :]}) == 6


class TestConditions:
    def test_the_last_condition_holds_beyond_the_prompt(self, model):
        inputs = tiny_inputs(n_batch=1)
        inputs["condition_ids"][:] = 3
        held = model.generate(**inputs, max_new_tokens=4, do_sample=False)
        planned = inputs | {"condition_ids": torch.full((1, 10), 3)}
        torch.testing.assert_close(model.generate(**planned, max_new_tokens=4, do_sample=False), held, **CLOSE)

    def test_a_plan_changes_the_patches_from_its_change_on(self, model):
        inputs = tiny_inputs(n_batch=1)
        steady = inputs | {"condition_ids": torch.full((1, 12), 3)}
        planned = inputs | {"condition_ids": torch.tensor([[3] * 8 + [5] * 4])}
        steady, planned = (model.generate(**i, max_new_tokens=6, do_sample=False) for i in (steady, planned))
        # entry 8 is the condition of patch 9
        torch.testing.assert_close(planned[..., : 9 * PATCH], steady[..., : 9 * PATCH], **CLOSE)
        assert not torch.allclose(planned[..., 9 * PATCH : 10 * PATCH], steady[..., 9 * PATCH : 10 * PATCH], **CLOSE)

    def test_guidance_of_one_is_none(self, model):
        options = tiny_inputs() | {"max_new_tokens": 4}
        plain = model.generate(**options, generator=seeded())
        assert torch.equal(model.generate(**options, guidance_scale=1.0, generator=seeded()), plain)

    def test_guidance_of_zero_forgets_the_condition(self, model):
        inputs = tiny_inputs()
        forgotten = model.generate(**inputs, max_new_tokens=4, guidance_scale=0.0, generator=seeded())
        inputs["condition_ids"] = torch.zeros_like(inputs["condition_ids"])
        unknown = model.generate(**inputs, max_new_tokens=4, generator=seeded())
        torch.testing.assert_close(forgotten, unknown, **CLOSE)

    def test_guidance_moves_away_from_the_unconditional(self, model):
        options = tiny_inputs() | {"max_new_tokens": 1, "do_sample": False, "num_flow_steps": 1}
        none, plain, double = (
            model.generate(**options, guidance_scale=scale)[..., 6 * PATCH :] for scale in (0.0, 1.0, 2.0)
        )
        assert ((double - none) * (plain - none)).sum() > (plain - none).square().sum()

    def test_guidance_works_with_and_without_cache_and_with_masks(self, model):
        options = tiny_inputs() | {
            "max_new_tokens": 5,
            "guidance_scale": 2.0,
            "do_sample": False,
            "channel_mask": torch.tensor([[1, 1, 1], [1, 0, 1]]),
            "attention_mask": torch.tensor([[1] * 6, [0] * 2 + [1] * 4]),
        }
        torch.testing.assert_close(model.generate(**options), model.generate(**options, use_cache=False), **CLOSE)


class TestHuggingFace:
    def test_a_streamer_gets_the_prompt_and_then_every_patch(self, model):
        inputs, listener = tiny_inputs(), Listener()
        values = model.generate(**inputs, max_new_tokens=4, streamer=listener)
        assert torch.equal(listener.heard[0], prompt_of(inputs))
        assert [patch.shape for patch in listener.heard[1:]] == [(2, 3, PATCH)] * 4
        assert torch.equal(torch.cat(listener.heard, dim=-1), values)
        assert listener.ended

    @pytest.mark.parametrize("options", [{"max_new_tokens": 4}, {"max_length": 12}, {"seconds": 1.0}])
    def test_without_a_kept_sequence_the_streamer_gets_the_same_patches(self, model, options):
        inputs, listener = tiny_inputs(), Listener()
        kept = model.generate(**inputs, **options, generator=torch.Generator().manual_seed(0))
        last = model.generate(
            **inputs, **options, generator=torch.Generator().manual_seed(0), streamer=listener, keep_sequence=False
        )
        assert torch.equal(torch.cat(listener.heard, dim=-1), kept)
        assert torch.equal(last, kept[..., -PATCH:])

    def test_without_a_kept_sequence_a_streamer_is_needed(self, model):
        with pytest.raises(ValueError, match=r"keep_sequence=False .* pass streamer="):
            model.generate(**tiny_inputs(), max_new_tokens=1, keep_sequence=False)

    def test_a_dictionary_has_sequences_cache_states_and_attention(self):
        model = tiny_model()
        model.set_attn_implementation("eager")
        output = model.generate(
            **tiny_inputs(),
            max_new_tokens=3,
            return_dict_in_generate=True,
            output_hidden_states=True,
            output_attentions=True,
        )
        assert output.sequences.shape == (2, 3, 9 * PATCH)
        assert output.past_key_values.get_seq_length() == 8
        assert len(output.hidden_states) == len(output.attentions) == 3  # steps
        assert len(output.attentions[0]) == model.config.num_hidden_layers

    def test_the_default_number_of_flow_steps(self, model, monkeypatch):
        assert self.flow_steps(model, monkeypatch) == OWN_OPTIONS["num_flow_steps"]

    def test_a_generation_config_survives_saving_and_loading_with_the_model(self, tmp_path, monkeypatch):
        model = tiny_model()
        model.generation_config = GenerationConfig(
            do_sample=True, temperature=0.8, max_new_tokens=7, guidance_scale=1.5, num_flow_steps=9,
            burst_correlation=0.1, modulation_depth=0.2,
        )  # fmt: skip
        model.save_pretrained(tmp_path)
        loaded = GETModel.from_pretrained(tmp_path)
        assert loaded.generation_config.num_flow_steps == 9
        assert (loaded.generation_config.burst_correlation, loaded.generation_config.modulation_depth) == (0.1, 0.2)
        assert loaded.generation_config.temperature == 0.8
        assert self.flow_steps(loaded, monkeypatch) == 9
        values = loaded.generate(**tiny_inputs(), generator=seeded())
        assert values.shape[-1] == 13 * PATCH
        options = {"max_new_tokens": 7, "temperature": 0.8, "guidance_scale": 1.5, "num_flow_steps": 9}
        options |= {"burst_correlation": 0.1, "modulation_depth": 0.2}
        assert torch.equal(values, tiny_model().generate(**tiny_inputs(), **options, generator=seeded()))

    def test_a_generation_config_given_to_the_call_counts(self, model, monkeypatch):
        config = GenerationConfig(num_flow_steps=3, max_new_tokens=2, do_sample=True)
        assert self.flow_steps(model, monkeypatch, generation_config=config) == 3
        assert self.flow_steps(model, monkeypatch, generation_config=config, num_flow_steps=6) == 6

    @staticmethod
    def flow_steps(model, monkeypatch, **options) -> int:
        """With how many steps `generate` asks the flow head for a patch."""
        asked, sample = [], model.flow_head.sample

        def listen(hidden_states, noise, num_steps, *args, **kwargs):
            asked.append(num_steps)
            return sample(hidden_states, noise, num_steps, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(model.flow_head, "sample", listen)
            model.generate(**tiny_inputs(), **({"max_new_tokens": 1} | options))
        return asked[0]


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"top_k": 50}, "does not know top_k.*temperature"),
            ({"top_p": 0.9, "repetition_penalty": 1.2}, "does not know repetition_penalty, top_p"),
            ({"num_beams": 4}, "does not know num_beams"),
            ({"prefill_chunk_size": 2}, "does not know prefill_chunk_size"),
            ({"eos_token_id": 2}, "does not know eos_token_id"),
            ({"generation_config": GenerationConfig(top_k=7, do_sample=True)}, "does not know top_k"),
            ({"seconds": 1, "max_new_tokens": 4}, r"seconds \(1\) and max_new_tokens \(4\)"),
            ({"seconds": 1, "max_length": 9}, r"seconds \(1\) and max_length \(9\)"),
            ({"seconds": 0}, "seconds must be a positive number, not 0"),
            ({"seconds": math.inf}, "seconds must be a positive number, not inf"),
            ({"seconds": math.nan}, "seconds must be a positive number, not nan"),
            ({"seconds": 1, "num_flow_steps": 0}, "num_flow_steps must be a whole number from 1 up, not 0"),
            ({"seconds": 1, "temperature": -1.0}, "temperature must be a number from 0 up, not -1.0"),
            ({"seconds": 1, "logits_processor": [lambda ids, scores: scores]}, "token scores"),
            ({"seconds": 1, "guidence_scale": 2.0}, "guidence_scale"),
            ({"seconds": 1, "channel_positions": None}, "needs channel_positions"),
            ({"seconds": 1, "inputs": torch.zeros(2, 3, PATCH)}, "given twice"),
            ({"seconds": 1, "input_values": torch.zeros(2, 3, 7)}, rf"whole patches of {PATCH} samples"),
            ({"seconds": 1, "condition_ids": None, "guidance_scale": 2.0}, "pass condition_ids"),
        ],
        ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
    )
    def test_options_without_a_meaning_are_refused(self, model, options, message):
        with pytest.raises(ValueError, match=message):
            model.generate(**tiny_inputs() | options)

    def test_assisted_decoding_is_refused(self, model):
        with pytest.raises(ValueError, match=r"only supports.*ASSISTED_GENERATION"):
            model.generate(**tiny_inputs(), max_new_tokens=2, assistant_model=tiny_model())

    def test_guidance_returns_no_unusable_cache(self, model):
        output = model.generate(**tiny_inputs(), max_new_tokens=2, guidance_scale=2.0, return_dict_in_generate=True)
        assert output.past_key_values is None

    def test_guidance_cannot_go_on_from_a_cache_without_an_unconditional_half(self, model):
        first = model.generate(**tiny_inputs(), max_new_tokens=2, return_dict_in_generate=True)
        with pytest.raises(ValueError, match="no unconditional half"):
            model.generate(
                **tiny_inputs() | {"input_values": first.sequences},
                past_key_values=first.past_key_values,
                guidance_scale=2.0,
                max_new_tokens=2,
            )
