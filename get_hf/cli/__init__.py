# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines the `get-hf` command.

Most modules of this folder define one command or a group of commands. `console` and `checkpoint` hold shared code.
Until `main` runs, `get_hf.starting` handles Ctrl-C.
"""

import io
import sys
import warnings
from importlib.metadata import version
from typing import Annotated, Any

import typer
from huggingface_hub.utils import logging as hub_logging
from transformers.utils import logging as transformers_logging
from typer.exceptions import TyperException

from get_hf.cli import (
    augment,
    calibrate,
    classify,
    convert,
    corpus,
    evaluate,
    finetune,
    generate,
    hub,
    impute,
    info,
    listen,
    pretrain,
    score,
    space,
    stream,
)
from get_hf.cli.console import fail, in_one_sentence, show_note, show_traceback, stdout, stop
from get_hf.starting import INTERRUPTED, started

app = typer.Typer(pretty_exceptions_enable=False, no_args_is_help=True)
for _command in (
    generate.generate,
    score.score,
    augment.augment,
    classify.classify,
    impute.impute,
    stream.stream,
    listen.listen,
    pretrain.pretrain,
    finetune.finetune,
    calibrate.calibrate,
    evaluate.evaluate,
    convert.convert,
    info.info,
):
    app.command()(_command)
app.add_typer(corpus.app, name="corpus")
app.add_typer(hub.app)
app.command("demo")(space.demo)
app.command("push-space")(space.push_space)


def _show_version(wanted: bool) -> None:
    if wanted:
        stdout.print(f"get-hf {version('get-hf')}")
        raise typer.Exit


@app.callback()
def _get_hf(
    version_: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """GET, a Generative EEG Transformer: continue an EEG recording, or generate one from nothing."""


def main() -> None:
    """Runs the command; an error prints one sentence and ends with exit code 2, and Ctrl-C with exit code 130."""
    try:
        started()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal that cannot print µ should not stop the command
        warnings.showwarning = show_note  # type: ignore[assignment]
        warnings.simplefilter("ignore", FutureWarning)
        transformers_logging.set_verbosity_error()
        hub_logging.set_verbosity_error()
        code = app(prog_name="get-hf", standalone_mode=False)
        if code == INTERRUPTED:  # typer's exit code after Ctrl-C
            raise KeyboardInterrupt
        sys.exit(code)
    except KeyboardInterrupt:
        stop("nothing was written: the same command starts again")
    except TyperException as error:  # an unknown option, a missing argument, or no command, which printed the help
        context: Any = getattr(error, "ctx", None)
        said = error.format_message().replace("Value error, ", "")  # pydantic writes this before its message
        fail(said or f"Say what to do: {', '.join(context.command.list_commands(context))}.")
    except Exception as error:
        show_traceback()
        fail(in_one_sentence(error))
