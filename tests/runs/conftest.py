"""What the tests of runs share."""

from __future__ import annotations

import pytest

from easyrec_lite.serving import export


@pytest.fixture
def empty_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports have all but their SavedModels, for tests of when there is one."""
    monkeypatch.setattr(export, "save_model", lambda *_: {})
