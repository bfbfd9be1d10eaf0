"""The example, for the tests of this folder."""

from __future__ import annotations

from tests.shop import applied, environment, fresh, shop

__all__ = ["applied", "environment", "fresh", "shop"]
