"""An empty account in each kind of store."""

from __future__ import annotations

import importlib.util
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.stores import redis_url, valkey

__all__ = ["url", "valkey"]

NO_RAY = "Ray, about 1 GB, is not installed here; `make scale` has it"
_needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason=NO_RAY)


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    import ray  # noqa: PLC0415 - skipped without it

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(params=["memory", "sqlite", "redis", pytest.param("ray", marks=_needs_ray)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty account in each kind of store."""
    if request.param == "memory":
        return "memory:"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/spent.db"
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
        return f"ray://test-{uuid.uuid4().hex}?path={tmp_path}/spent.db"
    server: Any = request.getfixturevalue("valkey")
    return redis_url(server)
