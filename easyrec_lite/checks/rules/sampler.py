"""The rules of the config's negative sampler, which its spec holds."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem


def sampler(view: View) -> Iterator[Problem]:
    """The sampler finds nothing wrong with the config."""
    if view.sampler is not None and view.sampler_spec is not None:
        yield from view.sampler_spec.check(view, view.sampler)


RULES = (sampler,)
