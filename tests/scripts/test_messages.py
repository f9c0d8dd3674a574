# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator's page has every message that we print, and no other."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/system/device-memory.rst"
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
}
# The same, where a name is used for something else in other files.
LOCAL_PRINTERS = {
    "check.c": {"g_strdup_printf": (0, "%s")},
    "instance.c": {"fail": (2, "cannot %s ...")},
    "main-client.c": {"fail_errno": (0, "%s"), "fputs": (0, "%s"),
                      "fprintf": (1, "%s")},
    "main-daemon.c": {"fputs": (0, "%s"), "fprintf": (1, "%s")},
}
# The page does not explain these:
ALLOWED = {
    # only other messages, with a beginning or an end
    "...", "cannot ...", "cannot ... ...", "...: ...", "...; ...",
    "xen-device-memory", "no guest pages for ... (... KiB)",
    # options of the emulated ops, for tests without Xen
    "toolstack '...' is not one of none, grant, silent, garbage",
    "there is a '...' already, one device model has one",
}

TOKEN = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"|(?P<word>[A-Za-z_]\w*)'
                   r'|(?P<mark>[(),])|/\*.*?\*/', re.S)
CONVERSION = re.compile(r"%[-+ #0]*[\d.*]*(?:hh|h|ll|l|z|j)?[A-Za-z\0]")
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
            found += "\0" if found.endswith("%") else "%s"
    return found if is_text else ""


def normal(text: str) -> str:
    """A format as the page has it: "..." for all that varies."""
    text = text.replace('\\"', '"').replace("\\n", "")
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


def terms(page: str) -> list[str]:
    """The literals that the section explains: those above indented text."""
    section = page.split(f"\n{SECTION}\n=", 1)[1]
    section = re.split(r"\n[^\n]+\n===", section, maxsplit=1)[0]
    return [term for line in re.findall(r"^``.+(?=\n  \S)", section, re.M)
            for term in re.findall(r"``(.+?)``", line)]


def matches(message: str, term: str) -> bool:
    """Does a term stand for a message?"""
    pattern = ".+".join(map(re.escape, message.split("...")))
    return re.fullmatch(pattern, term) is not None


def all_messages() -> dict[str, str]:
    """Each message, and a file that prints it."""
    files = [*(ROOT / "hw/xen/device-memory").glob("*.c"),
             *(ROOT / "toolstack").glob("*.c")]
    return {message: str(path.relative_to(ROOT)) for path in sorted(files)
            for message in messages(path.read_text(), path.name)}


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
        '''), ["cannot see ... of ... things (...)", "no luck",
            "cannot do it", 'version ... "..."'])

    def test_names_of_other_files(self) -> None:
        source = 'fail(error, errno, "open", path);'
        self.assertEqual(messages(source), [])
        self.assertEqual(messages(source, "instance.c"), ["cannot open ..."])

    def test_terms(self) -> None:
        page = ("\nA\n=\n\n``no``\n  x\n\nWhen things go wrong\n====\n\n"
                "``no``\ntext\n\n``a ... b``, ``c``\n  ``text``\n\n"
                "B\n=====\n\n``no``\n  x\n")
        self.assertEqual(terms(page), ["a ... b", "c"])

    def test_matches(self) -> None:
        self.assertTrue(matches("a ... b", "a ... b"))
        self.assertTrue(matches("reason '...': x", "reason 'cap': x"))
        self.assertFalse(matches("a ... b", "a  b"))
        self.assertFalse(matches("a", "a ... b"))


class PageTest(unittest.TestCase):

    def setUp(self) -> None:
        self.terms = terms(PAGE.read_text())
        self.messages = all_messages()

    def test_there_are_messages(self) -> None:
        self.assertGreater(len(self.messages), 60)
        self.assertIn("hw/xen/device-memory/claim.c", self.messages.values())
        self.assertIn("toolstack/policy.c", self.messages.values())

    def test_every_message_is_explained(self) -> None:
        for message, path in self.messages.items():
            with self.subTest(path=path, message=message):
                self.assertTrue(any(matches(message, term)
                                    for term in self.terms))

    def test_every_term_is_a_message(self) -> None:
        for term in self.terms:
            with self.subTest(term=term):
                self.assertTrue(any(matches(message, term)
                                    for message in self.messages))


if __name__ == "__main__":
    unittest.main()
