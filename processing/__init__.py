# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Signal processing: converts a recording to the inputs of GET, and the output of GET back to a recording.

The files of this folder are copied next to the weights on the Hub, into one folder. So they must work alone. They
import numpy, scipy, torch, transformers and one another (``from .sibling import name``). They import mne only where
a ``try`` catches its absence. They never import get_hf, modeling or training.
"""
