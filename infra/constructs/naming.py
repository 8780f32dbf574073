"""Logical and physical names."""


def pascal(name: str) -> str:
    """`settlement_plan` or `settlement-plan` as `SettlementPlan`."""
    return "".join(word.capitalize() for word in name.replace("_", "-").split("-"))


def dashed(name: str) -> str:
    """`settlement_plan` as `settlement-plan`, as a physical name has it."""
    return name.replace("_", "-")
