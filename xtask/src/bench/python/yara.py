"""YARA-X as a scanner: yara.py PATTERNS TREE. Every expression that it takes is a rule; every regular file is a block."""

import os
import re
import sys

import yara_x


def rule(number: int, pattern: str) -> str:
    # It refuses lazy beside greedy quantifiers; whether there is a match does not depend on which they are.
    greedy = re.sub(r"(?<!\\)([*+?}])\?", r"\1", pattern)
    quoted = re.sub(r"(?<!\\)/", r"\\/", greedy)
    return f"rule r{number} {{ strings: $a = /{quoted}/ condition: $a }}"


def compiled(patterns: list[str]) -> tuple[yara_x.Rules, int]:
    compiler = yara_x.Compiler(relaxed_re_syntax=True)
    taken = 0
    for number, pattern in enumerate(patterns):
        try:
            compiler.add_source(rule(number, pattern))
            taken += 1
        except yara_x.CompileError as error:
            print(f"not taken: {str(error).splitlines()[0]}: {pattern[:60]}", file=sys.stderr)
    return compiler.build(), taken


def regular(tree: str):
    for folder, _, names in os.walk(tree):
        for path in (os.path.join(folder, name) for name in names):
            if not os.path.islink(path) and os.path.isfile(path):
                yield path


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        patterns = file.read().splitlines()
    rules, taken = compiled(patterns)
    scanner = yara_x.Scanner(rules)
    files = size = matching = 0
    for path in regular(sys.argv[2]):
        with open(path, "rb") as file:
            data = file.read()
        files, size = files + 1, size + len(data)
        matching += len(scanner.scan(data).matching_rules)
    print(f"{taken} of {len(patterns)} patterns, {files} files, {size} bytes, {matching} rules of files")


main()
