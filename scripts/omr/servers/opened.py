"""A model server, whatever serves: `async with open_server(spec, ...) as server: ...`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from omr.models.model import HOSTED, ModelSpec
from omr.servers.kinds import KINDS
from omr.servers.server import EndpointServer, ModelServer
from omr.servers.sites import ServerSite
from omr.servers.started import StartedServer, Watch

_DEFAULT_SITE, _DEFAULT_WATCH = ServerSite(), Watch()


def open_server(
    spec: ModelSpec,
    *,
    log_path: Path,
    scratch: Path,
    site: ServerSite = _DEFAULT_SITE,
    on_event: Callable[[str], None] = lambda event: None,
    watch: Watch = _DEFAULT_WATCH,
) -> ModelServer:
    """The server of a model, not started yet.

    What it prints is appended to `log_path`; `scratch` is a folder of this job's own for small files; `on_event` gets
    one line for each thing that happens to it.
    """
    if spec.server in HOSTED:
        return EndpointServer(spec, on_event)
    if spec.server == "authored":
        from omr.servers.authored import AuthoredServer  # with an HTTP server, which no other job needs

        return AuthoredServer(spec, on_event)
    return StartedServer(KINDS[spec.server], spec, site, log_path, scratch, on_event, watch)
