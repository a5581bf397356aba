# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`python -m get_hf` is the `get-hf` command."""

from get_hf.cli import main

if __name__ == "__main__":
    main()
