"""Tests of what not every version of PostgreSQL has; the summary tells loudly of those that were not run."""

from __future__ import annotations

import pytest

from tests.servers_postgresql import major_version


def only_on(since: int = 0, until: int = 99) -> pytest.MarkDecorator:
    """Run a test on servers of these versions alone.

    Args:
        since: the first of them.
        until: the last one.
    """
    here = major_version()
    lacking = f"{since} OR NEWER" if here < since else f"{until} OR OLDER"
    message = f"!!! NO POSTGRESQL {lacking} HERE (but {here}): what no other version has was not tested !!!"
    return pytest.mark.skipif(here != 0 and not since <= here <= until, reason=message)
