"""What some engines can do beside what `protocol.Engine` asks of every one of them. Who needs it asks whether it is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from schemaspec.engines.protocol import Connection, Engine
    from schemaspec.model.change import Change
    from schemaspec.model.plan import Fill, Hazard, Statement, Step
    from schemaspec.model.schema import ObjectId, Schema, SchemaObject
    from schemaspec.model.url import DatabaseUrl

T = TypeVar("T")


@runtime_checkable
class Settles(Protocol):
    """What an engine has beside `Engine` where a statement can go on, or leave something behind, after its client died."""

    def settle(self, connection: Connection, statement: Statement, *, timeout: float) -> None:
        """Called before the fate of a statement is looked at whose run was interrupted: wait until the server has finished
        with it, and remove what it left half made (an invalid index).

        Raises:
            LockedError: the server is still at it after `timeout` seconds.
        """


@runtime_checkable
class Adapts(Protocol):
    """What an engine has beside `Engine` where what a statement takes depends on what the live table has been through."""

    def adapt(self, connection: Connection, statement: Statement) -> Statement:
        """The statement of a proven plan as the live database, which is only read, can run it; with the hazards of that."""


@runtime_checkable
class Borrows(Protocol):
    """What an engine has beside `Engine` where one database's scratch database can speak for another's."""

    def borrowed(self, url: DatabaseUrl) -> str:
        """All that a scratch database takes over from this live one but its name. Where it is the same, the same statements
        lead to the same schema, unless they name the database."""


@runtime_checkable
class Gathers(Protocol):
    """What an engine has beside `Engine` where many statements gain from being handed over at once."""

    def together(self, connection: Connection, statements: Sequence[Statement]) -> int:
        """How many of the first statements, none of which has anything to be measured, `run_together` can take; 0 for none.

        `connection` is the one that has run the statements before them.
        """

    def run_together(self, connection: Connection, statements: Sequence[Statement]) -> None:
        """Run them, in an order that suits what they need of each other.

        Raises:
            StatementError: one was refused; others may have run, before and after it, unless the transaction ends with it.
        """


@runtime_checkable
class MeasuresTogether(Protocol):
    """What an engine has beside `Engine` where most of what it costs to measure a statement is the way to the server."""

    def measure_together(self, connection: Connection, statements: Sequence[Statement]) -> Sequence[tuple[Hazard, ...]]:
        """Run as many of the first statements as can be handed over at once, in their order, each as `Engine.measure` does it.

        Returns:
            what each of them does; nothing where the first is one for `Engine.measure`.

        Raises:
            StatementError: one was refused; those before it have run.
        """


@runtime_checkable
class Foresees(Protocol):
    """What an engine has beside `Engine` where the server can say beforehand how much a statement will change."""

    def foreseen(self, live: Connection, scratch: Connection, statement: Statement) -> tuple[Hazard, ...]:
        """What a statement of somebody's own will do to the rows that there are.

        Args:
            live: knows the rows; it is only read, and nothing is run there.
            scratch: knows the schema that the statement is written for.
        """


@runtime_checkable
class ShutsOut(Protocol):
    """What an engine has beside `Engine` where a lock is held until the transaction ends, for however short it was needed."""

    def shut(self, connection: Connection) -> frozenset[str]:
        """The tables, by their names for people, that nobody else can read while the statement's transaction lasts that was
        measured last on the connection."""


@runtime_checkable
class Combines(Protocol):
    """What an engine has beside `Engine` where several changes of a table cost as much as one, when one statement makes them."""

    def combined(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """The same steps, which are in their order, those made one that follow each other and gain from it."""


@runtime_checkable
class BeginsAgain(Protocol):
    """What an engine has beside `Engine` where a transaction that waits for a lock keeps others waiting for those it has."""

    def begun_again(self, connection: Connection, work: Callable[[], T]) -> T:
        """Do `work`, which opens a transaction and ends it. When it is refused a lock, its transaction is rolled back, so that
        nothing is held, and after a pause the work is done from its beginning.

        Raises:
            LockedError: it was refused too often. What `work` raises.
        """


def begun_again(engine: Engine, connection: Connection, work: Callable[[], T]) -> T:
    """Do `work` in the way of `BeginsAgain`, where the engine knows it; else once."""
    return engine.begun_again(connection, work) if isinstance(engine, BeginsAgain) else work()


@runtime_checkable
class Fills(Protocol):
    """What an engine has beside `Engine` where it finds the next rows of a fill without looking at those before them."""

    def batch(self, fill: Fill) -> str:
        """One batch of the fill as a statement that can be run by hand, again and again."""

    def fill(self, connection: Connection, fill: Fill, place: str) -> str | None:
        """Run the next batch, in the transaction that is open.

        Args:
            place: where the batch before it ended; "" for the first one. Rows that are filled are left alone in any case.

        Returns:
            where the next one begins; None where nothing is left to be done.
        """


@runtime_checkable
class Limits(Protocol):
    """What an engine has beside `Engine` where one transaction can't hold any number of statements."""

    def crowded(self, connection: Connection) -> bool:
        """Whether a transaction is open that has to be committed before many more statements can run."""


@runtime_checkable
class Spans(Protocol):
    """What an engine has beside `Engine` where a statement's effect ends with its transaction, and others rely on it."""

    def span(self, statement: Statement) -> int:
        """1 where from this statement on nothing may be committed, -1 where it may be again, else 0. One that no other ends
        lasts as long as statements can share its transaction."""


def span(engine: Engine, statement: Statement) -> int:
    """What `Spans` says, where the engine knows it; else 0."""
    return engine.span(statement) if isinstance(engine, Spans) else 0


@runtime_checkable
class Converts(Protocol):
    """What an engine has beside `Engine` where it knows which values a change of a column can alter."""

    def lossy(self, before: SchemaObject, after: SchemaObject, column: str, start: Schema, target: Schema) -> str:
        """A condition on the live rows, true where the value of the altered column would not survive as it is (altered,
        shortened or refused); "" where no value can suffer.

        Args:
            column: as SQL.
            start, target: the schemas of the column before and after, which say what its types are made of.
        """


@runtime_checkable
class Casts(Protocol):
    """What an engine has beside `Engine` where values of different types can be one and the same value of another."""

    def cast(self, before: SchemaObject, after: SchemaObject, column: str) -> str:
        """What the column, as SQL, is once its type has changed, as SQL that the database may refuse."""


@runtime_checkable
class Excludes(Protocol):
    """What an engine has beside `Engine` where a constraint compares rows with each other, and not for equality alone."""

    def conflicts(self, before: SchemaObject | None, after: SchemaObject, rows: str) -> Sequence[str] | None:
        """Queries for the number of rows that such a constraint would not have beside another one; what the database makes of
        the first that it takes is so, and NULL means that this would take too long. () where `before` has seen to it; None
        where `after` is no such constraint.

        Args:
            rows: what to select from to see the table's rows.
        """


@runtime_checkable
class Authorizes(Protocol):
    """What an engine has beside `Engine` where a role may do less to the live database than to a scratch one of its own."""

    def forbidden(self, connection: Connection, steps: Sequence[Step], start: Schema) -> Iterable[tuple[ObjectId, Hazard]]:
        """What the server would refuse the role of the connection, and the object whose step it is.

        Args:
            connection: the live database; it is only read.
            start: what it holds.
        """


@runtime_checkable
class Finishes(Protocol):
    """What an engine has beside `Engine` where an object can be half done, in a state that no statement asks for."""

    def finished(self, schema: Schema) -> Schema:
        """The same schema with everything in it done: as a copy that its definitions make comes out."""


@runtime_checkable
class Breaks(Protocol):
    """What an engine has beside `Engine` where an object can be there that its own definition can't make any more."""

    def broken(self, connection: Connection, schema: Schema) -> Mapping[ObjectId, str]:
        """Such objects of the database, whose schema this is, and why each can't be used."""


@runtime_checkable
class StandsIn(Protocol):
    """What an engine has beside `Engine` where plans do with such an object what they would with any other of its name."""

    def stand_in(self, connection: Connection, schema: Schema) -> Collection[ObjectId]:
        """Make something else in the place of each object of the schema that is missing because its own definition does not
        make it any more.

        Args:
            connection: a scratch database that holds the rest of the schema.

        Returns:
            what was made so.
        """


@runtime_checkable
class Digests(Protocol):
    """What an engine has beside `Engine` where the server can say in a few bytes whether a large schema is what it was."""

    def digest(self, connection: Connection) -> str | None:
        """A text that is another one whenever `introspect` could find anything else, for whoever asks and in whichever
        database; None where that is not known, or where `introspect` is as quick."""

    def introspect_as(self, connection: Connection, known: str) -> Schema | None:
        """What `introspect` finds while the digest is this one; None when it is another one by now."""


def records_dependencies(engine: Engine) -> bool:
    """Whether the engine's databases record what depends on what, and know no names that are alike."""
    return isinstance(engine, Digests) and not engine.features.caseless


@runtime_checkable
class Locates(Protocol):
    """What an engine has beside `Engine` where a URL alone does not say which server it leads to."""

    def place(self, url: DatabaseUrl) -> str:
        """The server and the database, in the same words for every URL that leads there, as far as can be told from here."""


@runtime_checkable
class Outlives(Protocol):
    """What an engine has beside `Engine` where an object can stay although something that it depends on does not."""

    def outlives(
        self, dependent: SchemaObject, used: SchemaObject, current: Schema, desired: Schema
    ) -> Literal["replaced", "kept", "shaken"]:
        """What becomes of an object of both schemas when `used` is dropped, replaced or altered beneath it.

        Returns:
            `replaced`: it is dropped and created again. `kept`: it stays, the step for `used` sees to it. `shaken`: it
            stays too, but what depends on it is looked at as if it were altered itself.
        """


@runtime_checkable
class Moves(Protocol):
    """What an engine has beside `Engine` where a table can be dropped and made again with its rows."""

    def moved(self, current: Schema, desired: Schema) -> Collection[ObjectId]:
        """The tables whose rows are in a table of the desired schema afterwards, although they are dropped."""


@runtime_checkable
class Implies(Protocol):
    """What an engine has beside `Engine` where a change of one object can only be made by changing another one, too."""

    def implied(self, changes: Sequence[Change], current: Schema, desired: Schema) -> Sequence[Change]:
        """The same changes, those among them that they mean for other objects."""


@runtime_checkable
class KnowsEmpty(Protocol):
    """What an engine has beside `Engine` where it can tell tables without rows apart without reading them."""

    def empty_tables(self, connection: Connection) -> Collection[ObjectId]:
        """Tables that have no row for certain; those that it can't be sure of are left out."""


class Held(Protocol):
    """How a connection fared that was `Holds.held`."""

    refused: str
    """The last word that was to begin or end a transaction and was refused; "" when there was none."""
    endangered: bool
    """Whether a statement was refused that loses rows of other tables while foreign keys are enforced."""


@runtime_checkable
class Holds(Protocol):
    """What a connection has beside `Connection` where it can refuse whatever would end its transaction."""

    def held(self) -> AbstractContextManager[Held]:
        """Refuse BEGIN, COMMIT and ROLLBACK, whoever runs them and however, for as long as the context is open; and where
        foreign keys are enforced, what is safe only when they are not."""


class Watched(Protocol):
    """What became of a transaction that was `Watches.watched`; known when the context is closed."""

    ended: bool
    """Whether it is not the same any more."""
    by_ddl: bool
    """Whether statements ended it that can't be rolled back on this engine, and nothing else did."""


@runtime_checkable
class Watches(Protocol):
    """What a connection has beside `Connection` where nothing but the server knows that its transaction was ended."""

    def watched(self) -> AbstractContextManager[Watched]:
        """Watch the transaction that is open for as long as the context is."""


@runtime_checkable
class Sharpens(Protocol):
    """What an engine has beside `Engine` where a statement can say how it shall be run."""

    def sharpen(self, connection: Connection, statement: Statement) -> Statement:
        """Run the statement in scratch, like `measure`, and return it in the words of the cheapest way that the server took
        there, with the hazards that it showed added to its own."""
