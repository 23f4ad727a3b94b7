"""The code of a bundle: the runner and every file of ours that it imports, under a name of its own.

A bundle decides with the very same files as the service, so there is nothing that could drift apart.
"""

import ast
import sys
from collections.abc import Mapping
from pathlib import Path

from facekey.core.errors import ModelError

PACKAGE = "facekey"
RENAMED = "facekey_edge"
RUNNER = ("facekey.edge.runner.command", "facekey.edge.runner.entry", "facekey.edge.runner.runner")
ENTRY = "facekey.edge.runner.entry"
FRONT = f"\nfrom {RENAMED}.edge.runner.runner import Runner as Runner\n"
LIBRARIES = frozenset({"cv2", "numpy", "onnxruntime"})

_ROOT = Path(__file__).parents[1]


def bundle_code() -> Mapping[str, bytes]:
    """Python files by their path in the bundle.

    Raises:
        ModelError: the runner came to need a library that boards shall not need.
    """
    files: dict[str, bytes] = {}
    waiting = [*RUNNER]
    while waiting:
        module = waiting.pop()
        path = _path(module)
        if path is None or (target := _target(module, path)) in files:
            continue
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        imported = _imports(tree)
        foreign = (
            {name.partition(".")[0] for name in imported} - {PACKAGE} - LIBRARIES - sys.stdlib_module_names
        )
        if foreign:
            raise ModelError(f"{module} imports {', '.join(sorted(foreign))}, which boards don't have")
        files[target] = _renamed(source, tree).encode()
        ours = [name for name in imported if name.partition(".")[0] == PACKAGE]
        waiting += ours
        # A package is there as soon as one of its modules is.
        waiting += [name.rpartition(".")[0] for name in (*ours, module) if "." in name]
    files[f"{RENAMED}/__init__.py"] += FRONT.encode()
    files[f"{RENAMED}/__main__.py"] = files.pop(_target(ENTRY, _ROOT / "edge" / "runner" / "entry.py"))
    return dict(sorted(files.items()))


def _imports(tree: ast.Module) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            # `from package import module` imports a module, too.
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _renamed(source: str, tree: ast.Module) -> str:
    """The source with its imports of ours under the bundle's name; nothing else is touched."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        if any(name.partition(".")[0] == PACKAGE for name in names):
            at = node.lineno - 1
            lines[at] = lines[at].replace(PACKAGE, RENAMED, 1)
    return "".join(lines)


def _path(module: str) -> Path | None:
    """The file of a module or package of ours; None for a name inside one, or of another."""
    head, *rest = module.split(".")
    if head != PACKAGE:
        return None
    path = _ROOT.joinpath(*rest)
    if path.is_dir():
        return path / "__init__.py"
    path = path.with_suffix(".py")
    return path if path.is_file() else None


def _target(module: str, path: Path) -> str:
    parts = [RENAMED, *module.split(".")[1:]]
    return "/".join(parts) + ("/__init__.py" if path.name == "__init__.py" else ".py")
