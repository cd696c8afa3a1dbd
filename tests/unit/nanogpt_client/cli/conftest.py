"""An emulator in which nobody has to wait for a video."""

from __future__ import annotations

from functools import partial

import pytest

from nanogpt_client import sandbox


@pytest.fixture(autouse=True)
def jobs_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SandboxApp", partial(sandbox.SandboxApp, job_pace=0))
