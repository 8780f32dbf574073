"""The tables: keys, indexes, what they hold, and who may do what with them."""

from documentation.markdown import bullets, code, codes, link, section, table
from documentation.reference.functions import anchor
from infra.catalog.grants import GRANTS
from infra.catalog.tables import SIMULATOR_TABLES, TABLES, TableSpec

ALL = {**TABLES, **SIMULATOR_TABLES}


def summary() -> str:
    """All tables in one table."""
    return table(
        ("table", "partition key", "sort key", "what it holds"),
        (
            (
                link(code(name), f"#{name}"),
                code(spec.key[0]),
                code("".join(spec.key[1:])),
                spec.holds,
            )
            for name, spec in ALL.items()
        ),
    )


def sections() -> str:
    """A section for each table."""
    return "\n".join(
        section(
            2,
            code(name),
            spec.holds,
            bullets(_properties(spec)),
            table(
                ("index", "partition key", "sort key", "lists"),
                (
                    (code(each), *map(code, key), spec.lists.get(each, ""))
                    for each, key in spec.indexes.items()
                ),
            ),
            _items(spec),
            _users(name),
            anchor=name,
        )
        for name, spec in ALL.items()
    )


def _properties(spec: TableSpec) -> list[str]:
    kept = (
        "cannot be rebuilt: it has point-in-time recovery, and production backs it up, protects it "
        "from deletion and keeps it when the stack is deleted"
    )
    told = (
        (True, f"key: {codes(spec.key, ' + ')}"),
        (spec.is_kept, kept),
        (bool(spec.rebuilt), f"may be lost: {spec.rebuilt}"),
        (spec.streamed, "has a stream, because its items carry [events](events.md)"),
        (bool(spec.expires), f"items expire at {code(spec.expires or '')}"),
    )
    return [text for applies, text in told if applies]


def _items(spec: TableSpec) -> str:
    return table(("item", "what it is"), ((code(key), said) for key, said in spec.items.items()))


def _users(name: str) -> str:
    """Functions with a grant on the table or on one of its indexes."""
    resource = f"tables/{name}"
    rows = [
        (
            link(code(function), f"functions.md#{anchor(function)}"),
            code(index),
            codes(actions.split()),
        )
        for function, grants in GRANTS.items()
        for each, actions in grants.items()
        if (base := each.partition(resource))[1] and base[2][:1] in ("", "/")
        for index in [base[2].removeprefix("/")]
    ]
    return table(("function", "index", "may"), rows)
