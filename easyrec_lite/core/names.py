"""Names that TensorFlow takes, for names that it does not: Chinese, with spaces, dots, dashes."""

from __future__ import annotations

import hashlib
import keyword
import re
from collections import Counter
from collections.abc import Iterable

_SCOPE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
_ARGUMENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# Names that mean something else where a name becomes an argument.
_TAKEN = {"self", "name"}


def scope_name(name: str) -> str:
    """Returns `name` as a variable of a SavedModel may be called; most names are as they are.

    Example:
      >>> scope_name("item/brand/embedding"), scope_name("item/商品/embedding")
      ('item/brand/embedding', 'item/_u5546__u54c1_/embedding')
    """
    if _SCOPE.fullmatch(name):
        return name
    safe = re.sub(r"[^A-Za-z0-9_.\\/>-]", lambda match: f"_u{ord(match[0]):x}_", name)
    return safe if _SCOPE.fullmatch(safe) else f"x{safe}"


def argument_names(names: Iterable[str]) -> dict[str, str]:
    """Returns name → the name of the argument of a signature that stands for it.

    A name of letters, digits and underscores that begins with a letter is its own argument. Any
    other gets the letters and digits that it has and a digest of it, so that the same name has
    the same argument in every export. So do names that differ by case alone, which TensorFlow
    does not tell apart, and the keywords of Python.

    Example:
      >>> argument_names(["user_id", "price.usd"])
      {'user_id': 'user_id', 'price.usd': 'price_usd_c204bb7c'}
    """
    listed = list(names)
    folded = Counter(name.casefold() for name in listed)
    plain = {
        name
        for name in listed
        if _ARGUMENT.fullmatch(name)
        and folded[name.casefold()] == 1
        and not (name in _TAKEN or keyword.iskeyword(name))
    }
    return {name: name if name in plain else _digested(name) for name in listed}


def _digested(name: str) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    readable = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    return f"{readable if readable[:1].isalpha() else 'column'}_{digest}"
