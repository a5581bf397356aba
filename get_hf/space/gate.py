# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Refuses requests that are too large for the page, and uploads for which there is no room on the disk."""

import json
from contextlib import ExitStack
from typing import Any

from get_hf.space.disk import MAX_MEGABYTES, Disk

#: Largest number of bytes in a request without a file. In a request with a file, it limits the bytes around the file.
MAX_BODY = 1_000_000


class Gate:
    """ASGI middleware that accepts a request only if there is room for its content.

    It is necessary because Gradio writes any number of uploads of any size to the disk before it calls a function of
    the page.

    Args:
        app: ASGI application that answers the accepted requests.
        disk: Storage of the uploads.
    """

    def __init__(self, app: Any, disk: Disk):
        self.app, self.disk = app, disk

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        """Passes a request to the application, or refuses the request in one sentence."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        length = headers.get(b"content-length", b"")
        brings_file = headers.get(b"content-type", b"").lower().startswith(b"multipart/")
        user = (scope.get("client") or ("",))[0]
        if not length.isdigit():
            await _refuse(send, 411, "The request does not say how long it is: send Content-Length.")
        elif not brings_file and int(length) > MAX_BODY:
            await _refuse(send, 413, f"The request has {int(length)} bytes, and at most {MAX_BODY} are read.")
        elif not brings_file:
            await self.app(scope, receive, send)
        elif not scope["path"].rstrip("/").endswith("/upload"):
            await _refuse(send, 404, "Files are taken at /upload only.")
        elif int(length) > MAX_MEGABYTES * 1e6 + MAX_BODY:
            megabytes = int(length) / 1e6
            await _refuse(
                send, 413, f"The upload has {megabytes:.0f} MB, and at most {MAX_MEGABYTES} MB are read here."
            )
        else:
            await self._upload(user, int(length), scope, receive, send)

    async def _upload(self, user: str, n_bytes: int, scope: dict, receive: Any, send: Any) -> None:
        answer = bytearray()

        async def send_and_see(message: dict) -> None:
            answer.extend(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self.disk.own(
                    user, *_paths(bytes(answer))
                )  # before the answer is sent: the visitor may remove the file at once
            await send(message)

        with ExitStack() as stack:
            try:
                stack.enter_context(self.disk.room(user, n_bytes))
            except ValueError as error:
                while (await receive()).get("more_body"):  # a browser that is still sending does not read the answer
                    pass
                await _refuse(send, 413, str(error))
                return
            await self.app(scope, receive, send_and_see)


def _paths(answer: bytes) -> list[str]:
    """Returns the paths of uploaded files, which are listed in an answer of gradio."""
    try:
        paths = json.loads(answer)
    except ValueError:
        return []
    return [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []


async def _refuse(send: Any, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})
