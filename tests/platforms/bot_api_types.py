"""The Bot API's types, as aiogram's generated models have them: what a call and an answer may hold.

aiogram is a client library that the project does not use, so the adapter is never measured by its
own idea of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import aiogram.methods
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

METHODS: dict[str, Any] = {
    getattr(aiogram.methods, name).__api_method__.lower(): getattr(aiogram.methods, name)
    for name in aiogram.methods.__all__
    if isinstance(getattr(getattr(aiogram.methods, name), "__api_method__", None), str)
}
"""By their names in lower case: to the Bot API it makes no difference."""


def parsed(method: str, fields: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """-> the typed call, or None and what is wrong with it. Forms hold numbers and truth as text,
    objects and lists as JSON; a JSON body holds them as they are."""
    model = METHODS[method]
    known = model.model_fields
    wrong = [f"{method}: unknown parameter {name}" for name in fields if name not in known]
    values = {}
    for name in fields.keys() & known.keys():
        values[name], fits = _value(known[name].annotation, fields[name])
        if not fits:
            wrong.append(f"{method}: {name} is wrong")
        wrong += [f"{method}: {name} has no {inner}" for inner in _unknown(values[name])]
    if not wrong:
        try:
            return model(**values), []
        except ValidationError as error:
            wrong = [f"{method}: {e['loc']} {e['msg']}" for e in error.errors()]
    return None, wrong


def wrong_in_answer(method: str, result: Any) -> list[str]:
    """-> where the answer does not fit the method's type; for tests of broken answers, and to keep
    the server itself honest."""
    try:
        _adapter(METHODS[method].__returning__).validate_python(result)
    except ValidationError as error:
        places = sorted({".".join(map(str, e["loc"])) for e in error.errors()})
        return [f"{method}: this server's answer is wrong at {places}"]
    return []


def _value(annotation: Any, given: Any) -> tuple[Any, bool]:
    for validate in (_adapter(annotation).validate_python, _adapter(annotation).validate_json):
        try:
            return validate(given), True
        except (ValidationError, TypeError):
            continue
    return None, False


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return TypeAdapter(annotation)
    return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))


def _unknown(value: Any) -> set[str]:
    """Names of fields, at any depth, that the API does not have."""
    if isinstance(value, list):
        return set().union(*map(_unknown, value))
    if not isinstance(value, BaseModel):
        return set()
    inside = set().union(*(_unknown(getattr(value, name)) for name in type(value).model_fields))
    return inside | set(value.model_extra or {})
