"""The right name for a wrong one."""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = 12


def nearest(wrong: str, right: Iterable[str]) -> str | None:
    """The name that was probably meant; None where none is near."""
    from difflib import get_close_matches

    names = {name.casefold(): name for name in right}
    found = get_close_matches(wrong.casefold()[:200], names, n=1, cutoff=0.6)
    return names[found[0]] if found else None


def did_you_mean(wrong: str, right: Iterable[str]) -> str | None:
    """A sentence that names the nearest right name, or the names there are when they are few; None when it can't help."""
    names = list(right)
    found = nearest(wrong, names)
    if found is not None:
        return f"did you mean `{found}`?"
    if names and len(names) <= _SHOWN:
        return f"known here: {', '.join(names)}"
    return None
