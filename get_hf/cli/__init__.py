# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The `get-hf` command: each module here is one command, `console` is what they share."""

import sys
import warnings

import typer
from huggingface_hub.utils import logging as hub_logging
from transformers.utils import logging as transformers_logging
from typer.exceptions import TyperException

from get_hf import hub_cli, space_cli
from get_hf.cli import calibrate, corpus, evaluate, generate, info, pretrain
from get_hf.cli.console import fail, show_note, stderr, stdout
from get_hf.cli.console import require_extra as _require_extra

__all__ = ["_require_extra", "app", "main", "stderr", "stdout", "transformers_logging"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
for _command in (generate.generate, pretrain.pretrain, calibrate.calibrate, evaluate.evaluate, info.info):
    app.command()(_command)
app.add_typer(corpus.app, name="corpus")
app.add_typer(hub_cli.app)
app.command("demo")(space_cli.demo)
app.command("push-space")(space_cli.push_space)


@app.callback()
def _get_hf() -> None:
    """GET, a Generative EEG Transformer: continue an EEG recording, or make one from nothing."""


def main() -> None:
    """Runs the command; what a user can get wrong ends in one sentence and exit code 2."""
    warnings.showwarning = show_note
    warnings.simplefilter("ignore", FutureWarning)
    transformers_logging.set_verbosity_error()
    hub_logging.set_verbosity_error()
    try:
        sys.exit(app(prog_name="get-hf", standalone_mode=False))
    except (ValueError, OSError) as error:
        fail(str(error))
    except TyperException as error:  # an unknown option, a missing argument; nothing at all, which showed the help
        fail(error.format_message() or f"Say what to do: {', '.join(error.ctx.command.list_commands(error.ctx))}.")
