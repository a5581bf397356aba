# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""PhysioNet on this machine: a folder of files and their SHA-256 sums, over HTTP."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class PhysioNet:
    """A server of `root`, which holds projects such as `eegmat/1.0.0/Subject00_1.edf`.

    Attributes:
        root: The folder served.
        asked: Paths that were asked for, in order.
        cut: Names of files of which only half is sent before the connection is closed.
    """

    def __init__(self, root: Path):
        self.root = root
        self.asked: list[str] = []
        self.cut: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, physionet=self, directory=root))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def project(self, name: str) -> Path:
        """The folder of a project."""
        return self.root / name

    def list_sums(self, name: str) -> None:
        """Writes the project's SHA256SUMS.txt, as the project is now."""
        folder = self.project(name)
        files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != "SHA256SUMS.txt")
        sums = (f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file.relative_to(folder)}\n" for file in files)
        (folder / "SHA256SUMS.txt").write_text("".join(sums))

    @contextmanager
    def running(self) -> Iterator["PhysioNet"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stop()

    def stop(self) -> None:
        """Closes the port: from now on nobody answers. Doing it twice does no harm."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args, physionet: PhysioNet, **kwargs):
        self.physionet = physionet
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        self.physionet.asked.append(self.path.lstrip("/"))
        super().do_GET()

    def copyfile(self, source, outputfile) -> None:
        if Path(self.path).name in self.physionet.cut:
            content = source.read()
            outputfile.write(content[: len(content) // 2])
            self.close_connection = True
        else:
            super().copyfile(source, outputfile)

    def log_message(self, *args) -> None:
        """Says nothing."""
