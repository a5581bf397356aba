# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Publishes a prepared corpus on the Hub, if its licence allows it.

    url = push("out/eegmmidb", "someone/eegmmidb-get")

The corpus is sent in one commit, so that it arrives completely or not at all. Afterwards, the files on the Hub are
compared with the files that were sent.
"""

import hashlib
import json
import re
import tempfile
import warnings
from pathlib import Path

import pyarrow.parquet as pq
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from get_hf.hub.access import check_name, one_sentence
from get_hf.hub.card import CARD

_SHARD = re.compile(r"data/\w+-\d{5}-of-\d{5}\.parquet")
#: Names of files that the Hub adds to every repository.
_HUBS_OWN = {".gitattributes"}


def push(folder: str | Path, repo: str, private: bool = False) -> str:
    """Publishes a prepared corpus as a dataset on the Hub, in one commit.

    The same commit deletes shards of an earlier push that are no longer in the folder.

    Args:
        folder: A folder that `prepare` wrote. If it has no card, a card is generated. A generated card does not
            replace a card on the Hub that was written by hand.
        repo: Name of the dataset, "owner/name". If it does not exist, it is created.
        private: Whether only the owner of the dataset may see it.

    Returns:
        The address of the dataset.

    Raises:
        ValueError: The licence forbids publishing the corpus, or the repository holds something else.
        FileNotFoundError: The folder does not exist.
        OSError: The Hub cannot be reached or refuses the request, or the arrived files differ from the sent files.
    """
    from get_hf.training.data.card import MARK, OWN_NAME, PICTURE, card, read_folder
    from get_hf.training.data.prepared import INFO

    folder = Path(folder)
    check_may_be_shared(folder)
    check_name(repo)
    if not (folder / CARD).is_file():
        card(folder)
    files: dict[str, Path | bytes] = {name: folder / name for name in (INFO, PICTURE) if (folder / name).is_file()}
    files |= {f"data/{path.name}": path for path in sorted((folder / "data").glob("*.parquet"))}
    files[CARD] = (folder / CARD).read_text(encoding="utf-8").replace(OWN_NAME, repo).encode()

    api = HfApi()
    with one_sentence(repo):
        api.create_repo(repo, repo_type="dataset", private=private or None, exist_ok=True)
        if private and not api.dataset_info(repo).private:
            raise ValueError(f"{repo} is there already and public, and --private was asked for: choose another name.")
        there = set(api.list_repo_files(repo, repo_type="dataset")) - _HUBS_OWN
        stale = {path for path in there - set(files) if _SHARD.fullmatch(path)}
        if foreign := sorted(there - set(files) - stale):
            raise ValueError(f"{repo} holds what is no part of a prepared corpus, {foreign[0]}: choose another name.")
        if CARD in there and MARK.encode() in files[CARD] and MARK not in _card(api, repo):  # type: ignore[operator]
            warnings.warn(f"{CARD} of {repo} was written by hand and stays as it is on the Hub.", stacklevel=2)
            del files[CARD]
        sent = [CommitOperationAdd(path, content) for path, content in files.items()]
        commit = api.create_commit(
            repo,
            [*(CommitOperationDelete(path) for path in sorted(stale)), *sent],
            commit_message=f"{read_folder(folder).corpus}, prepared for GET",
            repo_type="dataset",
        )
        _check_arrived(api, repo, commit.oid, sent)
    return f"{api.endpoint}/datasets/{repo}"


def _card(api: HfApi, repo: str) -> str:
    """Returns the text of the card on the Hub."""
    with tempfile.TemporaryDirectory(prefix="get-hf-") as folder:
        return Path(api.hf_hub_download(repo, CARD, repo_type="dataset", cache_dir=folder)).read_text("utf-8")


def check_may_be_shared(folder: Path) -> None:
    """Refuses a corpus whose licence forbids publishing it, even if the folder names another licence.

    The folder names a corpus, and each row of its data names a corpus. For all of them, the licence in the registry of
    corpora decides.

    Raises:
        FileNotFoundError: The folder does not exist.
        ValueError: A licence forbids publishing, the folder was prepared under another licence, or `folder` is not a
            prepared corpus.
    """
    from get_hf.training.corpora import get_corpus
    from get_hf.training.data.card import read_folder
    from get_hf.training.data.prepared import INFO

    named = {read_folder(folder).corpus}
    for path in sorted((folder / "data").glob("*.parquet")):
        named.update(pq.read_table(path, columns=["corpus"])["corpus"].unique().to_pylist())
    for corpus in map(get_corpus, sorted(named)):
        if not corpus.may_redistribute:
            raise ValueError(
                f"{corpus.name} must not be published: its licence ({corpus.licence}) does not allow sharing what is "
                "derived from it; keep the folder, and let others prepare their own."
            )
        said = json.loads((folder / INFO).read_text(encoding="utf-8")).get("license")
        if said != corpus.licence:
            raise ValueError(
                f"{folder} must not be published: it says its licence is {said}, and {corpus.name} is under "
                f"{corpus.licence}; prepare the corpus again."
            )


def _check_arrived(api: HfApi, repo: str, commit: str, sent: list[CommitOperationAdd]) -> None:
    """Compares the files on the Hub with the sent files: large files by SHA-256, all others by git's checksum."""
    listed = api.list_repo_tree(repo, recursive=True, revision=commit, repo_type="dataset")
    there = {entry.path: entry for entry in listed if hasattr(entry, "size")}
    for file in sent:
        entry = there.get(file.path_in_repo)
        if entry is None or (
            entry.lfs.sha256 != file.upload_info.sha256.hex() if entry.lfs else entry.blob_id != _git_checksum(file)
        ):
            raise OSError(f"{file.path_in_repo} did not arrive whole in {repo}: push again.")


def _git_checksum(file: CommitOperationAdd) -> str:
    with file.as_file() as opened:
        content = opened.read()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
