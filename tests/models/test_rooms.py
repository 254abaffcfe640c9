"""The rooms of the training side depend on each other in the order of the data."""

import ast
from pathlib import Path

import myobridge_models

PACKAGE = Path(myobridge_models.__file__).parent
ROOMS = ("data", "network", "export", "evaluation", "training", "experiments", "report", "commands")


def test_no_room_imports_a_later_one():
    for path in PACKAGE.rglob("*/*.py"):
        room = ROOMS.index(path.relative_to(PACKAGE).parts[0])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("myobridge_models."):
                assert ROOMS.index(node.module.split(".")[1]) <= room, f"{path}: {node.module}"
