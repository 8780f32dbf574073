"""A central securities depository with its own books."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.simulation.cloud import Cloud
from tests.simulation.instants import timestamp
from tests.simulation.market import is_bank_holiday
from trading.domain.reference.calendars import is_trading_day
from trading.wire import SettlementInstruction

CONFIRMATIONS_A_PAGE = 5
"""Few, so that the list of a day has several pages."""


class SimulatedDepository:
    """Settles each instruction once. A settlement is final, whatever the depository answered."""

    def __init__(self, cloud: Cloud, random: Random) -> None:
        self.instructions: dict[str, SettlementInstruction] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.wrong: set[str] = set()
        self.failed: set[str] = set()
        self.strays: set[str] = set()
        """Confirmations of what nobody has instructed."""
        self._cloud = cloud
        self._random = random

    def instruct(self, instruction: SettlementInstruction) -> tuple[int, Any]:
        """Settle an instruction, delivery versus payment. A repeated instruction gets the same
        answer.
        """
        known = self.instructions.get(instruction.instruction_id)
        if known is not None:
            assert known == instruction, (
                f"{instruction.instruction_id} came again as another instruction"
            )
            return 200, self.answers[instruction.instruction_id]
        due = instruction.settlement_date
        assert is_trading_day(due), f"{due} is no settlement day"
        assert not is_bank_holiday(due), f"{due} is no settlement day"
        name = instruction.instruction_id
        random = Random(f"{self._cloud.seed}/depository/{name}")
        self.instructions[name] = instruction
        answer = json.loads(
            instruction.model_dump_json(exclude={"settlement_account", "counterparty"})
        ) | {
            "confirmation_id": f"cnf-{name}",
            "status": "SETTLED",
            "confirmed_at": timestamp(self._cloud.engine.now),
        }
        if self._cloud.faults.happens("depository_fails", random):
            answer |= {"status": "FAILED", "reason": "the counterparty lacks the shares"}
            self.failed.add(name)
        elif self._cloud.faults.happens("depository_wrong", random):
            answer |= {"amount": str(instruction.amount + 1)}
            self.wrong.add(name)
        self.answers[name] = answer
        return 200, answer

    def stray(self, day: str) -> None:
        """Confirm the settlement of a trade that nobody has instructed."""
        name = f"stl_{'0' * 32}"
        self.strays.add(name)
        self.answers[name] = {
            "instruction_id": name,
            "confirmation_id": f"cnf-{name}",
            "status": "SETTLED",
            "direction": "RECEIVE",
            "symbol": "KO",
            "quantity": 7,
            "amount": "458.15",
            "currency": "USD",
            "settlement_date": day,
            "confirmed_at": timestamp(self._cloud.engine.now),
        }

    def confirmations(self, query: dict[str, list[str]]) -> tuple[int, Any]:
        """The confirmations of a settlement date in the order in which they were made, some of them
        twice.
        """
        day = query["settlement_date"][0]
        of_day = [answer for answer in self.answers.values() if answer["settlement_date"] == day]
        start = int(query.get("cursor", ["0"])[0])
        page = of_day[start : start + CONFIRMATIONS_A_PAGE]
        twice = [
            answer
            for answer in page
            if self._cloud.faults.happens("depository_twice", self._random)
        ]
        end = start + len(page)
        return 200, {
            "confirmations": page + twice,
            "next_cursor": str(end) if end < len(of_day) else None,
            "end_cursor": str(end) if end == len(of_day) else None,
        }
