"""The synthesized templates, and how to ask about them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Properties = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """A resource of one of the stacks."""

    stack: str
    logical_id: str
    type: str
    properties: Properties
    template: dict[str, Any] = field(repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it."""
        return self.stack, self.logical_id


class Synthesized:
    """All stacks of one deployment, read from the directory that they were synthesized into."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.templates = {
            path.name.removesuffix(".template.json"): json.loads(path.read_text())
            for path in sorted(directory.glob("trading-*.template.json"))
        }
        self._resources = {
            (stack, logical_id): Resource(
                stack, logical_id, body["Type"], body.get("Properties", {}), body
            )
            for stack, template in self.templates.items()
            for logical_id, body in template["Resources"].items()
        }
        self._exports = {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack, template in self.templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._resources.values())

    def of_type(self, type_: str) -> list[Resource]:
        """All resources of a CloudFormation type. Raises LookupError when there are none: a loop
        over them would check nothing.
        """
        found = [resource for resource in self if resource.type == type_]
        if not found:
            raise LookupError(f"no {type_} in any template")
        return found

    def target(self, stack: str, value: object) -> Resource:
        """The resource that a Ref, GetAtt or import (also from another stack) refers to. Raises
        LookupError if it is none of these.
        """
        match value:
            case {"Ref": logical_id} | {"Fn::GetAtt": [logical_id, _]}:
                return self._resources[stack, logical_id]
            case {"Fn::ImportValue": name}:
                return self.target(*self._exports[name])
        raise LookupError(f"{value} in {stack} refers to no single resource")

    def called(self, stack: str, value: object) -> Resource:
        """The function that a name, an ARN or a URI calls, also by its alias. It may be in another
        stack if an ARN has its name. Raises LookupError if it is not exactly one.
        """
        names = re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)"', json.dumps(value))
        found = {}
        for name in names:
            each = self._resources.get((stack, name))
            if each and each.type == "AWS::Lambda::Alias":
                each = self.target(stack, each.properties["FunctionName"])
            if each and each.type == "AWS::Lambda::Function":
                found[each.key] = each
        if by_name := re.search(r":function:(trading-[a-z-]+)", text(value)):
            for each in self.of_type("AWS::Lambda::Function"):
                if each.properties["FunctionName"] == by_name[1]:
                    found[each.key] = each
        if len(found) != 1:
            raise LookupError(f"{value} in {stack} calls {len(found)} functions")
        return next(iter(found.values()))

    def function(self, name: str) -> Resource:
        """A function by its name in the repository."""
        handler = f"functions.{name}.handler.handler"
        return next(
            fn
            for fn in self.of_type("AWS::Lambda::Function")
            if fn.properties["Handler"] == handler
        )


def text(value: object) -> str:
    """A template value with its references left out, for matching."""
    match value:
        case str():
            return value
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(text(part) for part in parts)
    return "{reference}"


def as_list(value: object) -> list[Any]:
    """IAM's lists may be single values."""
    return value if isinstance(value, list) else [value]
