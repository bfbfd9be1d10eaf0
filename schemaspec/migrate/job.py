"""What is to be done for one migration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from schemaspec.migrate import actions
from schemaspec.migrate.actions import Prepared, Source
from schemaspec.migrate.journal import Direction
from schemaspec.model.history import HISTORY_TABLE
from schemaspec.model.migration import Operation, PythonCall, Sql
from schemaspec.model.plan import Statement
from schemaspec.model.position import Position

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Engine
    from schemaspec.model.migration import Expectation, Migration


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be done for one migration, forward or back."""

    version: int
    description: str
    sources: tuple[Source, ...]
    direction: Direction = "up"
    requires: tuple[Expectation, ...] = ()
    verify: tuple[Expectation, ...] = ()
    transaction: bool = True
    allow: frozenset[str] = frozenset()
    position: Position | None = None

    @classmethod
    def up(cls, migration: Migration) -> Job:
        """The way forward."""
        return cls(
            version=migration.version,
            description=migration.description,
            sources=migration.up,
            requires=migration.requires,
            verify=migration.verify,
            transaction=migration.transaction,
            allow=frozenset(migration.allow),
            position=migration.position,
        )

    def split(self, engine: Engine) -> Job:
        """The same job with its SQL texts cut into statements once.

        Raises:
            InputError: a statement ends the transaction.
        """
        sources: list[Source] = []
        for source in self.sources:
            if not isinstance(source, Sql):
                sources.append(source)
                continue
            statements = tuple(actions.statements(engine, source))
            # Neighbours become one, so that it makes no difference how a script is cut into list items.
            if sources and isinstance(sources[-1], Prepared) and sources[-1].written:
                statements = sources.pop().statements + statements  # type: ignore[union-attr]
            sources.append(Prepared(statements=statements, written=True))
        return replace(self, sources=tuple(sources))

    @property
    def foreign_keys(self) -> bool:
        """Whether foreign keys can be enforced meanwhile, as far as the statements known before tell (see `split`)."""
        return all(statement.foreign_keys for statement in self._known())

    def in_steps(self, engine: Engine) -> bool:
        """Whether it can't be one transaction, as far as the statements known before tell (see `split`)."""
        return not self.transaction or not all(actions.is_atomic(engine, statement) for statement in self._known())

    def _known(self) -> Iterator[Statement]:
        return (item for source in self.sources if isinstance(source, Prepared) for item in source.statements)

    @property
    def texts(self) -> Iterator[str]:
        """The statements known before (see `split`), and what the operations say."""
        yield from (statement.sql for statement in self._known())
        yield from (str(source.arguments) for source in self.sources if isinstance(source, Operation))

    @property
    def calls(self) -> bool:
        """Whether it runs a function, which may do what no transaction undoes."""
        return any(isinstance(source, PythonCall) for source in self.sources)

    @property
    def mentions_history(self) -> bool:
        """Whether a statement or operation speaks of the history table."""
        return any(HISTORY_TABLE in text.casefold() for text in self.texts)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"migration {self.version}" if self.direction == "up" else f"the way back of migration {self.version}"
