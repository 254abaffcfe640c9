"""The house rules that a machine can check."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOP_LEVEL = set("pyproject.toml README.md LICENSE CHANGELOG.md host firmware models tests hardware".split())
TOOLS = [
    [sys.executable, "-m", "ruff", "check"],
    [sys.executable, "-m", "ruff", "format", "--check"],
    [sys.executable, "-m", "mypy"],
    [sys.executable, "firmware/generate.py", "--check"],
]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("This is no git checkout, so there is no list of the project's files.")
    return [ROOT / name for name in listed.stdout.splitlines()]


@pytest.mark.parametrize("command", TOOLS, ids=lambda command: " ".join(command[1:]))
def test_lint_format_types_and_generated_files(command):
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_top_level_is_the_agreed_one():
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL


def test_the_runtime_never_imports_torch_nor_the_models_package():
    for path in (ROOT / "host").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.partition(".")[0] for name in names} & {"torch", "myobridge_models"}, path


def test_documents_name_files_that_exist():
    place = re.compile(r"(?:tests|firmware|host|models|hardware)/[\w./-]+\.(?:py|sh|md|toml|c|h|svg|png)")
    for document in (path for path in tracked() if path.suffix == ".md"):
        for name in place.findall(document.read_text(encoding="utf-8")):
            assert (ROOT / name).exists() or (document.parent / name).exists(), f"{document.relative_to(ROOT)}: {name}"


def test_torch_and_training_tools_are_no_runtime_dependencies():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime = " ".join(project["dependencies"])
    assert not [name for name in ("torch", "onnx>", "scikit", "scipy") if name in runtime]


def test_every_package_and_every_file_in_it_is_in_the_wheel():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    packages = {"myobridge": ROOT / "host" / "myobridge", "myobridge_models": ROOT / "models" / "myobridge_models"}
    assert {folder.parent.name for folder in packages.values()} == set(config["packages"]["find"]["where"])
    for name, folder in packages.items():
        for path in (path for path in tracked() if path.is_relative_to(folder)):
            assert (path.parent / "__init__.py").exists() or path.suffix != ".py", path
            inside = path.relative_to(folder)
            patterns = config["package-data"].get(name, [])
            assert path.suffix == ".py" or any(inside.match(pattern) for pattern in patterns), path
