# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import os

# tests run side by side (pytest -n), and what is tiny gains nothing from threads; subprocesses inherit it
os.environ.setdefault("OMP_NUM_THREADS", "1")
