"""The picture of the rules: Snakemake's own graph of them, in the order of the rule files, told apart by what they do.

In: what `snakemake --rulegraph dot` prints (standard input). Out: a graph for Graphviz (`make rulegraph` hands it to
`dot -Tsvg`), or with --style the finished picture of what that drew (standard input), in colours for light and dark
pages.

Arrows that follow from others are left out, but for those past a whole file of rules, which some recipes skip; so are
the rules that keep what models are asked with, on which nearly all depend. Where rules wait for each other in a circle
(a recipe waits for another one, or for its own earlier round), the arrow against their order is dashed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_INCLUDE = re.compile(r'^( *)include: f?"rules/(?:\{[^}]*\}|(\w+))\.smk"', re.MULTILINE)
_RULE = re.compile(r"^\s*(?:rule (\w+):|use rule (\w+) as (\w+) with:)", re.MULTILINE)
_NODE = re.compile(r'^\s*(\d+)\[label = "([^"\\]+)', re.MULTILINE)
_EDGE = re.compile(r"^\s*(\d+) -> (\d+)", re.MULTILINE)
#: Files of rules that make what people take away, and those that look after a run.
_PRODUCTS, _CHECKS = ("sft", "products", "recipe_report"), ("report", "lineage", "pages")
#: What keeps copies of prompts and the like.
_KEEPS = "kept"
#: A rule among others that makes what people take away, as `prepare_sft` does.
_MAKES_ROWS = "prepare_selections"
#: The base of all rules that ask a model.
_ASKING = "ask_model"
#: Kind -> (words of the legend, fill and line on light pages, on dark ones).
KINDS = {
    "model": ("asks a model", ("#ffe3c2", "#b45309"), ("#4a2c0a", "#f0a04b")),
    "cpu": ("CPU stage", ("#e3ecf7", "#44648c"), ("#1f2d3f", "#8fb3de")),
    "product": ("product", ("#d9f2df", "#237a3c"), ("#12351d", "#6fcf8a")),
    "check": ("looks after the run", ("#f1f1f1", "#777777"), ("#2a2d31", "#9a9fa5")),
}
Edge = tuple[str, str]
_PAPER, _INK, _LINE = ("#ffffff", "#0d1117"), ("#1f2328", "#e6edf3"), ("#6e7781", "#8b949e")


def rules_in_order(root: Path = ROOT) -> dict[str, tuple[str, bool]]:
    """Rule -> (its file, whether it asks a model), in the order in which the Snakefile reads them."""
    snakefile = (root / "Snakefile").read_text(encoding="utf-8")
    # A file that config chooses among others begins the recipe: threads, in the run that is drawn.
    names = [(found[2] or "problems", bool(found[1])) for found in _INCLUDE.finditer(snakefile)]
    rules: dict[str, tuple[str, bool]] = {}
    part = ""
    for name, goes_on in names:
        # One that some runs leave out goes on with what the file above it began.
        part = part if goes_on else name
        text = (root / "rules" / f"{name}.smk").read_text(encoding="utf-8")
        for plain, base, derived in _RULE.findall(text):
            rules[plain or derived] = part, base == _ASKING or rules.get(base, ("", False))[1]
    return rules


def kind_of(rule: str, rules: Mapping[str, tuple[str, bool]]) -> str:
    """One of `KINDS`."""
    file, asks = rules[rule]
    if asks:
        return "model"
    is_product = file in _PRODUCTS or rule == _MAKES_ROWS
    return "product" if is_product else "check" if file in _CHECKS else "cpu"


def read_graph(dot: str) -> set[tuple[str, str]]:
    """The arrows of Snakemake's graph between rules that have files of their own."""
    names = dict(_NODE.findall(dot))
    edges = {(names[one], names[other]) for one, other in _EDGE.findall(dot)}
    return {edge for edge in edges if "all" not in edge and edge[0] != edge[1]}


def in_circles(edges: Collection[Edge], order: Mapping[str, int]) -> set[Edge]:
    """The arrows against the order whose ends wait for each other."""
    after = _after(edges)
    return {(one, other) for one, other in edges if order[one] > order[other] and one in _reached(other, after)}


def shown(edges: Collection[Edge], file_of: Callable[[str], str]) -> set[Edge]:
    """Of arrows without circles those that no others imply, and those past the rules of one file."""
    after = _after(edges)
    return {
        (one, other)
        for one, other in edges
        if not any(other in _reached(between, after) for between in after[one] - {other})
        or _passes_a_file(one, other, after, file_of)
    }


def _passes_a_file(one: str, other: str, after: Mapping[str, set[str]], file_of: Callable[[str], str]) -> bool:
    """Whether the only other way from one to the other leads through the rules of one other file, and of no more."""

    def leads(may_pass: Callable[[str], bool]) -> bool:
        ways = {rule: {to for to in others if to == other or may_pass(to)} for rule, others in after.items()}
        ways[one] -= {other}
        return other in _reached(one, ways)

    files = {file_of(rule) for rule in after[one]} - {file_of(one), file_of(other)}
    return any(
        leads(lambda rule, file=file: file_of(rule) == file)
        and not leads(lambda rule, file=file: file_of(rule) != file)
        for file in files
    )


def _after(edges: Iterable[Edge]) -> dict[str, set[str]]:
    after: dict[str, set[str]] = defaultdict(set)
    for one, other in edges:
        after[one].add(other)
    return after


def _reached(start: str, after: Mapping[str, set[str]]) -> set[str]:
    """What follows from a rule, itself included."""
    found, waiting = {start}, [start]
    while waiting:
        new = after.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def graph(dot: str, rules: Mapping[str, tuple[str, bool]]) -> str:
    """The graph for Graphviz; classes instead of colours, which `styled` adds."""
    order = {rule: place for place, rule in enumerate(rules)}
    edges = {edge for edge in read_graph(dot) if not any(rules[rule][0] == _KEEPS for rule in edge)}
    back = in_circles(edges, order)
    forth = shown(edges - back, lambda rule: rules[rule][0])
    drawn = sorted({rule for edge in forth | back for rule in edge}, key=order.__getitem__)
    lines = [
        "digraph rules {",
        '  graph [rankdir=TB, nodesep=0.1, ranksep=0.28, margin=0, pad=0.2, fontname="Helvetica", newrank=true];',
        '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=13];',
        '  node [height=0.3, margin="0.08,0.03"];',
        "  edge [arrowsize=0.6];",
    ]
    lines += [f'  {rule} [class="{kind_of(rule, rules)}", group="{rules[rule][0]}"];' for rule in drawn]
    lines += [f"  {one} -> {other};" for one, other in sorted(forth)]
    lines += [f'  {one} -> {other} [class="back", style=dashed, constraint=false];' for one, other in sorted(back)]
    return "\n".join([*lines, "}\n"])


def styled(svg: str) -> str:
    """Graphviz's picture with a legend, as wide as its page lets it be, in the colours of the page."""
    width, height = (float(found) for found in re.search(r'viewBox="0.00 0.00 ([\d.]+) ([\d.]+)"', svg).groups())  # type: ignore[union-attr]
    start = svg.index("<svg")
    svg = re.sub(
        r"<svg [^>]*>",
        f'<svg viewBox="0 0 {width:.0f} {height + 40:.0f}" xmlns="http://www.w3.org/2000/svg">',
        svg[start:],
        count=1,
    )
    svg = re.sub(r' (?:fill|stroke)="[^"]*"', "", svg)
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL)
    head, rest = svg.split(">", 1)
    drawn = rest.rsplit("</svg>", 1)[0]
    return (
        f"{head}>\n<style>\n{_css(0)}\n@media (prefers-color-scheme: dark) {{\n{_css(1)}\n}}\n</style>\n"
        f'<rect class="paper" width="100%" height="100%"/>\n<g transform="translate(0 36)">{drawn}</g>\n'
        f"{_legend()}</svg>\n"
    )


def _css(scheme: int) -> str:
    lines = [f".paper, .graph > polygon {{ fill: {_PAPER[scheme]}; }}", f"text {{ fill: {_INK[scheme]}; }}"]
    lines.append(f".edge path {{ stroke: {_LINE[scheme]}; fill: none; }} .edge polygon {{ fill: {_LINE[scheme]}; }}")
    for kind, (_, *colours) in KINDS.items():
        fill, line = colours[scheme]
        lines.append(f".{kind} path, .{kind} rect {{ fill: {fill}; stroke: {line}; }}")
    return "\n".join(lines)


def _legend() -> str:
    parts, x = [], 14
    for kind, (words, *_) in KINDS.items():
        parts.append(
            f'<g class="{kind}"><rect x="{x}" y="10" width="26" height="16" rx="5"/>'
            f'<text x="{x + 34}" y="23" font-family="Helvetica,sans-serif" font-size="14">{words}</text></g>\n'
        )
        x += 60 + 8 * len(words)
    return "".join(parts)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--style", action="store_true", help="finish what Graphviz drew")
    args = parser.parse_args(argv)
    given = sys.stdin.read()
    sys.stdout.write(styled(given) if args.style else graph(given, rules_in_order()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
