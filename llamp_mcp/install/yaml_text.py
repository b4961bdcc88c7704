"""YAML as text: one entry is put in, exchanged or taken out; comments and order stay."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ruamel.yaml import YAML


class YamlText:
    """A YAML document and its text.

    Args:
        text: The document; empty: a new one.

    Raises:
        InvalidInput: The text is no YAML mapping, or holds a key twice.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.data = self._load(text)

    def entry(self, container: str, name: str) -> Any:
        """The entry of that name; None if there is none."""
        return self._held(self.data, container).get(name)

    def names(self, container: str, chosen: Callable[[Any], bool]) -> list[str]:
        """Names of the entries that are chosen."""
        return [name for name, entry in self._held(self.data, container).items() if chosen(entry)]

    def with_entry(self, container: str, name: str, entry: Mapping[str, Any]) -> YamlText:
        """The document with that entry, in the place of one of the same name."""
        data = self._load(self.text)
        held = self._held(data, container)
        if held.get(name) == entry:
            return self
        if data.get(container) is None:
            data[container] = {name: dict(entry)}
        elif name in held:
            held[name] = dict(entry)
        else:  # first: comments behind the last entry belong to what follows
            held.insert(0, name, dict(entry))
        return self._dump(data)

    def without_entry(self, container: str, name: str) -> YamlText:
        """The document without that entry."""
        data = self._load(self.text)
        del self._held(data, container)[name]
        return self._dump(data)

    @staticmethod
    def _held(data: Any, container: str) -> Any:
        held = data.get(container)
        if held is None:
            return {}
        if not isinstance(held, dict):
            raise InvalidInput(
                f"{container!r} in the configuration is not a mapping; nothing was changed",
                next_step="Repair it first, or name another file with --config.",
            )
        return held

    def _load(self, text: str) -> Any:
        from ruamel.yaml.comments import CommentedMap
        from ruamel.yaml.error import YAMLError

        try:
            data = self._yaml(text).load(text)
        except (YAMLError, ValueError, RecursionError) as error:
            told = str(error).partition("\n")[0]
            raise InvalidInput(
                f"The configuration is not valid YAML ({told}); nothing was changed",
                next_step="Repair it first, or name another file with --config.",
            ) from error
        if data is None:
            data = CommentedMap()
        if not isinstance(data, dict):
            raise InvalidInput("The configuration is not a YAML mapping; nothing was changed")
        return data

    def _dump(self, data: Any) -> YamlText:
        stream = io.StringIO()
        self._yaml(self.text).dump(data, stream)
        made = YamlText(stream.getvalue())
        if made.data != data:
            raise InvalidInput(
                "The configuration cannot be written without changing other entries in it",
                next_step="Add the entry by hand; see the documentation of the client.",
            )
        return made

    @staticmethod
    def _yaml(text: str) -> YAML:
        """A reader and writer that keeps quotes, comments and the indentation of lists."""
        from ruamel.yaml import YAML

        yaml = YAML()
        yaml.preserve_quotes = True
        yaml.width = 10_000
        if re.search(r"^( *)[^\s#-][^\n]*:[ \t]*\n\1 +- ", text, re.MULTILINE):
            yaml.indent(mapping=2, sequence=4, offset=2)
        return yaml
