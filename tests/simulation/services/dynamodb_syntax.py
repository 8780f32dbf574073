"""A parser of DynamoDB's expressions.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path as File
from typing import TypeVar

_TOKEN = re.compile(r"\s*([#:]?\w+|<>|<=|>=|[=<>(),.\[\]+-])")
_NAME = re.compile(r"#\w+|[A-Za-z]\w*")
COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
_moto = find_spec("moto")
assert _moto is not None
assert _moto.origin is not None
RESERVED = frozenset(
    (File(_moto.origin).parent / "dynamodb/parsing/reserved_keywords.txt").read_text().split()
)

T = TypeVar("T")


class ExpressionError(Exception):
    """An expression's text is invalid."""


@dataclass(frozen=True)
class Path:
    """Names (or their placeholders) and list indexes, from the item inward."""

    steps: tuple[str | int, ...]


@dataclass(frozen=True)
class Literal:
    """A value's placeholder."""

    placeholder: str


@dataclass(frozen=True)
class Size:
    """size(path)."""

    path: Path


Operand = Path | Literal | Size


@dataclass(frozen=True)
class Comparison:
    """left comparator right."""

    comparator: str
    left: Operand
    right: Operand


@dataclass(frozen=True)
class Between:
    """operand BETWEEN low AND high."""

    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True)
class In:
    """operand IN (choices)."""

    operand: Operand
    choices: tuple[Operand, ...]


@dataclass(frozen=True)
class Function:
    """A function that is true or false."""

    name: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True)
class Not:
    """NOT condition."""

    condition: "Condition"


@dataclass(frozen=True)
class Both:
    """left AND right."""

    left: "Condition"
    right: "Condition"


@dataclass(frozen=True)
class Either:
    """left OR right."""

    left: "Condition"
    right: "Condition"


@dataclass(frozen=True)
class Parentheses:
    """(condition)."""

    condition: "Condition"


Condition = Comparison | Between | In | Function | Not | Both | Either | Parentheses


class Parser:
    """Parses one expression. Every method raises ExpressionError."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        position, end = 0, len(text.rstrip())
        if not end:
            raise ExpressionError("The expression can not be empty;")
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise ExpressionError(f'Syntax error; token: "{text[position]}"')
            self._tokens.append(match[1])
            position = match.end()
        self._position = 0

    @property
    def token(self) -> str:
        """The next token, or an empty text at the end."""
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    @property
    def keyword(self) -> str:
        """The next token in capitals. Keywords are not case-sensitive."""
        return self.token.upper()

    def take(self) -> str:
        """Consume the next token and return it."""
        token = self.token
        self._position += 1
        return token

    def expect(self, token: str) -> None:
        """Consume this token."""
        if self.keyword != token:
            raise self.error()
        self._position += 1

    def accept(self, token: str) -> bool:
        """Consume this token if it is the next one. Return whether it was."""
        found = self.keyword == token
        self._position += found
        return found

    def error(self) -> ExpressionError:
        """The error that the next token is unexpected."""
        return ExpressionError(f'Syntax error; token: "{self.token or "<EOF>"}"')

    def whole(self, part: Callable[[], T]) -> T:
        """Parse a part that must be the whole text."""
        parsed = part()
        if self.token:
            raise self.error()
        return parsed

    def listed(self, part: Callable[[], T]) -> tuple[T, ...]:
        """Parse one or more parts separated by commas."""
        parts = [part()]
        while self.accept(","):
            parts.append(part())
        return tuple(parts)

    def path(self) -> Path:
        """Parse a document path."""
        steps: list[str | int] = [self._name()]
        while self.token in (".", "["):
            if self.take() == ".":
                steps.append(self._name())
            else:
                if not self.token.isdecimal():
                    raise self.error()
                steps.append(int(self.take()))
                self.expect("]")
        return Path(tuple(steps))

    def _name(self) -> str:
        if not _NAME.fullmatch(self.token):
            raise self.error()
        if self.keyword in RESERVED:
            raise ExpressionError(
                f"Attribute name is a reserved keyword; reserved keyword: {self.token}"
            )
        return self.take()

    def is_call(self) -> bool:
        """Whether a function's name and its parenthesis come next."""
        return self._position + 1 < len(self._tokens) and self._tokens[self._position + 1] == "("

    def literal(self) -> Literal:
        """Parse a value's placeholder."""
        if not self.token.startswith(":"):
            raise self.error()
        return Literal(self.take())

    def operand(self) -> Operand:
        """Parse an operand of a comparison."""
        if self.token.startswith(":"):
            return self.literal()
        if not self.is_call():
            return self.path()
        if self.token != "size":
            raise ExpressionError(f"Invalid function name; function: {self.token}")
        self.take()
        self.expect("(")
        path = self.path()
        self.expect(")")
        return Size(path)

    def condition(self) -> Condition:
        """Parse a condition. OR binds weakest, then AND, then NOT."""
        condition = self._conjunction()
        while self.accept("OR"):
            condition = Either(condition, self._conjunction())
        return condition

    def _conjunction(self) -> Condition:
        condition = self._negation()
        while self.accept("AND"):
            condition = Both(condition, self._negation())
        return condition

    def _negation(self) -> Condition:
        if self.accept("NOT"):
            return Not(self._negation())
        if self.accept("("):
            inner = self.condition()
            self.expect(")")
            if isinstance(inner, Parentheses):
                raise ExpressionError("The expression has redundant parentheses;")
            return Parentheses(inner)
        if self.token in FUNCTIONS and self.is_call():
            return self._function()
        return self._comparison()

    def _function(self) -> Function:
        name = self.take()
        self.expect("(")
        arguments = self.listed(self.operand)
        self.expect(")")
        if len(arguments) != FUNCTIONS[name]:
            raise ExpressionError(
                f"Incorrect number of operands for operator or function; function: {name}"
            )
        if name.startswith("attribute_") and not isinstance(arguments[0], Path):
            raise ExpressionError(
                f"Operator or function requires a document path; operator or function: {name}"
            )
        return Function(name, arguments)

    def _comparison(self) -> Condition:
        left = self.operand()
        if self.accept("BETWEEN"):
            low = self.operand()
            self.expect("AND")
            return Between(left, low, self.operand())
        if self.accept("IN"):
            self.expect("(")
            choices = self.listed(self.operand)
            self.expect(")")
            if len(choices) > 100:
                raise ExpressionError("Too many operands for operator IN")
            return In(left, choices)
        if self.token not in COMPARATORS:
            raise self.error()
        comparator = self.take()
        right = self.operand()
        if left == right:
            raise ExpressionError(
                "The first operand must be distinct from the remaining operands for this "
                f"operator or function; operator: {comparator}"
            )
        return Comparison(comparator, left, right)
