"""A small validator: the parts of JSON Schema 2020-12 that openapi/v3.json uses, and no others."""

import datetime
import re

ANNOTATIONS = {"description", "example", "default", "title", "summary"}


class SchemaError(AssertionError):
    """The schema itself uses what this validator does not know."""


def is_type(value, name):
    return {
        "null": value is None,
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, (int, float)) and not isinstance(value, bool),
        "string": isinstance(value, str),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }[name]


def is_time(text):
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None
    except ValueError:
        return False


class Validator:
    def __init__(self, document):
        self.document = document

    def resolve(self, node):
        """What a $ref stands for."""
        while isinstance(node, dict) and "$ref" in node:
            assert node["$ref"].startswith("#/"), node
            target = self.document
            for part in node["$ref"][2:].split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def faults(self, value, schema, where="$"):
        """A list of texts; empty: it is valid."""
        schema = self.resolve(schema)
        found = []
        for keyword, wanted in schema.items():
            if keyword in ANNOTATIONS or keyword == "format" and wanted != "date-time":
                continue
            check = getattr(self, "check_" + keyword, None)
            if check is None:
                raise SchemaError(f"{where}: the keyword {keyword} is not known here")
            found += [f"{where}: {text}" if text[:1] != "$" else text for text in check(value, wanted, schema, where)]
        return found

    def valid(self, value, schema):
        return not self.faults(value, schema)

    # Of any value.

    def check_type(self, value, wanted, _schema, _where):
        names = wanted if isinstance(wanted, list) else [wanted]
        return [] if any(is_type(value, name) for name in names) else [f"{value!r} is not {wanted}"]

    def check_enum(self, value, wanted, _schema, _where):
        return [] if value in wanted else [f"{value!r} is none of {wanted}"]

    def check_const(self, value, wanted, _schema, _where):
        return [] if value == wanted and type(value) is type(wanted) else [f"{value!r} is not {wanted!r}"]

    def check_oneOf(self, value, wanted, _schema, _where):
        count = sum(self.valid(value, one) for one in wanted)
        return [] if count == 1 else [f"{count} of oneOf hold"]

    def check_allOf(self, value, wanted, _schema, where):
        return [text for one in wanted for text in self.faults(value, one, where)]

    # Of texts.

    def text(self, value, good, text):
        return [] if not isinstance(value, str) or good(value) else [f"{value!r}: {text}"]

    def check_minLength(self, value, wanted, _schema, _where):
        return self.text(value, lambda v: len(v) >= wanted, "too short")

    def check_maxLength(self, value, wanted, _schema, _where):
        return self.text(value, lambda v: len(v) <= wanted, "too long")

    def check_pattern(self, value, wanted, _schema, _where):
        return self.text(value, lambda v: re.search(wanted, v), f"does not match {wanted}")

    def check_format(self, value, _wanted, _schema, _where):
        return self.text(value, is_time, "is no time")

    # Of numbers.

    def number(self, value, good, text):
        return [] if not is_type(value, "number") or good(value) else [f"{value!r}: {text}"]

    def check_minimum(self, value, wanted, _schema, _where):
        return self.number(value, lambda v: v >= wanted, "too small")

    def check_maximum(self, value, wanted, _schema, _where):
        return self.number(value, lambda v: v <= wanted, "too large")

    # Of arrays.

    def array(self, value, good, text):
        return [] if not isinstance(value, list) or good(value) else [text]

    def check_minItems(self, value, wanted, _schema, _where):
        return self.array(value, lambda v: len(v) >= wanted, "too few")

    def check_maxItems(self, value, wanted, _schema, _where):
        return self.array(value, lambda v: len(v) <= wanted, "too many")

    def check_uniqueItems(self, value, _wanted, _schema, _where):
        return self.array(value, lambda v: all(v.index(x) == i for i, x in enumerate(v)), "not unique")

    def check_items(self, value, wanted, _schema, where):
        if not isinstance(value, list):
            return []
        return [text for i, one in enumerate(value) for text in self.faults(one, wanted, f"{where}[{i}]")]

    # Of objects.

    def check_required(self, value, wanted, _schema, _where):
        missing = [name for name in wanted if isinstance(value, dict) and name not in value]
        return [f"without {missing}"] if missing else []

    def check_maxProperties(self, value, wanted, _schema, _where):
        return ["too many members"] if isinstance(value, dict) and len(value) > wanted else []

    def check_properties(self, value, wanted, _schema, where):
        if not isinstance(value, dict):
            return []
        known = [name for name in value if name in wanted]
        return [text for name in known for text in self.faults(value[name], wanted[name], f"{where}.{name}")]

    def check_additionalProperties(self, value, wanted, schema, where):
        if not isinstance(value, dict):
            return []
        more = [name for name in value if name not in schema.get("properties", {})]
        if wanted is False:
            return [f"unexpected {more}"] if more else []
        return [text for name in more for text in self.faults(value[name], wanted, f"{where}.{name}")]
