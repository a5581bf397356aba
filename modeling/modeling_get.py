# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines GET, a Generative EEG Transformer.

A token is one patch of time of one channel. A block computes attention over the past of each channel, then attention
across the channels of each patch, and then an MLP. The model knows a channel only by the positions of its electrodes.
So it accepts any number of channels in any order. The output at a patch is the condition of a flow. The flow draws the
next patch of all channels together.
"""

from dataclasses import dataclass

import torch
from torch import nn
from transformers.cache_utils import Cache, DynamicCache
from transformers.masking_utils import create_bidirectional_mask, create_sliding_window_causal_mask
from transformers.modeling_outputs import BaseModelOutputWithPast, ModelOutput, SequenceClassifierOutputWithPast
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, auto_docstring, can_return_tuple
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from .amplitude_get import error_weights, split_amplitude
from .configuration_get import GETConfig
from .flow_get import GETFlowHead, interpolate
from .generation_get import GETGenerationMixin
from .layers_get import GETBlock, rotary_embedding, seen_by_networks
from .options_get import generation_config
from .pooling_get import GETPooling
from .pretrained_get import GETPreTrainedModel
from .score_get import GETScoreMixin

#: Label of samples that the loss ignores. It is the same in all models of transformers.
IGNORE = -100.0


@dataclass
class GETOutput(ModelOutput):
    """Output of `GETModel`.

    Args:
        loss (`torch.FloatTensor`, *optional*):
            Flow-matching loss, if labels were given. For white noise the loss is 1.
        last_hidden_state (`torch.FloatTensor` of shape `(batch, channels, patches, hidden_size)`):
            States of the backbone. The state at position i depends on the patches up to i. It is the condition of the
            flow that draws patch i + 1.
        past_key_values (`Cache`, *optional*):
            The cache, if it was requested.
        hidden_states (`tuple[torch.FloatTensor]`, *optional*):
            States of each block and the last state, if they were requested. The shape is that of `last_hidden_state`.
        attentions (`tuple[torch.FloatTensor]`, *optional*):
            Attention weights over time in each block, `(batch * channels, heads, patches, patches)`, if they were
            requested.
    """

    loss: torch.FloatTensor | None = None
    last_hidden_state: torch.FloatTensor | None = None
    past_key_values: Cache | None = None
    hidden_states: tuple[torch.FloatTensor, ...] | None = None
    attentions: tuple[torch.FloatTensor, ...] | None = None


@auto_docstring(custom_intro="The backbone of GET: patches in, a state per patch and channel out.")
class GETBackbone(GETPreTrainedModel):
    def __init__(self, config: GETConfig):
        super().__init__(config)
        width = config.hidden_size
        # a start patch is all zeros, so its embedding is the bias of this projection, learnt like a start token
        self.patch_embedding = nn.Linear(4 * config.patch_size, width)
        self.position_embedding = nn.Sequential(nn.Linear(6, width), nn.GELU(), nn.Linear(width, width))
        self.calibration_embedding = nn.Linear(config.num_calibration_features, width, bias=False)
        self.condition_embedding = nn.Embedding(config.num_conditions, width)
        self.layers = nn.ModuleList(GETBlock(config, index) for index in range(config.num_hidden_layers))
        self.norm = nn.RMSNorm(width, eps=config.rms_norm_eps)
        self.gradient_checkpointing = False
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.patch_embedding

    def set_input_embeddings(self, value: nn.Linear):
        self.patch_embedding = value

    @merge_with_config_defaults
    @capture_outputs
    @auto_docstring
    def forward(
        self,
        input_values: torch.FloatTensor,
        channel_positions: torch.FloatTensor,
        channel_mask: torch.LongTensor | None = None,
        attention_mask: torch.LongTensor | None = None,
        calibration: torch.FloatTensor | None = None,
        condition_ids: torch.LongTensor | None = None,
        noise_seed: torch.LongTensor | None = None,
        past_key_values: Cache | None = None,
        use_cache: bool | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> BaseModelOutputWithPast:
        r"""
        input_values (`torch.FloatTensor` of shape `(batch, channels, times)`):
            EEG in the innovation space of `GETFeatureExtractor`, without unit. It consists of whole patches.
        channel_positions (`torch.FloatTensor` of shape `(batch, channels, 6)`):
            Positions of each electrode and of its reference on the unit sphere.
        channel_mask (`torch.LongTensor` of shape `(batch, channels)`, *optional*):
            0 for padded channels and for bad channels.
        attention_mask (`torch.LongTensor` of shape `(batch, past + patches)`, *optional*):
            0 for padded patches.
        calibration (`torch.FloatTensor` of shape `(batch, channels, num_calibration_features)`, *optional*):
            The properties of each channel that the feature extractor removed by normalisation.
        condition_ids (`torch.LongTensor` of shape `(batch, patches)`, *optional*):
            The condition of the next patch, which each position predicts.
        noise_seed (`torch.LongTensor` of shape `(batch,)`, *optional*):
            Not used here, only by `generate`. It is accepted because the feature extractor returns it.
        """
        self._check(input_values, channel_positions)
        n_chans = input_values.shape[1]
        patches = input_values.unflatten(-1, (-1, self.config.patch_size)).to(self.dtype)
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        n_past = past_key_values.get_seq_length() if past_key_values is not None else 0

        hidden_states = self.embed(patches, channel_positions, calibration, condition_ids)
        positions = torch.arange(patches.shape[2], device=patches.device) + n_past
        position_embeddings = rotary_embedding(positions, self.config.head_dim, self.config.rope_theta)
        time_mask = create_sliding_window_causal_mask(
            config=self.config,
            inputs_embeds=hidden_states.flatten(0, 1),
            attention_mask=None if attention_mask is None else attention_mask.repeat_interleave(n_chans, dim=0),
            past_key_values=past_key_values,
        )
        across_mask = create_bidirectional_mask(
            config=self.config,
            inputs_embeds=hidden_states.transpose(1, 2).flatten(0, 1),
            attention_mask=None if channel_mask is None else channel_mask.repeat_interleave(patches.shape[2], dim=0),
        )
        for layer in self.layers:
            hidden_states = layer(
                hidden_states,
                time_mask=time_mask,
                channel_mask=across_mask,
                position_embeddings=position_embeddings,
                past_key_values=past_key_values,
                **kwargs,
            )
        return BaseModelOutputWithPast(
            last_hidden_state=self.norm(hidden_states), past_key_values=past_key_values if use_cache else None
        )

    def embed(
        self,
        patches: torch.Tensor,
        channel_positions: torch.Tensor,
        calibration: torch.Tensor | None,
        condition_ids: torch.Tensor | None,
    ) -> torch.Tensor:
        """Sums the four embeddings of a token: samples, electrode position, calibration and next condition.

        A plan may have more conditions than there are patches. The additional conditions are not used.
        """
        hidden_states = self.patch_embedding(seen_by_networks(patches, self.config.patch_size))
        hidden_states = hidden_states + self.position_embedding(channel_positions.to(patches.dtype))[:, :, None]
        if calibration is not None:
            hidden_states = hidden_states + self.calibration_embedding(calibration.to(patches.dtype))[:, :, None]
        if condition_ids is None:
            condition_ids = torch.zeros(1, 1, dtype=torch.long, device=patches.device)
        hidden_states = hidden_states + self.condition_embedding(condition_ids[:, : patches.shape[2]])[:, None]
        return hidden_states.to(self.dtype)  # under autocast the residual stream keeps full precision

    def _check(self, input_values: torch.Tensor, channel_positions: torch.Tensor) -> None:
        if input_values.ndim != 3 or input_values.shape[-1] % self.config.patch_size:
            raise ValueError(
                f"input_values must be (batch, channels, times) with whole patches of {self.config.patch_size} "
                f"samples, not {tuple(input_values.shape)}: prepare them with GETFeatureExtractor."
            )
        if channel_positions.shape != (*input_values.shape[:2], 6):
            raise ValueError(
                f"channel_positions {tuple(channel_positions.shape)} must be (batch, channels, 6) for the "
                f"{input_values.shape[0]} recordings of {input_values.shape[1]} channels in input_values."
            )


@auto_docstring(custom_intro="GET with its flow head: continues EEG with `generate()`, judges it with `score()`.")
class GETModel(GETPreTrainedModel, GETGenerationMixin, GETScoreMixin):
    def __init__(self, config: GETConfig):
        super().__init__(config)
        self.backbone = GETBackbone(config)
        self.flow_head = GETFlowHead(config)
        # transformers would derive a generation config from the model's config, without GET's own options
        self.generation_config = generation_config()
        self.post_init()

    @can_return_tuple
    @auto_docstring
    def forward(
        self,
        input_values: torch.FloatTensor,
        channel_positions: torch.FloatTensor,
        channel_mask: torch.LongTensor | None = None,
        attention_mask: torch.LongTensor | None = None,
        calibration: torch.FloatTensor | None = None,
        condition_ids: torch.LongTensor | None = None,
        labels: torch.FloatTensor | None = None,
        noise: torch.FloatTensor | None = None,
        flow_time: torch.FloatTensor | None = None,
        noise_seed: torch.LongTensor | None = None,
        past_key_values: Cache | None = None,
        use_cache: bool | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> GETOutput:
        r"""
        input_values (`torch.FloatTensor` of shape `(batch, channels, times)`):
            EEG in the innovation space of `GETFeatureExtractor`, without unit. It consists of whole patches.
        channel_positions (`torch.FloatTensor` of shape `(batch, channels, 6)`):
            Positions of each electrode and of its reference on the unit sphere.
        channel_mask (`torch.LongTensor` of shape `(batch, channels)`, *optional*):
            0 for padded channels and for bad channels.
        attention_mask (`torch.LongTensor` of shape `(batch, past + patches)`, *optional*):
            0 for padded patches.
        calibration (`torch.FloatTensor` of shape `(batch, channels, num_calibration_features)`, *optional*):
            The properties of each channel that the feature extractor removed by normalisation.
        condition_ids (`torch.LongTensor` of shape `(batch, patches)`, *optional*):
            The condition of the next patch, which each position predicts.
        labels (`torch.FloatTensor` of shape `(batch, channels, times)`, *optional*):
            The signal to learn, aligned with `input_values`. Position i learns to predict patch i + 1. Patches whose
            values are -100 are ignored.
        noise (`torch.FloatTensor` of shape `(batch, channels, patches * config.noise_size)`, *optional*):
            Noise of the flow for each label. If it is not given, it is drawn, and the loss is random.
        flow_time (`torch.FloatTensor` of shape `(batch, patches)`, *optional*):
            Time of the flow in [0, 1] for each label. If it is not given, it is drawn.
        noise_seed (`torch.LongTensor` of shape `(batch,)`, *optional*):
            Not used here, only by `generate`. It is accepted because the feature extractor returns it.

        Example:
        ```python
        >>> from get_hf import CHECKPOINT, GETFeatureExtractor, GETModel

        >>> model, extractor = GETModel.from_pretrained(CHECKPOINT), GETFeatureExtractor.from_pretrained(CHECKPOINT)
        >>> inputs = extractor(ch_names=["O1", "O2"], condition="eyes_closed")
        >>> eeg = extractor.decode(model.generate(**inputs, seconds=4), inputs)
        ```
        """
        outputs = self.backbone(
            input_values=input_values,
            channel_positions=channel_positions,
            channel_mask=channel_mask,
            attention_mask=attention_mask,
            calibration=calibration,
            condition_ids=condition_ids,
            past_key_values=past_key_values,
            use_cache=use_cache,
            **kwargs,
        )
        loss = None
        if labels is not None:
            loss = self.flow_loss(
                outputs.last_hidden_state, labels, channel_mask, attention_mask, noise=noise, flow_time=flow_time
            )
        return GETOutput(
            loss=loss,
            last_hidden_state=outputs.last_hidden_state,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )

    def flow_loss(
        self,
        hidden_states: torch.Tensor,
        labels: torch.Tensor,
        channel_mask: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
        flow_time: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Computes the mean over recordings of the squared error of the velocity (Lipman et al. 2023, eq. 9).

        The error is weighted by `error_weights`. The weights do not depend on the amplitude of the labels. Smaller
        weights for larger amplitudes would make generated bursts rarer. Differences in amplitude between recordings
        are removed by the feature extractor. Because the loss is a mean over recordings, the loss of a batch is the
        mean of the losses of its parts, on any number of processes.
        """
        states, data, noise, time, learnt = self._targets(hidden_states, labels, attention_mask, noise, flow_time)
        recording, position = learnt.nonzero(as_tuple=True)
        if not len(recording):
            return 0 * hidden_states.float().sum()  # nothing to learn; attention refuses an empty batch
        x, velocity = interpolate(
            data[recording, :, position], noise[recording, :, position], time[recording, position].to(data.dtype)
        )
        rows_mask = None if channel_mask is None else channel_mask[recording]
        predicted = self.flow_head(x, time[recording, position], states[recording, :, position], rows_mask)

        weights = error_weights(self.config.patch_size, len(self.config.flow_bands)).to(x.device)
        squares = ((predicted - velocity).float().square() * weights).mean(-1)
        present = torch.ones_like(squares) if rows_mask is None else rows_mask.to(squares)
        per_patch = (squares * present).sum(-1) / present.sum(-1).clamp(min=1)
        per_recording = per_patch.new_zeros(len(learnt)).index_add(0, recording, per_patch) / learnt.sum(-1).clamp(
            min=1
        )
        return per_recording.sum() / learnt.any(-1).sum()

    def _targets(self, hidden_states, labels, attention_mask, noise, flow_time):
        """Returns what the loss needs: states, data, noise, flow time, and a mask of positions.

        Data, noise and flow time belong to the next patch, which a state predicts. The mask is True at the positions
        that the loss includes.
        """
        config = self.config
        patches = labels.unflatten(-1, (-1, config.patch_size)).to(hidden_states.dtype)
        learnt = (patches[:, :, 1:] != IGNORE).all(-1).all(1)
        if attention_mask is not None:
            # the first patch after padding has no past from which it could be predicted
            learnt = learnt & attention_mask[:, 1:].bool() & attention_mask[:, :-1].bool()
        if noise is None:
            noise = torch.randn(*patches.shape[:2], patches.shape[2] * config.noise_size, device=patches.device)
        noise = noise.unflatten(-1, (-1, config.noise_size)).to(patches.dtype)
        noise, dither = noise.split([config.flow_size, config.noise_size - config.flow_size], dim=-1)
        data = split_amplitude(patches, dither, config.flow_bands)
        time = torch.rand_like(patches[:, 0, :, 0]) if flow_time is None else flow_time
        return hidden_states[:, :, :-1], data[:, :, 1:], noise[:, :, 1:], time[:, 1:], learnt


@auto_docstring(custom_intro="GET with a linear classifier on states and powers pooled over the scalp.")
class GETForSequenceClassification(GETPreTrainedModel):
    # a pretrained GETModel has a flow head, which a classifier does not use
    _keys_to_ignore_on_load_unexpected = [r"^flow_head\."]

    def __init__(self, config: GETConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.backbone = GETBackbone(config)
        self.pooling = GETPooling(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.num_classifier_features, config.num_labels)
        self.post_init()

    @can_return_tuple
    @auto_docstring
    def forward(
        self,
        input_values: torch.FloatTensor,
        channel_positions: torch.FloatTensor,
        channel_mask: torch.LongTensor | None = None,
        attention_mask: torch.LongTensor | None = None,
        calibration: torch.FloatTensor | None = None,
        condition_ids: torch.LongTensor | None = None,
        noise_seed: torch.LongTensor | None = None,
        labels: torch.LongTensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> SequenceClassifierOutputWithPast:
        r"""
        input_values (`torch.FloatTensor` of shape `(batch, channels, times)`):
            EEG in the innovation space of `GETFeatureExtractor`, without unit. It consists of whole patches.
        channel_positions (`torch.FloatTensor` of shape `(batch, channels, 6)`):
            Positions of each electrode and of its reference on the unit sphere.
        channel_mask (`torch.LongTensor` of shape `(batch, channels)`, *optional*):
            0 for padded channels and for bad channels.
        attention_mask (`torch.LongTensor` of shape `(batch, patches)`, *optional*):
            0 for padded patches.
        calibration (`torch.FloatTensor` of shape `(batch, channels, num_calibration_features)`, *optional*):
            The properties of each channel that the feature extractor removed by normalisation.
        condition_ids (`torch.LongTensor` of shape `(batch, patches)`, *optional*):
            Not used, because the condition is what a classifier predicts. It is accepted because the feature extractor
            returns it.
        noise_seed (`torch.LongTensor` of shape `(batch,)`, *optional*):
            Not used here, only by `generate`.
        labels (`torch.LongTensor` of shape `(batch,)`, *optional*):
            Index of the class of each recording. With another `config.problem_type`, the targets are as in any
            classifier of transformers.
        """
        outputs = self.backbone(
            input_values=input_values,
            channel_positions=channel_positions,
            channel_mask=channel_mask,
            attention_mask=attention_mask,
            calibration=calibration,
            use_cache=False,
            **kwargs,
        )
        features = self.pooling(
            outputs.last_hidden_state, input_values, channel_positions, channel_mask, attention_mask, calibration
        )
        logits = self.classifier(self.dropout(features))
        loss = None
        if labels is not None:
            loss = self.loss_function(labels=labels, pooled_logits=logits, config=self.config)
        return SequenceClassifierOutputWithPast(
            loss=loss, logits=logits, hidden_states=outputs.hidden_states, attentions=outputs.attentions
        )

    @torch.no_grad()
    def embed(
        self,
        input_values: torch.Tensor,
        channel_positions: torch.Tensor,
        channel_mask: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        calibration: torch.Tensor | None = None,
        condition_ids: torch.Tensor | None = None,
        noise_seed: torch.Tensor | None = None,
        window: int | None = None,
    ) -> torch.Tensor:
        """Returns the features of each recording, from which `model.classifier(features)` computes the logits.

        Args:
            input_values: See `forward`.
            channel_positions: See `forward`.
            channel_mask: See `forward`.
            attention_mask: See `forward`.
            calibration: See `forward`.
            condition_ids: Not used.
            noise_seed: Not used.
            window: Length of causal windows in patches. None: the whole recording is one window.

        Returns:
            Features `(batch, n_features)`. With `window`, the shape is `(batch, patches, n_features)`, and position i
            holds the features of the window that ends with patch i.
        """
        states = self.backbone(
            input_values, channel_positions, channel_mask, attention_mask, calibration, use_cache=False
        ).last_hidden_state
        return self.pooling(states, input_values, channel_positions, channel_mask, attention_mask, calibration, window)


__all__ = ["GETBackbone", "GETForSequenceClassification", "GETModel", "GETOutput", "GETPreTrainedModel"]
