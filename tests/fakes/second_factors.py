"""Second factors in memory."""

from dataclasses import dataclass, field

from trading.domain.clients.second_factor import SecondFactor
from trading.usecases.ports import StaleError


@dataclass
class MemorySecondFactors:
    """The port `SecondFactors`. `rivals`: what others write just before a commit."""

    kept: dict[str, SecondFactor] = field(default_factory=dict)
    rivals: list[SecondFactor] = field(default_factory=list)

    def of(self, holder: str) -> SecondFactor:
        return self.kept.get(holder, SecondFactor(holder=holder))

    def commit(self, factor: SecondFactor) -> None:
        if self.rivals:
            rival = self.rivals.pop()
            self.kept[rival.holder] = rival.saved()
        if self.of(factor.holder).version != factor.version:
            raise StaleError
        self.kept[factor.holder] = factor.saved()
