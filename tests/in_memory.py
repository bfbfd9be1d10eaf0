"""Where the files of the tests' own servers lie: in memory where there is room, as nothing there has to outlive a power cut."""

from __future__ import annotations

import os
import shutil

_MEMORY = "/dev/shm"
_ROOM = 4 << 30
"""Bytes: many times what the servers of a run take together."""


def servers_place() -> str | None:
    """The folder for the folders of servers; None for the usual place of temporary files."""
    roomy = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM
    return _MEMORY if roomy else None
