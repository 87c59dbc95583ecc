"""A hub on this machine: the few routes of the real one that listing, downloading and pushing need, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit


@dataclass
class FakeRepo:
    """A repository: revision -> {path: content}; `card` is the metadata of its README."""

    revisions: dict[str, dict[str, bytes]]
    card: dict[str, Any] = field(default_factory=dict)
    gated: bool = False
    private: bool = True
    #: Commits that were made here: paths added, and deleted.
    commits: list[tuple[list[str], list[str]]] = field(default_factory=list)

    def commit(self, revision: str) -> str | None:
        """The commit of a branch or of itself; made from the content, as in git."""
        for name, files in self.revisions.items():
            sha = hashlib.sha1(b"".join(path.encode() + data for path, data in sorted(files.items()))).hexdigest()
            if revision in (name, sha):
                return sha
        return None

    def files(self, revision: str) -> dict[str, bytes]:
        return next(files for name, files in self.revisions.items() if self.commit(revision) == self.commit(name))


class FakeHub:
    """Serves `repos` ("datasets/owner/name" or "models/owner/name") at `endpoint` while it is entered.

    `requests` holds "METHOD path range" of everything that was asked. With `cut_after`, a download that starts at the
    beginning breaks off after so many bytes. Files in `withheld` are listed, but cannot be had.

    Large files that are pushed lie in `objects` by their hash from the moment they arrived, committed or not, as at the
    real hub; `received` counts the bytes that came of each. The next `cut_uploads` of them break off half-way; from
    `stop_after` files on, none is answered until `go_on` is set.
    """

    def __init__(self, repos: dict[str, FakeRepo]) -> None:
        self.repos = repos
        self.requests: list[str] = []
        self.cut_after: int | None = None
        self.withheld: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.received: Counter[str] = Counter()
        self.cut_uploads = 0
        self.lose_commit_answers = 0
        self.stop_after: int | None = None
        self.go_on = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def downloads(self) -> list[str]:
        return [request for request in self.requests if request.startswith("GET /") and "/resolve/" in request]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve(with_body=True)

    def do_HEAD(self) -> None:
        self._serve(with_body=False)

    def do_POST(self) -> None:
        self.hub.requests.append(f"POST {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        if parts[-4:] == ["info", "lfs", "objects", "batch"]:
            self._offer_uploads(json.loads(body)["objects"])
        elif parts == ["api", "validate-yaml"]:
            self._send({"warnings": [], "errors": []})
        elif parts == ["api", "repos", "create"]:
            asked = json.loads(body)
            name = f"datasets/{asked.get('organization') or 'me'}/{asked['name']}"
            self.hub.repos.setdefault(name, FakeRepo({"main": {}}, private=asked.get("visibility") == "private"))
            self._send({"url": f"{self.hub.endpoint}/{name}", "name": name})
        elif parts[4:5] == ["preupload"]:
            self._say_how(self.hub.repos["/".join(parts[1:4])], json.loads(body)["files"])
        else:
            self._commit("/".join(parts[1:4]), [json.loads(line) for line in body.splitlines()])

    def do_PUT(self) -> None:
        oid, size = self.path.rsplit("/", 1)[1], int(self.headers["Content-Length"])
        if self.hub.stop_after is not None and len(self.hub.objects) >= self.hub.stop_after:
            self.hub.go_on.wait(60)
        if self.hub.cut_uploads:
            self.hub.cut_uploads -= 1
            self.hub.received[oid] += len(self.rfile.read(size // 2))
            self.close_connection = True
            return
        data = self.rfile.read(size)
        self.hub.received[oid] += len(data)
        if len(data) == size and hashlib.sha256(data).hexdigest() == oid:
            self.hub.objects[oid] = data
            self._send({})

    def _offer_uploads(self, wanted: list[dict[str, Any]]) -> None:
        """An address for each large file that is not here yet."""
        objects = []
        for one in wanted:
            upload = {"upload": {"href": f"{self.hub.endpoint}/lfs/{one['oid']}"}}
            objects.append(one if one["oid"] in self.hub.objects else one | {"actions": upload})
        self._send({"transfer": "basic", "objects": objects})

    def _say_how(self, repo: FakeRepo, files: list[dict[str, Any]]) -> None:
        """Whether files are large ones, and what the repository has in their place."""
        known, told = repo.revisions["main"], []
        for one in files:
            path = one["path"]
            large = path.endswith(".parquet")
            oid = None if path not in known else self._oid(known[path], large)
            told.append({"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid})
        self._send({"files": told})

    @staticmethod
    def _oid(data: bytes, large: bool) -> str:
        if large:
            return hashlib.sha256(data).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def _commit(self, name: str, lines: list[dict[str, Any]]) -> None:
        repo = self.hub.repos[name]
        files, added, deleted = dict(repo.revisions["main"]), [], []
        for line in lines:
            value = line["value"]
            if line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
                added.append(value["path"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
                added.append(value["path"])
            elif line["key"] == "deletedFile":
                del files[value["path"]]
                deleted.append(value["path"])
        repo.revisions["main"] = files
        repo.commits.append((added, deleted))
        if self.hub.lose_commit_answers:
            self.hub.lose_commit_answers -= 1
            self.close_connection = True
            return
        sha = repo.commit("main")
        self._send({"success": True, "commitOid": sha, "commitUrl": f"{self.hub.endpoint}/{name}/commit/{sha}"})

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self, *, with_body: bool) -> None:
        self.hub.requests.append(f"{self.command} {self.path} {self.headers.get('Range', '')}".strip())
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        if parts[0] == "api" and parts[4:5] == ["tree"]:
            self._serve_tree("/".join(parts[1:4]))
            return
        if parts[0] == "api":
            self._serve_listing("/".join(parts[1:4]), parts[5] if parts[4:5] == ["revision"] else "main")
            return
        kind = parts.pop(0) if parts[0] == "datasets" else "models"
        self._serve_file(f"{kind}/{parts[0]}/{parts[1]}", parts[3], "/".join(parts[4:]), with_body=with_body)

    def _serve_listing(self, name: str, revision: str) -> None:
        repo = self._repo(name)
        if repo is None:
            return
        sha = repo.commit(revision)
        if sha is None:
            self._fail(404, "RevisionNotFound")
            return
        siblings = [self._sibling(path, data) for path, data in repo.files(revision).items()]
        identity = name.split("/", 1)[1]
        self._send({"id": identity, "sha": sha, "siblings": siblings, "cardData": repo.card, "private": repo.private})

    def _serve_tree(self, name: str) -> None:
        repo = self._repo(name)
        if repo is not None:
            files = repo.revisions["main"].items()
            self._send([{"type": "file", "path": path, "size": len(data), "oid": "0" * 40} for path, data in files])

    def _sibling(self, path: str, data: bytes) -> dict[str, Any]:
        sibling: dict[str, Any] = {"rfilename": path, "size": len(data)}
        if path.endswith((".parquet", ".safetensors")):
            # Large files are stored apart, and listed with their hash.
            sibling["lfs"] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 100}
        return sibling

    def _serve_file(self, name: str, revision: str, path: str, *, with_body: bool) -> None:
        repo = self._repo(name)
        if repo is None:
            return
        sha = repo.commit(revision)
        if sha is None or path not in repo.files(revision) or path in self.hub.withheld:
            self._fail(404, "RevisionNotFound" if sha is None else "EntryNotFound")
            return
        data = repo.files(revision)[path]
        start = int(self.headers.get("Range", "bytes=0-").split("=")[1].split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", sha)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if not with_body:
            return
        if self.hub.cut_after is not None and not start:
            self.wfile.write(data[: self.hub.cut_after])
            self.close_connection = True
        else:
            self.wfile.write(data[start:])

    def _repo(self, name: str) -> FakeRepo | None:
        repo = self.hub.repos.get(name)
        if repo is None:
            self._fail(401, "RepoNotFound")
        elif repo.gated:
            self._fail(403, "GatedRepo")
            return None
        return repo

    def _send(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _fail(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()
