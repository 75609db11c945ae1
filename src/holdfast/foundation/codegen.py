"""Turn generated source into a function whose lines show in tracebacks.

Row loaders, attribute accessors and parameter readers are written as source text for speed. The
text is compiled under a name of its own and registered with `linecache`, so that a traceback, a
debugger and `inspect.getsource` show it like any other code. The text goes when the function goes.
"""

from __future__ import annotations

import linecache
import weakref
from collections.abc import Callable, Mapping
from itertools import count
from types import FunctionType
from typing import Any

_serial = count(1)


def build_function(
    name: str, source: str, namespace: Mapping[str, Any], *, filename_hint: str
) -> Callable[..., Any]:
    """Run `source`, which must define the function `name`, and give back that function.

    Args:
        name: The function that the source defines.
        source: Python source text, e.g. of one `def`.
        namespace: The names that the source refers to; it is copied, not filled.
        filename_hint: What the function is for, e.g. `load User`; shown in tracebacks.
    """
    hint = "".join(each for each in filename_hint if each.isalnum() or each in "_.,()- ")
    filename = f"<holdfast {hint} #{next(_serial)}>"
    if not source.endswith("\n"):
        source += "\n"
    scope = dict(namespace)
    scope.setdefault("__name__", "holdfast.generated")
    exec(compile(source, filename, "exec"), scope)
    function: FunctionType = scope[name]
    # An entry without a modification time is left alone by linecache.checkcache().
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    weakref.finalize(function, linecache.cache.pop, filename, None).atexit = False
    return function


def source_of(function: Callable[..., Any]) -> str | None:
    """The text that `build_function` made `function` from, or None for any other function."""
    code = getattr(function, "__code__", None)
    if code is None or not code.co_filename.startswith("<holdfast "):
        return None
    return "".join(linecache.getlines(code.co_filename)) or None
