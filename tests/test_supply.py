"""Things that come from outside: CI pins every package, and the code reads no file in a format that can run code."""

import ast
import os
import re
from importlib.metadata import PackageNotFoundError, distributions, requires

import pytest
from packaging.requirements import Requirement

from test_house import ROOT, tracked

EXTRAS = ("train", "test")
"""The extras that tests/run.sh installs."""
OWN = {"myobridge", "pip", "setuptools"}
"""Our package, and the packages of a new environment."""
CODE_IN_DATA = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "marshal", "shelve"}
JOBLIB = {"Parallel", "cpu_count", "delayed", "parallel_config"}
"""Names of joblib that read no file."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> dict[str, str]:
    """Package → version of CI's constraints."""
    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {normal(name): version for name, _, version in (line.partition("==") for line in lines)}


def needed() -> set[str]:
    """Every package that an installation with the extras brings, by the metadata of the packages here."""
    found, left = set(), [("myobridge", extra) for extra in EXTRAS]
    while left:
        name, extra = left.pop()
        for requirement in map(Requirement, requires(name) or ()):
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            wanted = {(normal(requirement.name), extra) for extra in requirement.extras or {""}} - found
            found |= wanted
            left += [one for one in wanted if is_installed(one[0])]
    return {name for name, _ in found} - OWN


def is_installed(name: str) -> bool:
    try:
        requires(name)
    except PackageNotFoundError:
        return False
    return True


def test_ci_pins_every_package_that_an_installation_brings():
    assert needed() <= set(pinned())
    assert all(pinned().values())


def test_ci_runs_the_pinned_versions():
    if "PIP_CONSTRAINT" not in os.environ:
        pytest.skip("Only CI pins versions (.ci/run); users have ranges.")
    installed = {normal(d.name): d.version.partition("+")[0] for d in distributions()}
    floating = {name: version for name, version in installed.items() if pinned().get(name) != version}
    assert set(floating) <= OWN, floating


def imported(tree: ast.AST) -> set[str]:
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def dangers(tree: ast.AST) -> list[str]:
    """Calls that can run code in data: numpy.load with allow_pickle, torch.load without weights_only, and others."""
    found = sorted(imported(tree) & CODE_IN_DATA)
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)):
        names = {alias.name for alias in node.names}
        of_joblib = isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "joblib"
        if (of_joblib and names - JOBLIB) or (isinstance(node, ast.Import) and "joblib" in names):
            found.append(f"joblib in line {node.lineno}")
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        said = {word.arg: ast.unparse(word.value) for word in call.keywords}
        if name in ("eval", "exec") or "read_pickle" in name or said.get("allow_pickle", "False") != "False":
            found.append(f"{name} in line {call.lineno}")
        if name == "torch.load" and said.get("weights_only") != "True":
            found.append(f"torch.load in line {call.lineno}")
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import joblib",
        "eval(text)",
        "np.load(p, allow_pickle=True)",
        "torch.load(p)",
    ],
)
def test_a_danger_is_seen(source):
    assert dangers(ast.parse(source))


def test_no_file_that_is_read_can_run_code():
    for path in tracked():
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ("host", "models"):
            assert not dangers(ast.parse(path.read_text(encoding="utf-8"))), path
