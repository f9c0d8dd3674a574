# SPDX-License-Identifier: GPL-2.0-or-later
"""Operators' pages have every message that we print, and no other."""

import re
import unittest
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECTION = "When things go wrong"

# What is printed, or becomes part of it: functions, the place of the text among
# their arguments, and what they make of it.  Hints are not among them: they say
# themselves what to do.  Nor are debugging output and what commands print.
PRINTERS = {
    "error_setg": (1, "%s"), "error_setg_errno": (2, "%s"),
    "error_prepend": (1, "%s"), "error_report": (0, "%s"),
    "warn_report": (0, "%s"), "warn_reportf_err": (1, "%s"),
    "g_critical": (0, "%s"), "g_warning": (0, "%s"), "g_message": (0, "%s"),
    "g_info": (0, "%s"), "g_set_error": (3, "%s"),
    "domain_log_failure": (1, "cannot %s"),
    "hypervisor_dt_error_set": (2, "%s"),
    "VMSTATE_UINT32_EQUAL": (2, "%s"),
}
# The same, where a name is used for something else in other files.
LOCAL_PRINTERS = {
    "check.c": {"g_strdup_printf": (0, "%s")},
    "instance.c": {"fail": (2, "cannot %s ...")},
    "main-client.c": {"fail_errno": (0, "%s"), "fputs": (0, "%s"),
                      "fprintf": (1, "%s")},
    "main-daemon.c": {"fputs": (0, "%s"), "fprintf": (1, "%s")},
    "placement.c": {"g_strdup_printf": (0, "%s")},
}
# No page explains these, which are only other messages with a beginning or an
# end.
ALLOWED = {"...", "cannot ...", "cannot ... ...", "...: ...", "...; ..."}


@dataclass(frozen=True)
class Page:
    """A page, and what prints the messages that it is to explain."""

    name: str  # below docs/system
    folders: tuple[str, ...]
    least: int  # messages that there are, or the search is broken
    scripts: tuple[str, ...] = ()  # shell scripts that print some, too
    allowed: frozenset[str] = frozenset()  # messages that it need not explain
    for_tests: str = ""  # files whose messages only tests can see

    @property
    def path(self) -> Path:
        return ROOT / f"docs/system/{self.name}.rst"

    def messages(self) -> dict[str, str]:
        """Each message, and a file that prints it."""
        files = [path for folder in self.folders
                 for path in sorted((ROOT / folder).glob("*.c"))
                 if not re.fullmatch(self.for_tests, path.name)]
        found = {message: str(path.relative_to(ROOT)) for path in files
                 for message in messages(path.read_text(), path.name)
                 if message not in self.allowed}
        return found | {message: name for name in self.scripts
                        for message in script_messages(
                            (ROOT / name).read_text())}


PAGES = (
    Page("device-memory", ("hw/xen/device-memory", "toolstack"), 60,
         ("toolstack/qemu-restricted",), frozenset({
             "xen-device-memory", "no guest pages for ... (... KiB)",
             # options of the emulated ops, for tests without Xen
             "toolstack '...' is not one of none, grant, silent, garbage",
             "there is a '...' already, one device model has one"})),
    Page("pv-iommu", ("hw/xen/pv-iommu",), 15, (),
         frozenset({"... (rdm-policy=relaxed)", "... (rdm-policy=strict)",
                    "... '...'",
                    "there is a '...' already, one device model has one"}),
         r"(emulated|hypervisor.*)\.c"),
    Page("hypervisor-dt", ("hw/xen/hypervisor-dt",), 60,
         ("toolstack/xendm-empty-image",),
         frozenset({"no device tree", "device-tree=boot",
                    "device-tree=fixup"})),
)

TOKEN = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"|(?P<word>[A-Za-z_]\w*)'
                   r'|(?P<mark>[(),])|/\*.*?\*/', re.S)
CONVERSION = re.compile(r"%[-+ #0]*[\d.*]*(?:hh|h|ll|l|z|j)?[A-Za-z\0]")
# A conversion of which only the letter lacks, as that is in a macro.
UNFINISHED = re.compile(r"%[-+ #0]*[\d.*]*$")
# What a message begins with says who speaks, and of whom.
BEGIN = re.compile(r"^(xen-device-memory: )?(no guest pages for \.\.\. "
                   r"\(\.\.\. KiB\): )?(xendm-memoryd?: )?(domain \.\.\.: )?"
                   r"((?:\.\.\.: )(?!\[))?")


def argument(tokens: list[re.Match[str]], wanted: int) -> str:
    """One argument of the call whose tokens follow; "" if it is no text."""
    depth = index = 0
    found, is_text = "", False
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token["mark"] or "", 0)
        if depth < 0:
            break
        if token["mark"] == "," and not depth:
            index += 1
        elif index == wanted and token["text"] is not None:
            found, is_text = found + token["text"], True
        elif index == wanted and token["word"]:
            # A macro: what ends a conversion, or a text of its own.
            found += "\0" if UNFINISHED.search(found) else "%s"
    return found if is_text else ""


def normal(text: str) -> str:
    """A format as the page has it: "..." for all that varies."""
    text = text.replace("\\n", "")
    text = re.sub(r'\\(["\\])', r"\1", text)
    text = re.sub(r"(\.\.\.)+", "...", CONVERSION.sub("...", text))
    text = re.sub(r"  +", " ", text).strip()
    begin = BEGIN.match(text)
    rest = text[begin.end():] if begin else text
    return re.sub(r"(?<=.): \.\.\.$|:$", "", rest)


def messages(source: str, name: str = "") -> list[str]:
    """The messages that a file prints."""
    printers = PRINTERS | LOCAL_PRINTERS.get(name, {})
    tokens = list(TOKEN.finditer(source))
    found = []
    for at, token in enumerate(tokens[:-1]):
        if token["word"] in printers and tokens[at + 1]["mark"] == "(":
            index, shape = printers[token["word"]]
            text = argument(tokens[at + 2:], index)
            message = normal(shape.replace("%s", text)) if text else ""
            if message and message not in ALLOWED:
                found.append(message)
    return found


def script_messages(source: str) -> list[str]:
    """The same of a shell script: what it fails with, and how it is used."""
    found = (re.findall(r'\bfail "(.*)"', source) +
             re.findall(r"\becho '(.*)' >&2", source))
    return [re.sub(r"\$(?:\w+|\{[^}]*\}|[*@])", "...", text)
            for text in found]


def terms(page: str) -> list[str]:
    """The literals that the section explains: terms with indented text below,
    and items of lists that are nothing else."""
    section = page.split(f"\n{SECTION}\n=", 1)[1]
    section = re.split(r"\n[^\n]+\n===", section, maxsplit=1)[0]
    return [term for line in re.findall(r"^``.+(?=\n  \S)|^- ``.+``$", section,
                                        re.M)
            for term in re.findall(r"``(.+?)``", line)]


def matches(message: str, term: str) -> bool:
    """Does a term stand for a message?"""
    pattern = ".+".join(map(re.escape, message.split("...")))
    return re.fullmatch(pattern, term) is not None


class ReadingTest(unittest.TestCase):
    """The check itself finds what it is to find."""

    def test_formats(self) -> None:
        self.assertEqual(messages('''
            g_warning("%s: cannot see %" PRIu64 " of %u "
                      "things (%5.2f)", f(a, "x"), b);
            error_setg_errno(errp, -ret, "xen-device-memory: no guest pages "
                             "for %s (%" PRIu64 " KiB): no luck", a, b);
            /* g_info("not this"); */
            g_debug("nor this"); g_critical("%s", error->message);
            domain_log_failure(domain, "do it");
            g_info("version " VERSION " \\"%s\\": %s", text, other);
            g_info("0x%08" PRIx32 " is %d", a, b);
        '''), ["cannot see ... of ... things (...)", "no luck",
            "cannot do it", 'version ... "..."', "0x... is ..."])

    def test_names_of_other_files(self) -> None:
        source = 'fail(error, errno, "open", path);'
        self.assertEqual(messages(source), [])
        self.assertEqual(messages(source, "instance.c"), ["cannot open ..."])

    def test_scripts(self) -> None:
        self.assertEqual(script_messages("""
            fail() { echo "x: error: $*" >&2; }
            [ "$1" ] || fail "$1 is '${x:+y}'; not $@"
            echo 'usage: x' >&2; echo 'not this'
        """), ["... is '...'; not ...", "usage: x"])

    def test_terms(self) -> None:
        page = ("\nA\n=\n\n``no``\n  x\n\nWhen things go wrong\n====\n\n"
                "``no``\ntext\n\n``a ... b``, ``c``\n  ``text``\n\n"
                "- ``d``\n- ``no``, no\n\nB\n=====\n\n``no``\n  x\n")
        self.assertEqual(terms(page), ["a ... b", "c", "d"])

    def test_matches(self) -> None:
        self.assertTrue(matches("a ... b", "a ... b"))
        self.assertTrue(matches("reason '...': x", "reason 'cap': x"))
        self.assertFalse(matches("a ... b", "a  b"))
        self.assertFalse(matches("a", "a ... b"))


class PagesTest(unittest.TestCase):

    def test_there_are_messages(self) -> None:
        for page in PAGES:
            with self.subTest(page=page.name):
                found = page.messages()
                self.assertGreaterEqual(len(found), page.least)
                places = set(found.values())
                self.assertEqual(
                    {str(Path(path).parent)
                     for path in places if path.endswith(".c")},
                    set(page.folders))
                self.assertLessEqual(set(page.scripts), places)

    def test_every_message_is_explained(self) -> None:
        for page in PAGES:
            explained = terms(page.path.read_text())
            for message, path in page.messages().items():
                with self.subTest(path=path, message=message):
                    self.assertTrue(any(matches(message, term)
                                        for term in explained))

    def test_every_term_is_a_message(self) -> None:
        for page in PAGES:
            found = page.messages()
            for term in terms(page.path.read_text()):
                with self.subTest(page=page.name, term=term):
                    self.assertTrue(any(matches(message, term)
                                        for message in found))


if __name__ == "__main__":
    unittest.main()
