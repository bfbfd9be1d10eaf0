"""Several questions about one table, answered by one scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from schemaspec.model.plan import Hazard
from schemaspec.model.schema import ObjectId
from schemaspec.plan.live import Live


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing to count in a table.

    Args:
        about: the object whose change asks.
        table: the live table.
        condition: on its rows, as SQL: those that meet it are counted; "" counts all.
        answer: makes the hazard of the number; None when it is none. Called with None when it can't be counted.
        fails: makes the hazard of what the engine says where the condition can be asked, but not of these rows; None: `answer`
            is called.
    """

    about: ObjectId
    table: ObjectId
    condition: str
    answer: Callable[[int | None], Hazard | None]
    fails: Callable[[str], Hazard] | None = None


@dataclass(slots=True)
class Tally:
    """The questions of a plan."""

    live: Live
    questions: dict[ObjectId, list[Question]] = field(default_factory=dict)

    def ask(self, question: Question) -> None:
        """Note a question."""
        self.questions.setdefault(question.table, []).append(question)

    def hazards(self) -> Iterator[tuple[ObjectId, Hazard]]:
        """Scan each table once, and say what is dangerous about which change."""
        for table, questions in self.questions.items():
            for question, number in zip(questions, self._numbers(table, questions), strict=True):
                why = self.live.refusal(table, question.condition) if number is None and question.fails is not None else None
                hazard = question.answer(number) if why is None or question.fails is None else question.fails(why)
                if hazard is not None:
                    yield question.about, hazard

    def _numbers(self, table: ObjectId, questions: list[Question]) -> list[int | None]:
        if not self.live.counted:
            return [None] * len(questions)
        source = self.live.shape(table)
        if len(questions) > 1:
            row = self.live.row(f"SELECT {', '.join(_term(question.condition) for question in questions)} FROM {source}")
            if row is not None:
                return [int(value or 0) for value in row]
        # One alone may be answered by an index. One of several can't be asked; the others still can.
        alone = (self.live.row(f"SELECT COUNT(*) FROM {source}{_where(question.condition)}") for question in questions)
        return [None if row is None else int(row[0]) for row in alone]


def _term(condition: str) -> str:
    return f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)" if condition else "COUNT(*)"


def _where(condition: str) -> str:
    return f" WHERE {condition}" if condition else ""
