"""The house rules that a machine can check."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from datetime import date
from graphlib import TopologicalSorter
from importlib.metadata import version
from pathlib import Path

import pytest

from myobridge.simulator.firmware import VERSION

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
TOP_LEVEL = set("pyproject.toml README.md LICENSE CHANGELOG.md host firmware models tests hardware".split())
TOOLS = [
    [sys.executable, "-m", "ruff", "check"],
    [sys.executable, "-m", "ruff", "format", "--check"],
    [sys.executable, "-m", "mypy"],
    [sys.executable, "firmware/generate.py", "--check"],
]
PACKAGES = {"myobridge": ROOT / "host" / "myobridge", "myobridge_models": ROOT / "models" / "myobridge_models"}
MOST_ROOMS = 12
MOST_LINES = 350
LONG_FUNCTION = 30
SOURCES = {".py", ".c", ".h", ".S", ".js", ".css", ".html"}
GENERATED = {"messages.py", "messages.h"}


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


def test_no_two_test_files_have_one_name():
    """pytest refuses to collect both in one run."""
    names = [path.name for path in tracked() if path.match("tests/**/test_*.py")]
    assert sorted(names) == sorted(set(names))


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
    assert {folder.parent.name for folder in PACKAGES.values()} == set(config["packages"]["find"]["where"])
    for name, folder in PACKAGES.items():
        for path in (path for path in tracked() if path.is_relative_to(folder)):
            assert (path.parent / "__init__.py").exists() or path.suffix != ".py", path
            inside = path.relative_to(folder)
            patterns = config["package-data"].get(name, [])
            assert path.suffix == ".py" or any(inside.match(pattern) for pattern in patterns), path


# --- rooms, files, functions ------------------------------------------------------------------------------


def sources(*folders: str) -> list[Path]:
    """Code of these folders that people write."""
    ours = (path for path in tracked() if path.relative_to(ROOT).parts[0] in folders)
    return [path for path in ours if path.suffix in SOURCES and path.name not in GENERATED]


def imported_modules(path: Path) -> set[str]:
    """Full names of what a file imports, `from package import module` included."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def rooms_below(package: str) -> dict[str, set[str]]:
    """Each room (a folder, or a file beside the folders) → the other rooms that it imports."""
    folder, below = PACKAGES[package], defaultdict(set)
    for path in folder.rglob("*.py"):
        room = path.relative_to(folder).with_suffix("").parts[0]
        for name in imported_modules(path):
            top, _, inside = name.partition(".")
            other = inside.partition(".")[0]
            if top == package and other != room and ((folder / other).is_dir() or (folder / f"{other}.py").exists()):
                below[room] |= {other} - {""}
    return below


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_are_few_and_none_imports_a_room_above_it(package):
    assert len([path for path in PACKAGES[package].iterdir() if (path / "__init__.py").exists()]) <= MOST_ROOMS
    below = rooms_below(package)
    assert len(below) > 1
    TopologicalSorter(below).prepare()  # raises CycleError, which names the rooms


def test_files_fit_on_a_few_screens():
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources("host", "models", "firmware")
    }
    assert {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def test_functions_are_short():
    lengths = sorted(
        node.end_lineno - node.lineno + 1
        for path in sources("host", "models", "firmware", "hardware")
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lengths[int(0.95 * len(lengths))] <= LONG_FUNCTION


# --- what a contributor needs -----------------------------------------------------------------------------


def yaml_of(path: Path):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed; tests/run.sh installs it.")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_workflow_runs_what_a_contributor_can_run_on_both_pythons():
    jobs = yaml_of(GITHUB / "workflows" / "ci.yml")["jobs"]
    commands = {name: [step.get("run") for step in job["steps"]] for name, job in jobs.items()}
    assert ".ci/run" in commands["all"]
    assert "sh tests/run.sh --quick" in commands["quick"]
    assert jobs["quick"]["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert [row["python"] for row in jobs["all"]["strategy"]["matrix"]["include"]] == ["3.11", "3.13"]


def test_issue_templates_are_forms():
    forms = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
    assert [path.stem for path in forms] == ["bug", "hardware", "idea"]
    for path in forms:
        form = yaml_of(path)
        fields = [field["id"] for field in form["body"] if field["type"] != "markdown"]
        assert form["name"]
        assert form["description"]
        assert len(fields) == len(set(fields)) > 1
        assert all(field["attributes"].get("label") or field["type"] == "markdown" for field in form["body"])


def test_pre_commit_runs_the_checks_of_this_file():
    hooks = yaml_of(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert [hook["entry"].split()[1:] for hook in hooks] == [command[1:] for command in TOOLS]


def test_the_dev_container_begins_with_the_quick_tests():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert container["postCreateCommand"] == "sh tests/run.sh --quick"


def test_every_decision_record_has_its_number_a_date_and_a_line_of_the_index():
    records = sorted((GITHUB / "decisions").glob("[0-9]*.md"))
    lines = [
        line for line in (GITHUB / "decisions" / "README.md").read_text("utf-8").splitlines() if line[:4] == "| 00"
    ]
    assert len(lines) == len(records)
    for number, (path, line) in enumerate(zip(records, lines, strict=True), 1):
        title, _, dated = path.read_text(encoding="utf-8").splitlines()[:3]
        assert path.name.startswith(f"{number:04}-")
        assert title.startswith(f"# {number:04} ")
        decided = date.fromisoformat(dated.removeprefix("Date: "))
        assert line.startswith(f"| {number:04} | [{title[7:]}]({path.name}) | {decided} |")


def test_the_glossary_says_where_each_word_lives():
    rows = re.findall(
        r"^\| \*\*(.+?)\*\* \| (.+) \| (.+) \|$", (GITHUB / "GLOSSARY.md").read_text("utf-8"), re.MULTILINE
    )
    assert len({word for word, _, _ in rows}) == len(rows) > 40
    for word, _, places in rows:
        files = re.findall(r"`(.+?)`", places)
        assert files, word
        assert [name for name in files if not (ROOT / name).exists()] == [], word


def test_links_of_documents_lead_to_files():
    for document in (path for path in tracked() if path.suffix == ".md"):
        for link in re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8")):
            assert "://" in link or (document.parent / link).exists(), f"{document.relative_to(ROOT)}: {link}"


def test_there_is_one_version_number():
    number = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert version("myobridge") == number, "install it anew: pip install -e ."
    assert ".".join(map(str, VERSION)) == number, "of the simulated board"
    assert f"{{{'U, '.join(number.split('.'))}U}}" in (ROOT / "firmware" / "src" / "version.h").read_text(
        encoding="utf-8"
    )
    assert f"version = {{{number}}}" in (ROOT / "README.md").read_text(encoding="utf-8")
