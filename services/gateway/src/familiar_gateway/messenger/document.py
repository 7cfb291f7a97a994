"""Documents: YAML in which each name stands once."""

from typing import Any

import yaml


class Twice(ValueError):
    """A name stands twice in a mapping; YAML would take the last of them, and somebody would not be told.

    Attributes:
        problem_mark: where the second one stands, as YAML's own errors tell.
    """

    def __init__(self, problem_mark: Any) -> None:
        super().__init__("a name stands twice in one place")
        self.problem_mark = problem_mark


def load(text: str) -> Any:
    """Return what a document says.

    Raises:
        Twice: a name stands twice in one place.
        yaml.YAMLError, ValueError, RecursionError: it is no YAML.
    """
    _refuse_doubles(yaml.compose(text, yaml.SafeLoader), set())
    return yaml.safe_load(text)


def _refuse_doubles(node: Any, seen: set[int]) -> None:
    if node is None or isinstance(node, yaml.ScalarNode) or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _refuse_doubles(each, seen)
        return
    names: set[str] = set()
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in names:
                raise Twice(key.start_mark)
            names.add(key.value)
        _refuse_doubles(value, seen)
