# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Adds the noise of an amplifier and mains hum, which GET does not generate.

GET knows EEG up to 45 Hz. The EEG of a real amplifier also has power above, from the amplifier itself and the mains.
"""

import numpy as np

#: Amplitude of the third harmonic of the mains, relative to the fundamental.
THIRD_HARMONIC = 0.2


class AmplifierNoise:
    """White noise and mains hum, any number of samples at a time.

    Args:
        n_chans: Number of channels.
        sampling_rate: Sampling rate in Hz.
        noise: Root mean square of the white noise of each channel, in microvolts.
        hum: Root mean square of the hum, in microvolts, in the mean over channels.
        mains: Frequency of the mains in Hz.
        seed: Seed of the noise.

    Raises:
        ValueError: The sampling rate is too low for the mains.
    """

    def __init__(self, n_chans: int, sampling_rate: float, noise: float, hum: float, mains: float, seed: int):
        if hum and mains >= sampling_rate / 2:
            raise ValueError(
                f"Mains hum of {mains:g} Hz needs a sampling rate above {2 * mains:g} Hz, not {sampling_rate:g} Hz: "
                "ask for a higher rate, or for no hum."
            )
        self._random, self._noise, self._step = np.random.default_rng(seed), noise, mains / sampling_rate
        # the cables of electrodes catch the hum with about the same phase, but not equally well
        self._hum = hum * self._random.uniform(0.5, 1.5, (n_chans, 1))
        self._phase = self._random.normal(0, 0.3, (n_chans, 1))
        self._n_sent = 0

    def add(self, signal: np.ndarray) -> np.ndarray:
        """Returns the next samples `(channels, times)` in microvolts, with noise and hum."""
        n_times = signal.shape[-1]
        if self._noise:
            signal = signal + self._noise * self._random.standard_normal(signal.shape)
        if self._hum.any():
            # whole periods are dropped first, because a product of large numbers would lose the phase after days
            angle = 2 * np.pi * ((self._n_sent + np.arange(n_times)) * self._step % 1.0) + self._phase
            wave = np.sin(angle)
            if 3 * self._step < 0.5:
                wave += THIRD_HARMONIC * np.sin(3 * angle)
            signal = signal + np.sqrt(2) * self._hum * wave
        self._n_sent += n_times
        return signal
