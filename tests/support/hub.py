# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A Hugging Face Hub on the loopback interface, in memory, for clients that do not know the difference.

    with Hub() as hub:
        subprocess.run([...], env=os.environ | hub.environment)
        hub.repositories["dataset", "someone/something"].files["README.md"]

It speaks the parts of the Hub's protocol that `huggingface_hub`, `transformers` and `datasets` use to create
repositories of models, datasets and Spaces, to commit to them (large files by Git LFS) and to read from them.
The endpoint is read when those libraries are imported, so a client is a process of its own that starts with
`Hub.environment`. What the Hub refuses, this refuses: writing without the token, private repositories of
others, files whose checksum is wrong, a card whose metadata cannot be read, a commit to something that moved.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import huggingface_hub
import yaml

from hub_repository import Blob, Repository

__all__ = ["TOKEN", "USER", "Blob", "Hub", "Repository", "take_for_the_hub"]

USER, TOKEN = "someone", "hf_loopback"
#: Larger files, and files that are not text, go through Git LFS.
LARGEST_REGULAR = 10_000_000
#: Metadata of a card is checked for these; the Hub's own list is longer.
LICENCES = {"apache-2.0", "mit", "odc-by", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "other", "unknown"}
_KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}


class Refused(Exception):
    """An answer that is not a success: the status, the Hub's word for it, and a sentence."""

    def __init__(self, status: int, message: str, code: str | None = None, commit: str | None = None):
        super().__init__(message)
        self.status = status
        self.headers = {"X-Error-Message": message}
        self.headers |= {"X-Error-Code": code} if code else {}
        self.headers |= {"X-Repo-Commit": commit} if commit else {}


class Hub:
    """The server; it runs while the context is open.

    Attributes:
        repositories: By kind ("model", "dataset", "space") and name ("owner/name").
        requests: Method and path of everything that was asked for, in order.
        failures: Made to fail: (method, regular expression of the path) to a status.
        cuts: Downloads whose connection breaks: regular expression of the path to [position in bytes, how often].
    """

    def __init__(self):
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.requests: list[tuple[str, str]] = []
        self.failures: dict[tuple[str, str], int] = {}
        self.cuts: dict[str, list[int]] = {}
        self.large_files: dict[str, bytes] = {}
        self.lock = threading.RLock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Hub":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """What makes a new process take this for the Hub, as somebody who has logged in."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": TOKEN,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_OFFLINE": "0",
            "HF_DATASETS_OFFLINE": "0",
            "NO_PROXY": "127.0.0.1,localhost",
        }


def take_for_the_hub(monkeypatch, url: str, cache: Path | None = None) -> None:
    """Makes the client in this process do what `Hub.environment` makes a new one do; `cache` is where copies go."""
    constants = {
        "ENDPOINT": url,
        "HUGGINGFACE_CO_URL_TEMPLATE": url + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_OFFLINE": False,
    }
    constants |= {} if cache is None else {"HF_HUB_CACHE": str(cache)}
    for name, value in constants.items():
        monkeypatch.setattr(huggingface_hub.constants, name, value)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection; `hub` is set by `Hub`."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET

    # ------------------------------------------------------------------------------------------ from request to answer

    def _answer(self) -> None:
        url = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        self.body = self._read_body()
        with self.hub.lock:
            self.hub.requests.append((self.command, url.path))
            try:
                for (method, pattern), status in self.hub.failures.items():
                    if method == self.command and re.search(pattern, url.path):
                        raise Refused(status, HTTPStatus(status).phrase)
                self._route(url.path)
            except Refused as refused:
                self._send(refused.status, {"error": str(refused)}, refused.headers)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {"Content-Length": str(len(body)), "Content-Type": "application/json"} | (headers or {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: self._until_cut(headers)])

    def _until_cut(self, headers: dict[str, str]) -> int | None:
        """How much of a body is sent before the connection breaks; None where it does not."""
        for pattern, cut in self.hub.cuts.items():
            if self.command == "GET" and cut[1] and re.search(pattern, urlsplit(self.path).path):
                cut[1] -= 1
                self.close_connection = True
                first = re.match(r"bytes (\d+)-", headers.get("Content-Range", "bytes 0-"))
                return max(0, cut[0] - int(first[1]))
        return None

    def _route(self, path: str) -> None:
        for pattern, answer in _ROUTES:
            if match := re.fullmatch(pattern, path):
                self._send_result(answer(self, *map(unquote, match.groups())))
                return
        raise Refused(404, f"this Hub has no {self.command} {path}")

    def _send_result(self, result: Any) -> None:
        if result is not None:  # None: the answer was sent already
            self._send(200, result)

    # --------------------------------------------------------------------------------------------------------- who may

    def _is_user(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _require_user(self) -> None:
        if not self._is_user():
            raise Refused(401, "Invalid username or password.")

    def _repository(self, kind: str, name: str) -> Repository:
        found = self.hub.repositories.get((kind, name))
        if found is None or (found.private and not self._is_user()):  # which of the two is nobody's business
            raise Refused(404 if self._is_user() else 401, "Repository not found", "RepoNotFound")
        return found

    def _revision(self, kind: str, name: str, revision: str) -> tuple[Repository, str, dict[str, Blob]]:
        repository = self._repository(kind, name)
        found = repository.at(revision)
        if found is None:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return repository, *found

    # --------------------------------------------------------------------------------------------------------- writing

    def who_am_i(self) -> dict[str, Any]:
        self._require_user()
        return {"type": "user", "name": USER, "orgs": [], "auth": {"type": "access_token"}}

    def create(self) -> dict[str, Any]:
        self._require_user()
        asked = json.loads(self.body)
        kind, owner = asked.get("type") or "model", asked.get("organization") or USER
        name = f"{owner}/{asked['name']}"
        url = self.hub.url + "/" + _prefix(kind) + name
        if owner != USER:
            raise Refused(403, f"You don't have the rights to create a {kind} under the namespace {owner!r}")
        if (kind, name) in self.hub.repositories:
            self._send(409, {"error": f"You already created this {kind} repo", "url": url})
            return None
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.hub.repositories[kind, name] = Repository(kind, name, private, asked.get("sdk"))
        return {"url": url, "name": name, "id": name}

    def validate_yaml(self) -> dict[str, Any]:
        front = re.match(r"---\n(.*?\n)---\n", json.loads(self.body)["content"], flags=re.DOTALL)
        errors, warnings = [], []
        try:
            metadata = yaml.safe_load(front[1]) if front else None
        except yaml.YAMLError as error:
            metadata, errors = {}, [f"bad indentation or syntax: {error}"]
        if front is None:
            warnings = ["empty or missing yaml metadata in repo card"]
        elif not errors and (not isinstance(metadata, dict) or metadata.get("license", "other") not in LICENCES):
            errors = [f'"license" must be one of {sorted(LICENCES)}']
        said = {"errors": [{"message": e} for e in errors], "warnings": [{"message": w} for w in warnings]}
        self._send(400 if errors else 200, said)

    def preupload(self, kinds: str, name: str, revision: str) -> dict[str, Any]:
        self._require_user()
        _, _, blobs = self._revision(_KINDS[kinds], name, revision)
        files = []
        for asked in json.loads(self.body)["files"]:
            is_large = asked["size"] > LARGEST_REGULAR or not _is_text(base64.b64decode(asked["sample"]))
            mode = "lfs" if is_large or asked["path"].endswith((".parquet", ".safetensors")) else "regular"
            there = blobs.get(asked["path"])
            oid = there and (there.sha256 if there.is_lfs else there.oid)
            files.append({"path": asked["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return {"files": files}

    def lfs_batch(self, prefix: str, name: str) -> dict[str, Any]:
        self._require_user()
        self._repository(_kind(prefix), name)
        objects = []
        for asked in json.loads(self.body)["objects"]:
            place = {"href": f"{self.hub.url}/lfs/{asked['oid']}"}
            actions = {} if asked["oid"] in self.hub.large_files else {"actions": {"upload": place, "verify": place}}
            objects.append({"oid": asked["oid"], "size": asked["size"]} | actions)
        return {"transfer": "basic", "objects": objects}

    def lfs_object(self, oid: str) -> dict[str, Any]:
        if self.command == "PUT":  # the address is a secret, as the Hub's signed ones are
            if hashlib.sha256(self.body).hexdigest() != oid:
                raise Refused(400, "the content does not match its checksum")
            self.hub.large_files[oid] = self.body
        elif len(self.hub.large_files.get(oid, b"")) != json.loads(self.body)["size"]:
            raise Refused(404, "no such object")
        return {}

    def commit(self, kinds: str, name: str, revision: str) -> dict[str, Any]:
        self._require_user()
        repository, head, blobs = self._revision(_KINDS[kinds], name, revision)
        blobs = dict(blobs)
        header, *operations = map(json.loads, self.body.splitlines())
        if header["value"].get("parentCommit", head) != head:
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        for operation in operations:
            key, value = operation["key"], operation["value"]
            if key == "file":
                blobs[value["path"]] = Blob(base64.b64decode(value["content"]))
            elif key == "lfsFile":
                if value["oid"] not in self.hub.large_files:
                    raise Refused(400, f"{value['path']} was never uploaded")
                blobs[value["path"]] = Blob(self.hub.large_files[value["oid"]], is_lfs=True)
            else:
                inside = value["path"].rstrip("/") + "/"
                gone = [p for p in blobs if p == value["path"] or (key == "deletedFolder" and p.startswith(inside))]
                if not gone:
                    raise Refused(404, "A file with this name doesn't exist", "EntryNotFound")
                for path in gone:
                    del blobs[path]
        is_proposal = self.query.get("create_pr") == "1"
        sha = repository.commit(header["value"]["summary"], blobs, is_proposal)
        page = f"{self.hub.url}/{_prefix(kinds)}{name}"
        said = {"success": True, "commitOid": sha, "commitUrl": f"{page}/commit/{sha}"}
        return said | ({"pullRequestUrl": f"{page}/discussions/{len(repository.proposals)}"} if is_proposal else {})

    # --------------------------------------------------------------------------------------------------------- reading

    def info(self, kinds: str, name: str, revision: str = "main") -> dict[str, Any]:
        repository, sha, blobs = self._revision(_KINDS[kinds], name, revision)
        described = {"id": name, "author": name.partition("/")[0], "sha": sha, "private": repository.private}
        described |= {"siblings": [{"rfilename": path} for path in sorted(blobs)], "tags": [], "sdk": repository.sdk}
        return described | {"disabled": False, "gated": False, "downloads": 0, "likes": 0}

    def refs(self, kinds: str, name: str) -> dict[str, Any]:
        repository = self._repository(_KINDS[kinds], name)
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head}
        tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": sha} for n, sha in repository.tags.items()]
        return {"branches": [main], "tags": tags, "converts": []}

    def tag(self, kinds: str, name: str, revision: str) -> dict[str, Any]:
        self._require_user()
        repository, sha, _ = self._revision(_KINDS[kinds], name, revision)
        repository.tags[json.loads(self.body)["tag"]] = sha
        return {}

    def tree(self, kinds: str, name: str, revision: str, folder: str = "") -> list[dict[str, Any]]:
        _, sha, blobs = self._revision(_KINDS[kinds], name, revision)
        entries = list(_tree(blobs, folder.strip("/"), self.query.get("recursive", "").lower() == "true"))
        if folder and not entries:
            raise Refused(404, f"{folder} does not exist on {revision}", "EntryNotFound", sha)
        return entries

    def paths_info(self, kinds: str, name: str, revision: str) -> list[dict[str, Any]]:
        _, _, blobs = self._revision(_KINDS[kinds], name, revision)
        is_json = "json" in self.headers.get("Content-Type", "")
        asked = json.loads(self.body)["paths"] if is_json else parse_qs(self.body.decode()).get("paths", [])
        return [entry for entry in _tree(blobs, "", recursive=True) if entry["path"] in asked]

    def resolve(self, prefix: str, name: str, revision: str, path: str) -> None:
        _, sha, blobs = self._revision(_kind(prefix), name, revision)
        if path not in blobs:
            raise Refused(404, "Entry not found", "EntryNotFound", sha)
        blob = blobs[path]
        headers = {"X-Repo-Commit": sha, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        headers["ETag"] = f'"{blob.sha256 if blob.is_lfs else blob.oid}"'
        if blob.is_lfs:
            # large files lie elsewhere, as on the Hub: under another name of this host
            self.hub.large_files[blob.sha256] = blob.content
            headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(len(blob.content))}
            self._send(
                302,
                b"",
                headers | {"Location": f"http://localhost:{self.hub.server.server_port}/elsewhere/{blob.sha256}"},
            )
            return
        self._send_content(blob.content, headers)

    def elsewhere(self, oid: str) -> None:
        headers = {"ETag": f'"{oid}"', "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        self._send_content(self.hub.large_files[oid], headers)

    def _send_content(self, content: bytes, headers: dict[str, str]) -> None:
        if not (wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))):
            self._send(200, content, headers)
            return
        first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
        if first > last:
            raise Refused(416, "no such range")
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        self._send(206, content[first : last + 1], headers)


_NAME = "([^/]+/[^/]+)"
_API = f"/api/(models|datasets|spaces)/{_NAME}"
_FILES = f"/(datasets/|spaces/|){_NAME}"
_ROUTES = [
    ("/api/whoami-v2", _Handler.who_am_i),
    ("/api/repos/create", _Handler.create),
    ("/api/validate-yaml", _Handler.validate_yaml),
    (f"{_API}/preupload/([^/]+)", _Handler.preupload),
    (f"{_API}/commit/([^/]+)", _Handler.commit),
    (f"{_API}/revision/([^/]+)", _Handler.info),
    (f"{_API}/refs", _Handler.refs),
    (f"{_API}/tag/([^/]+)", _Handler.tag),
    (f"{_API}/tree/([^/]+)", _Handler.tree),
    (f"{_API}/tree/([^/]+)/(.+)", _Handler.tree),
    (f"{_API}/paths-info/([^/]+)", _Handler.paths_info),
    (_API, _Handler.info),
    (f"{_FILES}.git/info/lfs/objects/batch", _Handler.lfs_batch),
    ("/lfs/([0-9a-f]{64})", _Handler.lfs_object),
    ("/elsewhere/([0-9a-f]{64})", _Handler.elsewhere),
    (f"{_FILES}/resolve/([^/]+)/(.+)", _Handler.resolve),
]


def _prefix(kind: str) -> str:
    """What stands before a repository's name in addresses of a kind."""
    return "" if kind.rstrip("s") == "model" else kind.rstrip("s") + "s/"


def _kind(prefix: str) -> str:
    return _KINDS[prefix.rstrip("/") or "models"]


def _is_text(sample: bytes) -> bool:
    return b"\0" not in sample and not sample.startswith(b"\x89PNG")


def _tree(blobs: dict[str, Blob], folder: str, recursive: bool) -> Iterator[dict[str, Any]]:
    """Files and folders under a folder, as the listings have them."""
    start, folders = folder + "/" if folder else "", set()
    for path, blob in sorted(blobs.items()):
        if not path.startswith(start):
            continue
        parents = path.removeprefix(start).split("/")[:-1]
        for depth in range(1, len(parents) + 1 if recursive else min(len(parents), 1) + 1):
            parent = start + "/".join(parents[:depth])
            if parent not in folders:
                folders.add(parent)
                yield {
                    "type": "directory",
                    "path": parent,
                    "oid": hashlib.sha1(parent.encode()).hexdigest(),
                    "size": 0,
                }
        if recursive or not parents:
            yield {"type": "file", "path": path} | blob.described()
