# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""`get-hf demo` and `get-hf push-space`: the page, here or as a Space on the Hub."""

import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from packaging.requirements import InvalidRequirement, Requirement

from get_hf.pretrained import CHECKPOINT

#: What is uploaded; `requirements.txt` of it says how the Space gets this package.
SPACE = Path(__file__).parent / "space"
PACKAGE = "get-hf[space]"
CARD = "README.md"


def demo(
    port: Annotated[int | None, typer.Option(help="Port.", min=1, max=65535, show_default="7860, or the next")] = None,
    checkpoint: Annotated[
        str, typer.Option(help="Folder, or owner/name[@revision] on the Hub.", show_default="shipped")
    ] = str(CHECKPOINT),
    classifier: Annotated[
        str | None,
        typer.Option(help="Fine-tuned classifier to ask about recordings: folder, or owner/name[@revision]."),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Serve the page of the Space on this machine, for this machine."""
    from get_hf import cli

    cli._require_extra("space")
    cli.transformers_logging.disable_progress_bar()
    with cli.stderr.status("Loading the page"):
        from get_hf.space import app
    app.launch(checkpoint, classifier, server_name="127.0.0.1", server_port=port, inbrowser=browser)


def push_space(
    repo: Annotated[str, typer.Argument(help="OWNER/NAME on the Hub; made if need be.")],
    private: Annotated[bool, typer.Option("--private", help="Only you may see it.")] = False,
    package: Annotated[
        str,
        typer.Option(
            help='How the Space installs this package, such as "get-hf[space] @ git+https://host/repository".'
        ),
    ] = PACKAGE,
) -> None:
    """Publish the page as a Space, in one commit."""
    from get_hf import cli

    with cli.stderr.status(f"Uploading to {repo}"):
        address = upload(repo, private, package)
    cli.stdout.print(address, style="bold")


def upload(repo: str, private: bool = False, package: str = PACKAGE) -> str:
    """Uploads `get_hf/space/` as it is, but for the line of its requirements that names this package.

    A card of the Space that somebody has changed since stays, and a note says so.

    Args:
        repo: `owner/name`.
        private: Whether a Space that is new is private.
        package: The requirement, as pip reads it.

    Returns:
        Address of the Space.

    Raises:
        ValueError: `package` is no requirement, or another's; or `repo` is no name.
        OSError: The Hub refuses, or cannot be reached.
    """
    from huggingface_hub import HfApi

    from get_hf.training.hub_access import check_name, one_sentence

    check_name(repo)
    try:
        is_this = Requirement(package).name == "get-hf"
    except InvalidRequirement:
        is_this = False
    if not is_this:
        raise ValueError(f'{package!r} does not say how to install get-hf: give "{PACKAGE}", or add " @ " and a URL.')
    api = HfApi()
    with one_sentence(repo), tempfile.TemporaryDirectory(prefix="get-space-") as temporary:
        created = api.create_repo(repo, repo_type="space", space_sdk="gradio", private=private, exist_ok=True)
        staged = Path(temporary) / "space"
        staged.mkdir()
        for source in SPACE.iterdir():
            if source.is_file():
                text = source.read_text(encoding="utf-8")
                if source.name == "requirements.txt":
                    text = text.replace(PACKAGE, package)
                (staged / source.name).write_text(text, encoding="utf-8")
        # the Hub gives a new Space a card of its own; one beside the page is ours, or was changed by hand
        if {CARD, "app.py"} <= set(api.list_repo_files(repo, repo_type="space")):
            there = Path(api.hf_hub_download(repo, CARD, repo_type="space", cache_dir=Path(temporary) / "there"))
            if there.read_bytes() != (staged / CARD).read_bytes():
                (staged / CARD).unlink()
                warnings.warn(
                    f"{CARD} of {repo} stays as it is on the Hub: delete it there to have ours.", stacklevel=2
                )
        api.upload_folder(
            repo_id=repo,
            repo_type="space",
            folder_path=staged,
            commit_message=f"Serve GET-HF {version('get-hf')}",
        )
    return str(created)
