# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""EEG that comes patch by patch equals the EEG of the whole, and costs the same after hours."""

import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from get_hf import CHECKPOINT, GETFeatureExtractor, GETModel, GETStream
from get_hf.processing.constraints_get import satisfy
from get_hf.processing.continuation_get import DRIFT, DRIFT_OF_EVENTS
from get_hf.processing.equaliser_get import EqualiserStream
from get_hf.processing.event_streams_get import EventStream
from get_hf.processing.feature_extraction_get import EEGFeatures
from get_hf.processing.signal_get import high_pass, resample
from small import NAMES, PATCH, as_raw, continued, signal, small_config

CAP = ["Fp1", "Fp2", "F3", "Fz", "F4", "C3", "Cz", "C4", "P3", "Pz", "P4", "O1", "O2"]
MONTAGES = {
    "linked ears": CAP,
    "average": CAP,
    "bipolar": ["Fp1-F7", "F7-T7", "T7-P7", "P7-O1", "Fp1-P7", "C3-P3"],
    "one": ["Oz"],
}
PLAN = [("eyes_open", 2), ("left_fist", 1.5), ("eyes_closed", 1)]


@pytest.fixture(scope="module")
def extractor() -> GETFeatureExtractor:
    """The shipped one, which has blinks, gains and the effects of cues."""
    return GETFeatureExtractor.from_pretrained(CHECKPOINT)


def recording(montage: str, rate: float, seconds: float = 20.0) -> np.ndarray:
    """EEG that no one had, `(channels, times)` in microvolts."""
    names = MONTAGES[montage]
    x = signal(seconds, len(names), 3, rate)
    if montage == "average":
        x -= x.mean(axis=0)
    if montage == "bipolar":
        x[4] = x[:4].sum(axis=0) - x[3]
    return x


def with_events(rate: float) -> np.ndarray:
    """Forty seconds of EEG with blinks at the forehead and heartbeats everywhere."""
    x, t = signal(40.0, len(CAP), 4, rate), np.arange(round(40 * rate)) / rate
    for blink in (3.0, 8.1, 14.4, 19.7, 26.2, 31.9, 39.7):
        bump = 200 * np.exp(-0.5 * ((t - blink) / 0.07) ** 2)
        x[:2] += bump
        x[2:5] += 0.4 * bump
    for beat in np.arange(0.4, 40, 0.85):
        x += 90 * np.exp(-0.5 * ((t - beat) / 0.012) ** 2)
    return x


class Collected:
    """A stream with what its callback got."""

    def __init__(self, extractor: GETFeatureExtractor, features: EEGFeatures):
        self.patches, self.counts = [], []
        self.stream = extractor.streamer(features, self.patches.append)

    def feed(self, features: EEGFeatures, generated: torch.Tensor) -> "Collected":
        """Does what `generate` does."""
        n_prompt = features["input_values"].shape[-1]
        self.stream.put(generated[..., :n_prompt])
        for patch in generated[..., n_prompt:].split(PATCH, dim=-1):
            self.stream.put(patch)
            self.counts.append(len(self.patches))
        self.stream.end()
        return self

    @property
    def rows(self) -> list[np.ndarray]:
        return [np.concatenate(parts, axis=-1) for parts in zip(*self.patches, strict=True)]


def assert_equal(streamed: list[np.ndarray], whole: list[np.ndarray]) -> None:
    assert len(streamed) == len(whole)
    for one, other in zip(streamed, whole, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() < 1e-4 * other.std()


def compare(extractor: GETFeatureExtractor, features: EEGFeatures, n_patches: int = 24, rows: int = 1) -> Collected:
    """Checks that the stream of a continuation equals its decoding; returns the stream."""
    generated = continued(features, n_patches, rows)
    collected = Collected(extractor, features).feed(features, generated)
    assert len(collected.patches) == collected.stream.n_patches == n_patches
    assert_equal(collected.rows, extractor.decode(generated, features, "array", include_prompt=False))
    return collected


@pytest.mark.parametrize("montage", MONTAGES)
@pytest.mark.parametrize("rate", [100.0, 128.0, 160.0, 250.0, 512.0])
def test_a_stream_equals_decode_for_any_montage_and_rate(extractor, montage, rate):
    given = {"sampling_rate": rate, "ch_names": MONTAGES[montage], "unit": "uV"}
    features = extractor(recording(montage, rate), **given, condition="rest", next_condition=PLAN)
    collected = compare(extractor, features)
    n_constraints = features.recordings[0].constraints.shape[-1]
    assert n_constraints == {"average": 1, "bipolar": 1}.get(montage, 0)
    for patch, *_ in collected.patches:
        assert abs(patch.shape[-1] - 0.25 * rate) < 1
        if montage == "average":
            np.testing.assert_allclose(patch.sum(axis=0), 0, atol=1e-6)


@pytest.mark.parametrize("rate", [100.0, 250.0])
def test_blinks_and_heartbeats_are_in_the_stream(extractor, rate):
    features = extractor(with_events(rate), rate, CAP, "uV", condition="eyes_open")
    events = features.recordings[0].events
    assert len(events.blinks.events) >= 4
    assert len(events.heartbeats.times) > 30
    whole = np.concatenate([patch for patch, *_ in compare(extractor, features, 80).patches], axis=-1)
    assert np.abs(whole[0]).max() > 100  # a blink


@pytest.mark.parametrize("rate", [100.0, 160.0, 256.0])
def test_eeg_from_nothing_streams_with_the_gains_of_its_person(extractor, rate):
    people = [None, 2, 5]
    compare(extractor, extractor(None, rate, CAP, next_condition=PLAN, person=people), 40)


def test_batches_hold_recordings_of_different_channels_and_rates(extractor):
    recordings = [as_raw(recording("linked ears", 160.0), CAP, 160.0), as_raw(signal(3.0, rate=250.0), NAMES, 250.0)]
    features = extractor(recordings, condition=["eyes_open", "rest"], next_condition=[PLAN, "feet"])
    for patch in compare(extractor, features, rows=2).patches[:3]:
        assert [len(signals) for signals in patch] == [13, 13, 4, 4]


@pytest.mark.parametrize(("unit", "scale"), [("V", 1e-6), ("mV", 1e-3), ("uV", 1.0)])
def test_streams_are_in_microvolts_whatever_the_unit_of_the_recording(extractor, unit, scale):
    x = recording("linked ears", 160.0)
    features, other = (extractor(x * factor, 160.0, CAP, name) for factor, name in ((scale, unit), (1.0, "uV")))
    generated = continued(features)
    assert_equal(
        Collected(extractor, features).feed(features, generated).rows,
        extractor.decode(generated, other, "array", include_prompt=False),
    )


def test_projectors_and_masked_channels_are_those_of_decode(extractor):
    raw = as_raw(recording("linked ears", 160.0), CAP, 160.0)
    raw.set_eeg_reference(projection=True, verbose="error").apply_proj(verbose="error")
    collected = compare(extractor, extractor(raw))
    np.testing.assert_allclose(collected.rows[0].sum(axis=0), 0, atol=1e-6)
    raw = as_raw(recording("linked ears", 160.0), CAP, 160.0)
    raw.info["bads"] = ["Fz"]
    with pytest.warns(UserWarning, match="Fz"):
        features = extractor(raw)
    assert not compare(extractor, features).rows[0][3].any()


def test_decoding_is_nearly_that_of_filters_without_a_limit(extractor):
    """The whole continuation in one piece, with a drift removal that sees all that follows."""
    features = extractor(with_events(250.0), 250.0, CAP, "uV", condition="eyes_open", next_condition=PLAN)
    (prompt,), n_patches = features.recordings, 160
    generated = continued(features, n_patches)
    made = generated[0, :, -n_patches * PATCH :].double().numpy()
    brain = extractor.transform.inverse(np.concatenate([prompt.innovation.values, made], -1), prompt.innovation)
    start = brain.shape[-1] - made.shape[-1]
    ids = np.asarray(features["condition_ids"][0, -11:].tolist())  # of the plan
    ids = np.concatenate([ids, np.full(n_patches - len(ids), ids[-1])])
    stream = EventStream(prompt.events, features["condition_ids"][0, :-11].tolist(), prompt.person)
    events = stream.push(made.reshape(len(made), -1, PATCH), ids)
    events = np.concatenate([prompt.events.signal, events], axis=-1)
    low, share = extractor.band[0], np.arange(brain.shape[-1]) - start
    parts = []
    for x, corner in ((brain, DRIFT * low), (events, DRIFT_OF_EVENTS * low)):
        weight = 0.5 - 0.5 * np.cos(np.pi * np.clip(share * corner / 100, 0, 1))
        parts.append(x - weight * (x - high_pass(x, 100.0, corner)))
    equaliser = EqualiserStream(
        lambda name: extractor.gains.equaliser(prompt, (name,), "eyes_open"), extractor.conditions, prompt.positions
    )
    parts[0][:, start:] = equaliser.push(parts[0][:, start:], np.repeat(ids, PATCH))
    whole = sum(parts)
    whole[:, start:] = satisfy(whole[:, start:], prompt.constraints)
    expected = resample(whole, 100.0, 250.0, ends="antireflect")[:, -n_patches * PATCH * 5 // 2 :]
    (decoded,) = extractor.decode(generated, features, "array", include_prompt=False)
    assert np.std(decoded - expected) < 0.04 * np.std(expected)
    inside = slice(round(2.5 * 250), -250)  # without the ends
    slow = [np.abs(np.fft.rfft(x[:, inside]))[:, 60:].ravel() for x in (decoded, expected)]  # from 1.6 Hz on
    np.testing.assert_allclose(slow[0] @ slow[1] / (slow[1] @ slow[1]), 1, atol=2e-3)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=12),
    st.sampled_from([0.3, 1.0, 7.0]),
    st.sampled_from([50.0, 100.0, 173.61, 250.0]),
    st.sampled_from([None, "eyes_closed", PLAN]),
)
@settings(deadline=None, max_examples=25)
def test_any_number_of_patches_may_come_at_a_time(extractor, sizes, seconds, rate, following):
    features = extractor(signal(seconds, rate=rate), rate, NAMES, "uV", condition="rest", next_condition=following)
    generated = continued(features, sum(sizes))
    (whole,) = extractor.decode(generated, features, "array", include_prompt=False)
    n_prompt = features["input_values"].shape[-1]
    ids = features["condition_ids"][0, n_prompt // PATCH - 1 :].tolist()
    ids += [ids[-1]] * sum(sizes)
    before = features["condition_ids"][0, : n_prompt // PATCH - 1].tolist()
    decoder = extractor._decoder(features.recordings[0], before)
    ends = np.cumsum(sizes)
    parts = [
        decoder.push(generated[0, :, n_prompt:].numpy()[:, start * PATCH : end * PATCH], ids[start:end])
        for start, end in zip(ends - sizes, ends, strict=True)
    ]
    assert_equal([np.concatenate([*parts, decoder.finish()], axis=-1)], [whole])


@pytest.mark.parametrize("rate", [100.0, 250.0, 200.0])
def test_the_rate_of_a_stream_may_differ_from_that_of_the_recording(extractor, rate):
    features = extractor(recording("linked ears", 160.0, 7.3), 160.0, CAP, "uV", condition="rest", next_condition=PLAN)
    generated = continued(features, 30)
    received = []
    stream = extractor.streamer(features, received.append, sampling_rate=rate)
    n_prompt = features["input_values"].shape[-1]
    stream.put(features["input_values"])
    for patch in generated[..., n_prompt:].split(PATCH, dim=-1):
        stream.put(patch)
    stream.end()
    signal_ = np.concatenate([patch for patch, *_ in received], axis=-1)
    assert signal_.shape == (13, round(7.5 * rate))
    (whole,) = extractor.decode(generated, features, "array")
    at_rate = resample(resample(whole, 160.0, 100.0, ends="antireflect"), 100.0, rate, ends="antireflect")
    inside = slice(int(7.3 * rate), int(14.3 * rate))
    error = signal_[:, : 7 * round(rate)] - at_rate[:, inside][:, : 7 * round(rate)]
    assert np.std(error) < 0.02 * np.std(signal_)
    assert [stream.conditions_of(patch)[0] for patch in (0, 8, 14, 29)] == [
        "eyes_open", "left_fist", "eyes_closed", "eyes_closed",
    ]  # fmt: skip


class TestLatency:
    @pytest.mark.parametrize(
        ("rate", "seconds"), [(100.0, 1.0), (128.0, 1.0), (250.0, 1.0), (512.0, 1.0), (50.0, 1.25), (20.0, 1.5)]
    )
    def test_a_patch_comes_as_late_as_stated_and_no_later(self, extractor, rate, seconds):
        features = extractor(None, rate, NAMES)
        collected = Collected(extractor, features).feed(features, continued(features, 20))
        assert collected.stream.latency == pytest.approx(seconds)
        n_late = round(seconds / 0.25)
        assert collected.counts == [max(0, n - n_late) for n in range(1, 21)]

    def test_what_is_generated_later_than_that_changes_nothing(self, extractor):
        features = extractor(signal(), 160.0, NAMES, "uV")
        generated = continued(features, 20)
        other = generated.clone()
        other[..., -8 * PATCH :] += 3.0
        first, second = (Collected(extractor, features).feed(features, each) for each in (generated, other))
        for n, (one, two) in enumerate(zip(first.patches, second.patches, strict=True)):
            assert (np.abs(one[0] - two[0]).max() < 1e-9) == (n < 8), n

    def test_less_than_the_latency_may_be_generated(self, extractor):
        for rate in (100.0, 250.0):
            compare(extractor, extractor(None, rate, NAMES), 1)
            compare(extractor, extractor(signal(rate=rate), rate, NAMES, "uV"), 2)


def arrays(held: object, seen: set[int]) -> Iterator[np.ndarray]:
    """All arrays that an object of the package holds."""
    if id(held) in seen:
        return
    seen.add(id(held))
    if isinstance(held, (np.ndarray, torch.Tensor)):
        yield np.asarray(held)
    elif isinstance(held, (list, tuple, dict)):
        for each in held.values() if isinstance(held, dict) else held:
            yield from arrays(each, seen)
    elif type(held).__module__.startswith(("get_hf", "scipy.interpolate")) and hasattr(held, "__dict__"):
        yield from arrays(vars(held), seen)


def test_patch_2000_costs_as_much_as_patch_20(extractor):
    features = extractor(with_events(160.0), 160.0, CAP, "uV", condition="eyes_open")
    received = []
    old, new = (extractor.streamer(features, lambda patch: received.append(patch[0].shape[-1])) for _ in range(2))
    noise = torch.randn(2040, 1, len(CAP), PATCH, generator=torch.Generator().manual_seed(0))
    sizes = []
    old.put(features["input_values"])
    for number, patch in enumerate(noise):
        old.put(patch)
        if number % 20 == 19:
            sizes.append(sum(array.size for array in arrays(old, set())))
    assert received == [40] * 2036
    # heartbeats that have not ended, and samples of a patch that is not complete, come and go
    assert np.ptp(sizes[1:]) < 100
    assert max(sizes[-20:]) <= max(sizes[1:21]) + 20
    new.put(features["input_values"])
    seconds = {old: [], new: []}
    for patch in noise[:200]:
        for stream in seconds:  # in turn, so that other work on the machine slows both
            began = time.process_time()
            stream.put(patch)
            seconds[stream].append(time.process_time() - began)
    assert np.median(seconds[old][20:]) < 1.25 * np.median(seconds[new][20:]) + 1e-4


@pytest.fixture(scope="module")
def model(extractor) -> GETModel:
    """A small model that hears its conditions."""
    torch.manual_seed(0)
    model = GETModel(small_config(conditions=extractor.conditions, heard_conditions=extractor.heard_conditions))
    for parameter in model.parameters():
        parameter.data.add_(0.1 * torch.randn(parameter.shape))
    return model.eval()


class TestWhileGenerating:
    def generate(self, model, features, **options) -> torch.Tensor:
        noise = torch.Generator().manual_seed(1)
        return model.generate(**features, generator=noise, **({"max_new_tokens": 24} | options))

    @pytest.mark.parametrize(
        "options", [{}, {"num_return_sequences": 2}, {"guidance_scale": 1.5}, {"use_cache": False}]
    )
    def test_a_condition_that_changes_reaches_model_and_stream(self, extractor, model, options):
        given = (signal(seconds=3.0), 160.0, NAMES, "uV")
        features = extractor(*given, condition="eyes_open")
        received = []

        def callback(patch: list[np.ndarray]) -> None:
            received.append(patch)
            if len(received) == 5:
                stream.change("left_fist")
            if len(received) == 9:
                stream.change([("eyes_closed", 1.0), ("rest", 1.0)])

        stream = extractor.streamer(features, callback)
        generated = self.generate(model, features, streamer=stream, **options)
        rows = [np.concatenate(parts, axis=-1) for parts in zip(*received, strict=True)]
        # nine patches have begun when the fifth is there, and so on
        plan = [("eyes_open", 9 * 0.25), ("left_fist", 1.0), ("eyes_closed", 1.0), ("rest", 1.0)]
        planned = extractor(*given, condition="eyes_open", next_condition=plan)
        torch.testing.assert_close(self.generate(model, planned, **options), generated, atol=1e-5, rtol=0)
        unchanged = self.generate(model, features, **options)
        n_same = features["input_values"].shape[-1] + 9 * PATCH
        torch.testing.assert_close(unchanged[..., :n_same], generated[..., :n_same])
        assert (unchanged[..., n_same:] - generated[..., n_same:]).abs().max() > 1e-3
        assert_equal(rows, extractor.decode(generated, planned, "array", include_prompt=False))
        ids = stream.condition_ids()
        assert ids.shape[0] == len(rows)
        assert ids[0, -1] == extractor.condition_id("rest")

    def test_without_a_change_it_equals_decode(self, extractor, model):
        features = extractor(None, 250.0, NAMES, next_condition=PLAN, person=[1, 2])
        received = []
        generated = self.generate(model, features, streamer=extractor.streamer(features, received.append))
        rows = [np.concatenate(parts, axis=-1) for parts in zip(*received, strict=True)]
        assert_equal(rows, extractor.decode(generated, features, "array"))

    def test_conditions_that_the_model_was_not_trained_with_are_refused(self, extractor, model):
        features = extractor(None, ch_names=NAMES)
        stream = extractor.streamer(features, print)
        for wrong in ("asleep", [("eyes_open", 0.1)], [], 3):
            with pytest.raises(ValueError, match=r"condition|plan"):
                stream.change(wrong)

        class Own(GETStream):
            def condition_ids(self):
                return torch.tensor([[99]])

        stream.__class__ = Own
        with pytest.raises(ValueError, match="99"):
            model.generate(**features, max_new_tokens=2, streamer=stream)


class TestRefusals:
    def test_features_without_recordings(self, extractor):
        features = extractor(None, ch_names=NAMES)
        with pytest.raises(ValueError, match=r"streamer\(\) needs the features"):
            extractor.streamer(dict(features), print)

    @pytest.mark.parametrize("rate", [0, -1, float("nan"), "fast", True])
    def test_rates_that_are_not_positive(self, extractor, rate):
        with pytest.raises(ValueError, match="sampling_rate"):
            extractor.streamer(extractor(None, ch_names=NAMES), print, sampling_rate=rate)

    @pytest.mark.parametrize("callback", [None, "print", 3])
    def test_what_cannot_be_called(self, extractor, callback):
        with pytest.raises(ValueError, match="callback must be a function"):
            extractor.streamer(extractor(None, ch_names=NAMES), callback)

    def test_the_patches_of_others(self, extractor):
        features, other = (extractor(None, ch_names=names) for names in (NAMES, CAP))
        stream = extractor.streamer(features, print)
        with pytest.raises(ValueError, match="pass the same features"):
            stream.put(other["input_values"])
        stream.put(features["input_values"])
        with pytest.raises(ValueError, match="one stream for each"):
            stream.put(torch.zeros(1, 13, PATCH))

    def test_a_second_call_of_generate(self, extractor, model):
        features = extractor(None, ch_names=NAMES)
        stream = extractor.streamer(features, lambda patch: None)
        model.generate(**features, max_new_tokens=2, streamer=stream)
        with pytest.raises(ValueError, match="has ended"):
            model.generate(**features, max_new_tokens=2, streamer=stream)
