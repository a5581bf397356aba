# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Turns errors of the Hub or of the network into one sentence with a solution."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants
from huggingface_hub.errors import (
    HfHubHTTPError,
    HTTPError,  # no answer, or an incomplete answer
    LocalEntryNotFoundError,
    RevisionNotFoundError,
)


def check_name(repo: str) -> str:
    """Returns the name of a repository if it is valid.

    Raises:
        ValueError: The name is not "owner/name".
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise ValueError(f"{repo!r} is not the name of a repository on the Hub: write OWNER/NAME.")
    return repo


@contextmanager
def one_sentence(repo: str, verb: str = "push") -> Iterator[None]:
    """Context that replaces errors of the Hub's client, while it pushes or pulls a repository, by one sentence.

    Args:
        repo: Name of the repository, "owner/name".
        verb: "push" or "pull".

    Raises:
        OSError: The client raised an error.
    """
    try:
        yield
    except RevisionNotFoundError as error:
        raise OSError(f"{repo} has no such revision: name a branch, a tag or a commit of it.") from error
    except (HfHubHTTPError, HTTPError, ConnectionError, LocalEntryNotFoundError, RuntimeError) as error:
        answer = _answer(error)
        if answer is not None:
            raise OSError(f"The Hub refused {repo} ({answer.response.status_code}): {_why(answer, verb)}.") from error
        if isinstance(error, RuntimeError):
            raise  # no error of the Hub
        if constants.HF_HUB_OFFLINE:
            raise OSError(f"HF_HUB_OFFLINE is set, so {repo} was not {verb}ed: unset it and {verb} again.") from error
        raise OSError(
            f"The Hub cannot be reached ({type(error).__name__}), so {repo} was not {verb}ed: check the network "
            f"and {verb} again."
        ) from error


def _answer(error: BaseException | None) -> HfHubHTTPError | None:
    """Returns the refusal of the Hub that caused an error of the client; None if there was no refusal."""
    while error is not None and not isinstance(error, HfHubHTTPError):
        error = error.__cause__
    return error


def _why(refusal: HfHubHTTPError, verb: str) -> str:
    """Returns the meaning of a refusal, and a solution."""
    unknown = "it does not know you" if verb == "push" else "there is no such repository, or not for you"
    may = "write" if verb == "push" else "read"
    return {
        401: f"{unknown}: log in with `hf auth login`, with a token that may {may}",
        403: f"your token may not {may} there: use one that may, or a name of your own",
        404: f"{unknown}, or the name is wrong: log in with `hf auth login`",
        409: f"it is being changed by another upload: {verb} again",
        412: f"another upload has changed it meanwhile: {verb} again",
        429: f"too many requests: {verb} again in a while",
    }.get(refusal.response.status_code, refusal.server_message or str(refusal).strip().partition("\n")[0])
