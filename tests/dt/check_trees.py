#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Show the trees of all layouts to dtc and dt-validate; report as TAP.

check_trees.py TREES SCHEMAS

TREES is the program that writes the trees (trees.c), SCHEMAS the folder with
our schema.  A tool that is not installed is a failure.

Each tree goes through dtc.  dt-validate takes a while for each, so that it sees
one in eleven, among which every size, number and kind must occur.  Then trees
that are broken on purpose: what does not find them has shown nothing.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TOOLS = ("dtc", "dt-doc-validate", "dt-mk-schema", "dt-validate")
STRIDE = 11

# Linux looks for a node named just "hypervisor", though it has a reg.
WARNING = re.compile(r"<stdout>: Warning \(unit_address_vs_reg\): /hypervisor:"
                     r" node has a reg or ranges property, but no unit name")

# dt-schema of Debian 12 knows an initrd's address as one cell only; libxl,
# like later dt-schemas, has two, and Linux takes both.
TOLERATED = re.compile(r".*: chosen: linux,initrd-(start|end):0: \[0, \d+\]"
                       r" is too long")


@dataclass
class Breakage:
    """What is changed in the source of a tree, and what must be said."""
    name: str
    pattern: str
    replacement: str
    complaint: str


BREAKAGES = (
    Breakage("a unit address", r"hypervisor \{", "hypervisor@38000000 {",
             r"\$nodename:0: 'hypervisor' was expected"),
    Breakage("no version", r'"xen,xen-4\.17\\0xen,xen"', '"xen,xen"',
             "compatible"),
    Breakage("the version last", r'"xen,xen-4\.17\\0xen,xen"',
             r'"xen,xen\\0xen,xen-4.17"', "compatible"),
    Breakage("a version with a suffix", r"xen,xen-4\.17", "xen,xen-4.17-rc",
             "compatible"),
    Breakage("another interrupt", r"<0x01 0x0f 0xf08>", "<1 15 4>",
             "interrupts"),
    Breakage("no reg", r"(hypervisor \{[^}]*?)reg = [^;]*;", r"\1",
             "'reg' is a required property"),
    Breakage("a property of its own", r"hypervisor \{",
             "hypervisor { extended-region;",
             "'extended-region' does not match|were unexpected"),
)


class Tap:
    def __init__(self) -> None:
        self.number = 0
        self.failed = 0

    def report(self, good: bool, what: str, details: list[str]) -> None:
        self.number += 1
        self.failed += not good
        for line in details[:20]:
            print(f"# {line}")
        print(f"{'ok' if good else 'not ok'} {self.number} {what}",
              flush=True)


def run(*command: str | Path, stdin: str | None = None,
        folder: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run([str(word) for word in command], input=stdin,
                          cwd=folder, capture_output=True, text=True,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def source_of(tree: Path) -> tuple[str, list[str]]:
    """A tree as source, and what dtc said about it."""
    status, source, said = run("dtc", "-I", "dtb", "-O", "dts", tree)
    return source, said.splitlines() + ([] if status == 0 else
                                        [f"{tree.name}: status {status}"])


def compile_to(source: str, tree: Path) -> list[str]:
    status, _, said = run("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", tree,
                          "-", stdin=source)
    return [] if status == 0 else said.splitlines()


def check_dtc(tap: Tap, trees: list[Path]) -> None:
    bad = []
    for tree in trees:
        source, said = source_of(tree)
        if len(said) != 1 or not WARNING.fullmatch(said[0]):
            bad += [f"{tree.name}: {line}" for line in said or ["no warning"]]
        again = tree.with_suffix(".again")
        bad += compile_to(source, again)
        if source_of(again)[0] != source:
            bad.append(f"{tree.name}: dtc reads something else back")
        again.unlink(missing_ok=True)
    tap.report(not bad, f"dtc: {len(trees)} trees, one known warning each",
               bad)


def validate(schema: Path, *trees: Path) -> list[str]:
    """What dt-validate says, without what is known."""
    status, out, said = run("dt-validate", "-s", schema, *trees)
    lines = (out + said).splitlines()
    left = [line for line in lines if not TOLERATED.fullmatch(line)
            and not line.startswith("\tFrom schema: ")]
    return left + ([] if status == 0 else [f"status {status}"])


def values(trees: list[Path]) -> set[str]:
    """The parts of the trees' names."""
    return {part for tree in trees for part in tree.stem.split("-")}


def check_valid(tap: Tap, schema: Path, trees: list[Path]) -> None:
    chosen = trees[::STRIDE]
    said = validate(schema, *chosen)
    said += [f"no tree with '{value}' among them"
             for value in sorted(values(trees) - values(chosen))]
    tap.report(not said, f"dt-validate: {len(chosen)} trees", said)


def check_breakage(tap: Tap, schema: Path, tree: Path,
                   breakage: Breakage) -> None:
    source, _ = source_of(tree)
    broken, number = re.subn(breakage.pattern, breakage.replacement, source,
                             count=1)
    target = tree.with_suffix(".broken.dtb")
    said = compile_to(broken, target) or validate(schema, target)
    found = [line for line in said if re.search(breakage.complaint, line)]
    tap.report(number == 1 and bool(found),
               f"dt-validate finds {breakage.name}", [] if found else said)


def check_schema(tap: Tap, schemas: Path, target: Path) -> bool:
    # It compares the path that it is given with what the schema calls itself.
    status, out, said = run("dt-doc-validate", schemas.name,
                            folder=schemas.parent)
    complaints = (out + said).splitlines()
    status_made, made, said = run("dt-mk-schema", "-j", schemas)
    target.write_text(made, encoding="utf-8")
    complaints += said.splitlines()
    good = status == 0 and status_made == 0 and not complaints
    tap.report(good, "our schema is one", complaints)
    return good


def check(tap: Tap, program: Path, schemas: Path, folder: Path) -> None:
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    tap.report(not missing, "dtc and dt-schema are installed",
               [f"{tool}: not found (scripts/deps.sh)" for tool in missing])
    if missing:
        return
    status, names, said = run(program, folder)
    trees = [folder / f"{name}.dtb" for name in names.splitlines()]
    tap.report(status == 0 and len(trees) > STRIDE,
               f"{program.name}: {len(trees)} trees", said.splitlines())
    check_dtc(tap, trees)
    schema = folder / "schema.json"
    if check_schema(tap, schemas, schema):
        check_valid(tap, schema, trees)
        for breakage in BREAKAGES:
            check_breakage(tap, schema, trees[0], breakage)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        check(tap, Path(arguments[0]), Path(arguments[1]), Path(folder))
    print(f"1..{tap.number}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
