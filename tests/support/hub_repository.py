# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the Hub of the tests keeps: repositories with their history, and the content of their files."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Blob:
    """The content of one file."""

    content: bytes
    is_lfs: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def oid(self) -> str:
        """Git's name for what lies in the repository: the content, or the pointer that stands for it."""
        kept = self.content
        if self.is_lfs:
            lines = "version https://git-lfs.github.com/spec/v1", f"oid sha256:{self.sha256}", f"size {len(kept)}", ""
            kept = "\n".join(lines).encode()
        return hashlib.sha1(b"blob %d\0" % len(kept) + kept).hexdigest()

    def described(self) -> dict[str, Any]:
        """As the listings have it."""
        lfs = {"oid": self.sha256, "size": len(self.content), "pointerSize": 130}
        return {"oid": self.oid, "size": len(self.content)} | ({"lfs": lfs} if self.is_lfs else {})


@dataclass
class Repository:
    """A repository with its history: main, tags, and proposals (pull requests) that nobody merges."""

    kind: str
    name: str
    private: bool
    sdk: str | None = None
    commits: list[tuple[str, dict[str, Blob]]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    proposals: list[tuple[str, dict[str, Blob]]] = field(default_factory=list)

    def __post_init__(self):
        self.commit("initial commit", {".gitattributes": Blob(b"*.parquet filter=lfs diff=lfs merge=lfs -text\n")})

    @property
    def head(self) -> str:
        return self.commits[-1][0]

    @property
    def files(self) -> dict[str, bytes]:
        """What the last commit holds."""
        return {path: blob.content for path, blob in self.commits[-1][1].items()}

    def commit(self, message: str, blobs: dict[str, Blob], is_proposal: bool = False) -> str:
        """Makes a state of all files the new head, or proposes it."""
        listing = [self.commits[-1][0] if self.commits else "", self.kind, self.name, message]
        listing += [f"{path} {blob.oid}" for path, blob in sorted(blobs.items())]
        sha = hashlib.sha1("\n".join(listing).encode()).hexdigest()
        if is_proposal:
            self.proposals.append((sha, blobs))
        else:
            self.commits.append((sha, blobs))
            self.messages.append(message)
        return sha

    def at(self, revision: str) -> tuple[str, dict[str, Blob]] | None:
        """Commit and files of a revision, or None where there is no such revision."""
        if revision in ("main", "HEAD", "refs/heads/main"):
            return self.commits[-1]
        if proposal := re.fullmatch(r"refs/pr/(\d+)", revision):
            return self.proposals[int(proposal[1]) - 1]
        revision = self.tags.get(revision, revision)
        return next((commit for commit in self.commits + self.proposals if commit[0] == revision), None)
