"""Builds the site: `python .github/site/build.py --out DIR`; open DIR/index.html.

Lays the documents out as they stand, with the files that they link, and calls MkDocs, which checks every link. Beside
MkDocs, the demo runs with its view, and the messages of the view become the data of the page "See it
move": that page is the live view itself, and `recorded.js` stands in for the connection to a view.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copy, copytree
from typing import Final

import yaml

from session import record, session, start_demo

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
VIEW: Final = ROOT / "host/myobridge/view/static"
LINK: Final = re.compile(r"(\]\(|<img src=\")([^)#\s\"]*)(#[^)\s\"]*)?")
"""What comes before a target, the target, and its anchor."""
PROJECT: Final = "project"
"""The folder of the site for the documents in .github: MkDocs leaves out names that begin with a dot."""
OWN_PAGES: Final = ("see.md", "feed.md", "model-file.md")
TEMPLATE: Final = "PULL_REQUEST_TEMPLATE.md"


def documents() -> list[Path]:
    """The documents that git knows, relative to the repository."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    paths = [Path(name) for name in names if name]
    return [path for path in paths if path.name != TEMPLATE and (ROOT / path).parent != HERE]


def place(file: Path) -> Path:
    """Where a file of the repository lies in the site's sources."""
    parts = file.parts
    return Path(PROJECT, *parts[1:]) if parts[0] == ".github" else file


def lay_out(pages: Path) -> None:
    """Writes all documents and the files that they link to the folder `pages`; links lead to the new places."""
    shown = documents()
    for document in shown:

        def moved(link: re.Match[str], document: Path = document) -> str:
            """A link from the page's own place; a file that is no document comes along."""
            before, target, anchor = link.groups("")
            if ":" in target or not target:
                return link[0]
            file = Path(os.path.normpath(document.parent / target))
            there = place(file / "README.md" if (ROOT / file).is_dir() else file)
            if file not in shown and (ROOT / file).is_file():
                (pages / there).parent.mkdir(parents=True, exist_ok=True)
                copy(ROOT / file, pages / there)
            return f"{before}{os.path.relpath(there, place(document).parent)}{anchor}"

        page = pages / place(document)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(LINK.sub(moved, (ROOT / document).read_text(encoding="utf-8")), encoding="utf-8")
    for name in OWN_PAGES:
        copy(HERE / name, pages / name)
    lay_out_view(pages / "live")


def mkdocs_command(folder: Path, out: Path) -> list[str | Path]:
    """Writes the configuration beside the pages in `folder`; what to run to build the site in `out`."""
    settings = yaml.safe_load((HERE / "mkdocs.yml").read_text(encoding="utf-8"))
    settings |= {"docs_dir": str(folder / "pages"), "site_dir": str(out)}
    settings["plugins"]["mkdocstrings"]["handlers"]["python"]["paths"] = [str(ROOT / "host")]
    records = [str(place(page)) for page in documents() if page.parent.name == "decisions" and page.stem != "README"]
    settings["nav"].append({"Decisions": [f"{PROJECT}/decisions/README.md", *records]})
    config = folder / "mkdocs.yml"
    config.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    # not --quiet, which hides the warnings from --strict, too
    return [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", config]


def lay_out_view(folder: Path) -> None:
    """Copies the page of the live view; `recorded.js` comes before its own script."""
    copytree(VIEW, folder)
    copy(HERE / "recorded.js", folder)
    page = (folder / "index.html").read_text(encoding="utf-8")
    script = '  <script type="module" src="app.js"></script>\n'
    assert script in page
    (folder / "index.html").write_text(
        page.replace(script, f'  <script src="recorded.js"></script>\n{script}'), encoding="utf-8"
    )


def main() -> None:
    """Builds the site, strictly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the site; a site that is there is replaced")
    out = parser.parse_args().out.absolute()
    demo = start_demo()
    with tempfile.TemporaryDirectory() as name:
        lay_out(Path(name, "pages"))
        mkdocs = subprocess.Popen(mkdocs_command(Path(name), out), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        messages = record(demo)
        demo.wait()
        said, _ = mkdocs.communicate()
        if mkdocs.returncode:
            raise SystemExit(f"{said.decode()}MkDocs refuses the documents; its messages above name the pages.")
    played = session(messages)
    (out / "live/session.json").write_text(json.dumps(played, separators=(",", ":")), encoding="utf-8")
    print(f"Wrote {out / 'index.html'}: the documents, and {played[-1][0]:.0f} s of the live view.")


if __name__ == "__main__":
    main()
