# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
from training_data import data_dir  # noqa: F401  a fixture
