"""The wire's types as a reader of JSON would write them: `{stream, cursor?: string}`, `"L" | "R"`, `[integer...]`."""

from __future__ import annotations

from typing import Any

from msgspec import inspect


def notation(type_: Any) -> str:
    """A type in short. Structs are written out: the wire's go three levels deep at most, and none holds itself."""
    match inspect.type_info(type_) if not isinstance(type_, inspect.Type) else type_:
        case inspect.StructType() as struct:
            return "{" + ", ".join(field_notation(field) for field in struct.fields) + "}"
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"[{notation(item)}...]"
        case inspect.TupleType(item_types=items):
            return "[" + ", ".join(map(notation, items)) + "]"
        case inspect.DictType(key_type=key, value_type=value):
            return f"{{{notation(key)}: {notation(value)}...}}"
        case inspect.UnionType(types=types):
            return " | ".join(map(notation, types))
        case inspect.LiteralType(values=values):
            return " | ".join(f'"{value}"' for value in values)
        case inspect.Metadata(type=inner):
            return notation(inner)
        case inspect.NoneType():
            return "null"
        case inspect.BoolType():
            return "boolean"
        case inspect.IntType():
            return "integer"
        case inspect.StrType():
            return "string"
        case inspect.AnyType() | inspect.RawType():
            return "json"
        case other:
            raise TypeError(f"{other} has no notation; the wire's types are JSON's")


def field_notation(field: inspect.Field) -> str:
    """`name: type`, with `?` when the field may be left out. What is absent is not also said to be null."""
    if field.required:
        return f"{field.encode_name}: {notation(field.type)}"
    type_ = field.type
    if isinstance(type_, inspect.UnionType) and field.default is None:
        return f"{field.encode_name}?: " + " | ".join(
            notation(t) for t in type_.types if not isinstance(t, inspect.NoneType)
        )
    return f"{field.encode_name}?: {notation(type_)}"
