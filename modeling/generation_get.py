# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `generate()` for a continuous signal.

The code is based on `GenerationMixin` of transformers. Instead of the token ids of a language model, GET has a running
sequence of patches, `(batch, patches, channels * patch_size)`. In each step, the backbone reads the last patch, and
then the flow head draws the next patch.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import Cache
from transformers.generation import (
    EosTokenCriteria,
    GenerationConfig,
    GenerationMixin,
    GenerationMode,
    LogitsProcessorList,
    StoppingCriteriaList,
)
from transformers.generation.streamers import BaseStreamer
from transformers.modeling_outputs import ModelOutput

from .configuration_get import is_number
from .modulation_get import N_COSINES, modulate, share_bursts
from .noise_get import PatchNoise
from .options_get import OWN_OPTIONS, check_options, check_supported
from .patch_buffer_get import PatchBuffer
from .threads_get import MeasuredThreads

#: Options of transformers for the length of the generated sequence, in patches.
LENGTHS = ("max_new_tokens", "max_length")


@dataclass
class GETGenerateOutput(ModelOutput):
    """Output of `generate` with `return_dict_in_generate=True`.

    Attributes:
        sequences: The prompt followed by the continuation, in the innovation space, `(batch, channels, times)`.
        past_key_values: The cache, with which a later call can continue these sequences. It was computed from the
            patches before their amplitude was modulated. With guidance it is None.
        hidden_states: For each step, the hidden states of each layer, if they were requested.
        attentions: For each step, the attention weights of each layer, if they were requested.
    """

    sequences: torch.FloatTensor | None = None
    past_key_values: Cache | None = None
    hidden_states: tuple[tuple[torch.FloatTensor, ...], ...] | None = None
    attentions: tuple[tuple[torch.FloatTensor, ...], ...] | None = None


class GETGenerationMixin(GenerationMixin):
    """Mixin that makes `generate()` of transformers draw patches of EEG instead of tokens."""

    _supported_generation_modes = [GenerationMode.GREEDY_SEARCH, GenerationMode.SAMPLE]

    def generate(self, inputs: torch.Tensor | None = None, **kwargs) -> torch.Tensor | GETGenerateOutput:
        r"""Continues EEG, or generates it without a prompt.

        Pass the output of `GETFeatureExtractor`, and any of the generation options below.

        Args:
            inputs (`torch.FloatTensor` of shape `(batch, channels, times)`, *optional*):
                The prompt in the innovation space. It can also be passed as `input_values=`. Without a prompt,
                generation starts from the start patch.
            kwargs:
                `channel_positions` (required), `channel_mask`, `attention_mask`, `calibration`: see `forward`.

                `noise_seed`: one integer for each recording, `(batch,)`, from which its noise is computed. With the
                same seed of the generator, different recordings get different noise. The noise of a recording does not
                depend on the other recordings of the batch. Without `noise_seed`, the noise depends on the generator
                alone.

                `condition_ids`: condition of the next patch at each position, `(batch, patches)`. There may be more
                conditions than patches in the prompt. The last condition holds for all later patches. The model must
                have been trained on all of them.

                `max_new_tokens` (number of patches) or `seconds` (rounded up to whole patches): how much to generate.
                If neither is passed, `generation_config.seconds` is used, if it is set.

                `do_sample`: True by default. With False the flow starts from zero noise, which gives a smooth and
                typical waveform.

                `temperature`: standard deviation of the flow's noise. It also scales the modulation.

                `num_flow_steps`: number of steps of the flow. The flow head runs once in each step. With more steps,
                the result follows the learnt flow more closely, but is not more similar to EEG.

                `burst_correlation`: correlation between channels of the noise that changes their amplitudes. 0 is as
                in training, and 1 is the maximum; see `share_bursts`.

                `modulation_depth`: how much the amplitude varies within a patch, in addition to the variation that the
                flow draws. It is a standard deviation in nats for many channels; 0 is no modulation; see `modulate`.

                `guidance_scale`: strength of the guidance towards the condition; 1 is no guidance.

                `streamer`: object that receives the prompt first, and then one patch `(batch, channels, patch_size)`
                in each step. If it has a method `condition_ids()`, this is called before each step. The result
                replaces the argument `condition_ids`, unless it is None. So conditions can change during generation.

                `keep_sequence`: True by default. With False, only the streamer receives the patches, and the last
                patch is returned. So the memory does not grow, however long the generation takes.

                `num_return_sequences`, `generator` (`torch.Generator`), `stopping_criteria`, `max_time`,
                `past_key_values`, `use_cache`, `return_dict_in_generate`: as in transformers.

        Returns:
            Prompt and continuation in the innovation space, `(batch, channels, times)`, or a `GETGenerateOutput`.
            `GETFeatureExtractor.decode` converts the sequences to microvolts.

        Raises:
            ValueError: An option has no meaning for EEG (beams, top-k ...), both `seconds` and `max_new_tokens` are
                given, positions are missing, or the model was not trained on a condition.
        """
        if kwargs.get("channel_positions") is None:
            raise ValueError(
                "generate() needs channel_positions, (batch, channels, 6): pass all that GETFeatureExtractor returns, "
                "as in model.generate(**features, seconds=10)."
            )
        self.config.check_conditions(kwargs.get("condition_ids"))
        keep_sequence = kwargs.pop("keep_sequence", True)
        if (streamer := kwargs.get("streamer")) is not None:
            kwargs["streamer"] = PatchStreamer(streamer, self.config.patch_size, keep_sequence)
        elif not keep_sequence:
            raise ValueError("With keep_sequence=False only a streamer receives the patches: pass streamer=...")
        return super().generate(inputs, **kwargs)

    def _prepare_generation_config(
        self, generation_config: GenerationConfig | None, **kwargs: Any
    ) -> tuple[GenerationConfig, dict]:
        """Reads the options that only GET has, and refuses options that would have no effect."""
        n_patches = self._patches_in_seconds(generation_config, kwargs)
        kwargs.pop("seconds", None)
        own = {name: kwargs.pop(name, None) for name in OWN_OPTIONS}
        generator = kwargs.pop("generator", None)
        check_supported(generation_config, kwargs)
        for name in ("max_new_tokens", "num_return_sequences"):
            if kwargs.get(name) is not None and not (is_number(kwargs[name], whole=True) and kwargs[name] >= 1):
                raise ValueError(f"{name} must be a whole number from 1 up, not {kwargs[name]!r}.")
        generation_config, model_kwargs = super()._prepare_generation_config(generation_config, **kwargs)
        if n_patches is not None:
            generation_config.max_new_tokens = n_patches
        for name, value in own.items():
            value = getattr(generation_config, name, None) if value is None else value
            setattr(generation_config, name, OWN_OPTIONS[name] if value is None else value)
        check_options(generation_config)
        generation_config.generator = generator
        if generation_config.guidance_scale is None:
            generation_config.guidance_scale = 1.0
        return generation_config, model_kwargs

    def _patches_in_seconds(self, generation_config: GenerationConfig | None, kwargs: dict[str, Any]) -> int | None:
        """Returns the number of patches in `seconds`; None if the length is given in another way, or not at all.

        The arguments of the call have priority, then the config that is passed to the call, then the model's config.
        """
        configs = (config for config in (generation_config, self.generation_config) if config is not None)
        for place in (kwargs, *map(vars, configs)):
            lengths = {name: place[name] for name in (*LENGTHS, "seconds") if place.get(name) is not None}
            seconds = lengths.pop("seconds", None)
            if seconds is None and lengths:
                return None
            for name, value in lengths.items():
                raise ValueError(f"seconds ({seconds}) and {name} ({value}) both say how long: give one.")
            if seconds is not None:
                if not is_number(seconds) or seconds <= 0:
                    raise ValueError(f"seconds must be a positive number, not {seconds!r}.")
                patches_per_second = self.config.sampling_rate / self.config.patch_size
                return max(1, math.ceil(round(seconds * patches_per_second, 6)))
        return None

    def _prepare_model_inputs(
        self, inputs: torch.Tensor | None, bos_token_id: torch.Tensor | None, model_kwargs: dict[str, Any]
    ) -> tuple[torch.Tensor, str, dict[str, Any]]:
        """Converts `(batch, channels, times)` to the running sequence `(batch, patches, channels * patch_size)`."""
        given = model_kwargs.pop("input_values", None)
        if inputs is not None and given is not None:
            raise ValueError("The prompt was given twice, as inputs and as input_values: give one.")
        values = given if inputs is None else inputs
        if values is None:
            positions = model_kwargs["channel_positions"]
            values = positions.new_zeros(*positions.shape[:2], self.config.patch_size)
        sequence, mask = to_sequence(values.to(self.dtype), self.config.patch_size), model_kwargs.get("attention_mask")
        if mask is not None and mask.shape[-1] != sequence.shape[1]:
            raise ValueError(
                f"input_values hold {sequence.shape[1]} patches of {self.config.patch_size} samples, and "
                f"attention_mask {mask.shape[-1]}: prepare both with the feature extractor of this very checkpoint."
            )
        return sequence, "input_ids", model_kwargs

    def _get_logits_processor(self, *args, logits_processor=None, **kwargs) -> LogitsProcessorList:
        # the base class would divide patches by the temperature; here it scales the noise, in _sample
        if logits_processor:
            raise ValueError("logits_processor works on token scores, which GET does not have; leave it out.")
        return LogitsProcessorList()

    def _get_stopping_criteria(self, *args, **kwargs) -> StoppingCriteriaList:
        # a signal has no end-of-sequence token; all other criteria stay
        criteria = super()._get_stopping_criteria(*args, **kwargs)
        return StoppingCriteriaList(c for c in criteria if not isinstance(c, EosTokenCriteria))

    def prepare_inputs_for_generation(
        self,
        input_ids: torch.Tensor,
        next_sequence_length: int | None = None,
        past_key_values: Cache | None = None,
        attention_mask: torch.Tensor | None = None,
        condition_ids: torch.Tensor | None = None,
        is_first_iteration: bool | None = False,
        length: int | None = None,
        **kwargs,
    ) -> dict[str, Any]:
        """Returns the inputs of one forward pass: the patches that are not yet in the cache, and the next conditions.

        `length` is the length of the whole sequence. It must be passed if `input_ids` holds only the end of the
        sequence.
        """
        end = length or input_ids.shape[1]
        if next_sequence_length is not None:
            input_ids = input_ids[:, -next_sequence_length:]
        if condition_ids is not None:
            wanted = torch.arange(end - input_ids.shape[1], end, device=condition_ids.device)
            condition_ids = condition_ids[:, wanted.clamp(max=condition_ids.shape[1] - 1)]
        values = input_ids.unflatten(-1, (-1, self.config.patch_size)).transpose(1, 2).flatten(2)
        return {
            "input_values": values.to(self.device),
            "past_key_values": past_key_values,
            "attention_mask": attention_mask,
            "condition_ids": condition_ids,
            **kwargs,
        }

    def _sample(
        self,
        input_ids: torch.Tensor,
        logits_processor: LogitsProcessorList,
        stopping_criteria: StoppingCriteriaList,
        generation_config: GenerationConfig,
        synced_gpus: bool = False,
        streamer: "PatchStreamer | None" = None,
        **model_kwargs,
    ) -> torch.Tensor | GETGenerateOutput:
        """Runs the generation loop, in which each step computes the state of the past and then draws a patch."""
        noise_scale = self.noise_scale(generation_config)
        depth = noise_scale * generation_config.modulation_depth
        use_cache = model_kwargs.get("use_cache", True)
        channel_mask = model_kwargs.get("channel_mask")
        n_batch, n_chans = len(input_ids), input_ids.shape[-1] // self.config.patch_size
        noise = PatchNoise(
            input_ids.new_empty(n_batch, 0, dtype=self.dtype, device=self.device),
            generation_config.generator,
            model_kwargs.pop("noise_seed", None),
            generation_config.num_return_sequences or 1,
            channel_mask,
        )
        guided = generation_config.guidance_scale != 1.0
        is_only_streamed = streamer is not None and not streamer.keep_sequence
        output = PatchBuffer(input_ids, generation_config.max_length, only_last=is_only_streamed)
        if guided:
            # the second half of the batch has the same past as the first half, but no condition
            input_ids, model_kwargs = torch.cat((input_ids, input_ids)), with_unconditional(model_kwargs)
        sequence = PatchBuffer(input_ids, generation_config.max_length, only_last=use_cache)
        schedule = self.flow_head.schedule(generation_config.num_flow_steps)
        recorded = {"hidden_states": (), "attentions": ()}
        finished = torch.zeros(n_batch, dtype=torch.bool, device=input_ids.device)
        everyone_finished = False

        first, wanted = True, None
        with torch.inference_mode(), MeasuredThreads(self.device) as threads:
            while self._has_unfinished_sequences(everyone_finished, synced_gpus, device=input_ids.device):
                threads.update()
                if streamer is not None and (ids := streamer.condition_ids()) is not wanted:
                    self.config.check_conditions(wanted := ids)
                    ids = ids.to(input_ids.device)
                    model_kwargs["condition_ids"] = torch.cat((ids, torch.zeros_like(ids))) if guided else ids
                if first:
                    outputs = self._prefill(sequence.patches, generation_config, model_kwargs)
                else:
                    model_inputs = self.prepare_inputs_for_generation(
                        sequence.patches,
                        next_sequence_length=1 if use_cache else None,
                        length=sequence.length,
                        **model_kwargs,
                    )
                    outputs = self(**model_inputs, return_dict=True)
                first = False
                model_kwargs = self._update_model_kwargs_for_generation(outputs, model_kwargs)
                for name in recorded:
                    recorded[name] += (outputs[name],) if name in outputs else ()

                drawn = noise.draw(n_chans, self.config.flow_size, noise_scale)
                rhythm = noise.draw(n_chans, N_COSINES, n_shared=1) if depth else None
                patches = self.draw_patch(
                    outputs.last_hidden_state[:, :, -1], drawn, rhythm, generation_config, channel_mask, schedule
                )
                context, patch_out = (self._silenced(x, channel_mask, finished).to(input_ids.device) for x in patches)
                sequence.append(torch.cat((context, context)) if guided else context)
                output.append(patch_out)
                if streamer is not None:
                    streamer.put(ordinary(patch_out.cpu()))
                finished = finished | stopping_criteria(output.counted, None)
                everyone_finished = bool(finished.all())

        if streamer is not None:
            streamer.end()
        values = ordinary(to_values(output.patches, self.config.patch_size))
        cache = model_kwargs.get("past_key_values")
        for layer in [] if cache is None else cache.layers:
            layer.keys, layer.values = ordinary(layer.keys), ordinary(layer.values)
        if not generation_config.return_dict_in_generate:
            return values
        return GETGenerateOutput(
            sequences=values,
            past_key_values=None if guided else cache,
            hidden_states=ordinary(recorded["hidden_states"]) or None,
            attentions=ordinary(recorded["attentions"]) or None,
        )

    @staticmethod
    def noise_scale(generation_config: GenerationConfig) -> float:
        """Returns the standard deviation of the flow's noise: the temperature, or 0 without sampling."""
        return generation_config.temperature if generation_config.do_sample else 0.0

    def draw_patch(
        self,
        states: torch.Tensor,
        noise: torch.Tensor,
        modulation_noise: torch.Tensor | None,
        generation_config: GenerationConfig,
        channel_mask: torch.Tensor | None = None,
        schedule: list[list[torch.Tensor]] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Draws the next patch, given the states of the past.

        Args:
            states: Last states of the backbone, `(batch, channels, hidden_size)`. With guidance, the shape is
                `(2 * batch, ...)`, and the second half holds the states without the condition.
            noise: Noise of the flow, whose standard deviation is `noise_scale`, `(batch, channels, flow_size)`.
            modulation_noise: Standard normal noise, `(batch, channels + 1, N_COSINES)`; None: there is no modulation.
            generation_config: The options of `generate`.
            channel_mask: `(batch, channels)`, 0 where there is no channel.
            schedule: The result of `flow_head.schedule`, if it is known from another patch.

        Returns:
            The patch that the model reads in the next step, and the modulated patch, which is the output,
            `(batch, channels, patch_size)` each. If the model read the modulation, the amplitude would grow from step
            to step.
        """
        config, scale = generation_config, self.noise_scale(generation_config)
        course, amplitude = noise.split([self.config.patch_size, len(self.config.flow_bands)], dim=-1)
        amplitude = share_bursts(amplitude, config.burst_correlation, channel_mask, scale)
        mask = channel_mask
        if config.guidance_scale != 1.0 and mask is not None:
            mask = torch.cat((mask, mask))
        patch = self.flow_head.sample(
            states,
            torch.cat((course, amplitude), dim=-1),
            config.num_flow_steps,
            config.guidance_scale,
            mask,
            schedule,
        )
        if modulation_noise is None:
            return patch, patch
        depth = scale * config.modulation_depth
        return patch, modulate(patch, modulation_noise, depth, self.config.sampling_rate, channel_mask)

    @staticmethod
    def _silenced(patch: torch.Tensor, channel_mask: torch.Tensor | None, finished: torch.Tensor) -> torch.Tensor:
        """Sets missing channels and finished recordings to zero, and returns `(batch, channels * patch_size)`."""
        if channel_mask is not None:
            patch = patch * channel_mask[:, :, None].to(patch)
        return patch.flatten(1).masked_fill(finished[:, None].to(patch.device), 0.0)


class PatchStreamer(BaseStreamer):
    """Streamer that converts the running sequence to `(batch, channels, times)` for the streamer of a user.

    Args:
        streamer: The streamer of the user.
        patch_size: Number of samples in a patch.
        keep_sequence: Whether `generate` keeps the patches, too.
    """

    def __init__(self, streamer: BaseStreamer, patch_size: int, keep_sequence: bool = True):
        self.streamer = streamer
        self.patch_size = patch_size
        self.keep_sequence = keep_sequence

    def put(self, value: torch.Tensor) -> None:
        """Passes on the prompt in the first call, and one patch in each later call."""
        self.streamer.put(to_values(value if value.ndim == 3 else value[:, None], self.patch_size))

    def condition_ids(self) -> torch.Tensor | None:
        """Returns the conditions that the streamer of the user wants from now on; None if they do not change."""
        wanted = getattr(self.streamer, "condition_ids", None)
        return None if wanted is None else wanted()

    def end(self) -> None:
        """Ends the streamer of the user, because no patch follows."""
        self.streamer.end()


def ordinary(value: Any) -> Any:
    """Copies tensors, or tuples of them, that were computed in inference mode, so that gradients can use them."""
    if isinstance(value, tuple):
        return tuple(map(ordinary, value))
    with torch.inference_mode(False):
        return value.clone() if isinstance(value, torch.Tensor) and value.is_inference() else value


def to_sequence(values: torch.Tensor, patch_size: int) -> torch.Tensor:
    """Converts `(batch, channels, times)` to `(batch, patches, channels * patch_size)`."""
    if values.ndim != 3 or values.shape[-1] % patch_size or not values.shape[-1]:
        raise ValueError(
            f"input_values must be (batch, channels, times) with whole patches of {patch_size} samples, not "
            f"{tuple(values.shape)}: prepare them with GETFeatureExtractor."
        )
    return values.unflatten(-1, (-1, patch_size)).transpose(1, 2).flatten(2)


def to_values(sequence: torch.Tensor, patch_size: int) -> torch.Tensor:
    """Converts `(batch, patches, channels * patch_size)` to `(batch, channels, times)`."""
    return sequence.unflatten(-1, (-1, patch_size)).transpose(1, 2).flatten(2)


def with_unconditional(model_kwargs: dict[str, Any]) -> dict[str, Any]:
    """Repeats all inputs for classifier-free guidance; the second half of the new batch has no condition."""
    if model_kwargs.get("condition_ids") is None:
        raise ValueError("guidance_scale other than 1 guides towards a condition: pass condition_ids.")
    cache = model_kwargs.get("past_key_values")
    if cache is not None and cache.get_seq_length() > 0:
        raise ValueError(
            "guidance_scale other than 1 cannot go on from past_key_values, which hold no unconditional half: leave "
            "past_key_values out and pass the whole sequence."
        )
    doubled = {
        name: torch.cat((value, value)) if isinstance(value, torch.Tensor) else value
        for name, value in model_kwargs.items()
    }
    condition_ids = model_kwargs["condition_ids"]
    doubled["condition_ids"] = torch.cat((condition_ids, torch.zeros_like(condition_ids)))
    return doubled
