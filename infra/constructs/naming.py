"""Logical names."""


def pascal(name: str) -> str:
    """`settlement_plan` or `settlement-plan` as `SettlementPlan`."""
    return "".join(word.capitalize() for word in name.replace("_", "-").split("-"))
