"""Values that cost nothing to define behave as frozen dataclasses do."""

from __future__ import annotations

import copy
import pickle

import pytest

from schemaspec.model.position import Position
from schemaspec.model.value import Value


class Point(Value):
    """A value with and without defaults."""

    x: int
    y: int = 0

    @property
    def both(self) -> int:
        """Derived."""
        return self.x + self.y


def test_it_has_its_fields_and_defaults() -> None:
    assert (Point(x=1).x, Point(x=1).y, Point(x=1, y=2).both) == (1, 0, 3)
    assert repr(Point(x=1)) == "Point(x=1, y=0)"


def test_it_is_equal_by_content_to_its_own_kind_only() -> None:
    class Other(Value):
        x: int
        y: int = 0

    assert Point(x=1) == Point(x=1, y=0) != Point(x=2)
    assert len({Point(x=1), Point(x=1), Point(x=2)}) == 2
    assert Point(x=1) != Other(x=1)


@pytest.mark.parametrize("given", [{}, {"y": 1}, {"x": 1, "z": 2}])
def test_what_is_missing_or_unknown_is_an_error(given: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="Point"):
        Point(**given)


def test_it_is_frozen() -> None:
    point = Point(x=1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del point.x
    with pytest.raises(AttributeError):
        point.z = 2  # type: ignore[attr-defined]


def test_it_can_be_copied_changed_and_sent() -> None:
    point = Point(x=1)
    assert point.replaced(y=5) == Point(x=1, y=5)
    assert copy.deepcopy(point) == pickle.loads(pickle.dumps(point)) == point
    with pytest.raises(TypeError):
        point.replaced(z=1)


def test_a_position_is_a_tuple_with_names() -> None:
    position = Position("a.yaml", 3, 7)
    assert (position.file, position.line, position.column) == position == ("a.yaml", 3, 7)
    assert (str(position), repr(position)) == ("a.yaml:3:7", "Position(file='a.yaml', line=3, column=7)")
    assert pickle.loads(pickle.dumps(position)) == Position(file="a.yaml", line=3, column=7)
    assert position < Position("a.yaml", 4, 1)
