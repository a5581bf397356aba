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
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

USER, TOKEN = "someone", "hf_loopback"
#: Larger files, and files that are not text, go through Git LFS.
LARGEST_REGULAR = 10_000_000
#: Metadata of a card is checked for these; the Hub's own list is longer.
LICENCES = {"apache-2.0", "mit", "odc-by", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "other", "unknown"}
_KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}


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
    """A repository with its history, which has no branches but main."""

    kind: str
    name: str
    private: bool
    sdk: str | None = None
    commits: list[tuple[str, dict[str, Blob]]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.commit("initial commit", {".gitattributes": Blob(b"*.parquet filter=lfs diff=lfs merge=lfs -text\n")})

    @property
    def head(self) -> str:
        return self.commits[-1][0]

    @property
    def files(self) -> dict[str, bytes]:
        """What the last commit holds."""
        return {path: blob.content for path, blob in self.commits[-1][1].items()}

    def commit(self, message: str, blobs: dict[str, Blob]) -> str:
        """Makes a state of all files the new head."""
        listing = [self.commits[-1][0] if self.commits else "", self.kind, self.name, message]
        listing += [f"{path} {blob.oid}" for path, blob in sorted(blobs.items())]
        sha = hashlib.sha1("\n".join(listing).encode()).hexdigest()
        self.commits.append((sha, blobs))
        self.messages.append(message)
        return sha

    def at(self, revision: str) -> tuple[str, dict[str, Blob]] | None:
        """Commit and files of a revision, or None where there is no such revision."""
        if revision in ("main", "HEAD", "refs/heads/main"):
            return self.commits[-1]
        return next((commit for commit in self.commits if commit[0] == revision), None)


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
    """

    def __init__(self):
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.requests: list[tuple[str, str]] = []
        self.failures: dict[tuple[str, str], int] = {}
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
            "NO_PROXY": "127.0.0.1",
        }


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
            self.wfile.write(body)

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
        sha = repository.commit(header["value"]["summary"], blobs)
        return {"success": True, "commitOid": sha, "commitUrl": f"{self.hub.url}/{_prefix(kinds)}{name}/commit/{sha}"}

    # --------------------------------------------------------------------------------------------------------- reading

    def info(self, kinds: str, name: str, revision: str = "main") -> dict[str, Any]:
        repository, sha, blobs = self._revision(_KINDS[kinds], name, revision)
        described = {"id": name, "author": name.partition("/")[0], "sha": sha, "private": repository.private}
        described |= {"siblings": [{"rfilename": path} for path in sorted(blobs)], "tags": [], "sdk": repository.sdk}
        return described | {"disabled": False, "gated": False, "downloads": 0, "likes": 0}

    def refs(self, kinds: str, name: str) -> dict[str, Any]:
        head = self._repository(_KINDS[kinds], name).head
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": head}
        return {"branches": [main], "tags": [], "converts": []}

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
            headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(len(blob.content))}
        if not (wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))):
            self._send(200, blob.content, headers)
            return
        first, last = int(wanted[1]), min(int(wanted[2] or len(blob.content)), len(blob.content) - 1)
        if first > last:
            raise Refused(416, "no such range")
        headers["Content-Range"] = f"bytes {first}-{last}/{len(blob.content)}"
        self._send(206, blob.content[first : last + 1], headers)


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
    (f"{_API}/tree/([^/]+)", _Handler.tree),
    (f"{_API}/tree/([^/]+)/(.+)", _Handler.tree),
    (f"{_API}/paths-info/([^/]+)", _Handler.paths_info),
    (_API, _Handler.info),
    (f"{_FILES}.git/info/lfs/objects/batch", _Handler.lfs_batch),
    ("/lfs/([0-9a-f]{64})", _Handler.lfs_object),
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
