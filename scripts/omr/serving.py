"""Drains requests through a model server: starts it, watches it, restarts it, and stops it whatever happens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

