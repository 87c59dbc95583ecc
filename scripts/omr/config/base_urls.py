"""What is wrong with a `base_url`, in words that show no user and no password."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

_HOST = re.compile(r"\w([\w.-]*\w)?\.?")


def faults_of_base_urls(config: Mapping[str, Any]) -> Iterable[str]:
    """A sentence for each `base_url` that no endpoint can have, with its key; what is no text is left to the schema."""
    models = config.get("models")
    for name, model in models.items() if isinstance(models, dict) else ():
        given = model.get("base_url") if isinstance(model, dict) else None
        for number, url in enumerate(given if isinstance(given, list) else [given]):
            if isinstance(url, str) and (fault := _fault(url)) is not None:
                place = f"models.{name}.base_url" + (f".{number}" if isinstance(given, list) else "")
                yield f"{place}: {_without_user(url)!r} {fault}"


def _without_user(url: str) -> str:
    """What can be shown of a URL: user and password stand before an `@`, keys may behind a `?`."""
    before, at, after = url.rpartition("@")
    scheme = re.match(r"https?://", before)
    shown = f"{scheme[0] if scheme else ''}...@{after}" if at else url
    return f"{shown.partition('?')[0]}?..." if "?" in shown else shown


def _fault(url: str) -> str | None:
    if not url.startswith(("http://", "https://")):
        return "must be a URL that begins with http:// or https://"
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        return "has blanks: take them out"
    if re.search(r"[${}<>]", url):
        return "has a variable or a placeholder, which nothing replaces here: write the address out"
    if "@" in url.partition("://")[2].split("/")[0]:
        return "has a user or a password: name the variable that holds the key under `api_key_env`, and take them out"
    if "?" in url or "#" in url:
        return "has a query or a fragment: it must end before `?` and `#` (`extra_body` adds fields to requests)"
    return _fault_of_host(url)


def _fault_of_host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if "[" in parts.netloc:
            ip_address(host)
    except ValueError:
        return "has no host, or a port that is none: host:port with a port from 1 to 65535"
    if "[" not in parts.netloc and not _HOST.fullmatch(host):
        return "names no host: write https://host/v1 or http://host:port/v1"
    if port == 0 or parts.netloc.endswith(":"):
        return "has a port that is none: write one from 1 to 65535, or leave out the `:`"
    return None
