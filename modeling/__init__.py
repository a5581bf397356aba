# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Holds the network of GET.

The files of this folder are copied into the folder of the weights on the Hub, so they must work without the rest of
the package. They import torch, numpy, transformers and each other (``from .sibling import name``). They never import
get_hf, processing or training.
"""
