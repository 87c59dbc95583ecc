"""What each stage read, wrote and dropped, checked against the files and against the stages before and after.

In: the results folder of a run, or of one of its recipes. Out: a table (text) and the same as JSON: a list of the
stages' counts, shards summed, with all that stages noted. The JSON of a recipe has what its rows come from as well: the
stages of the problems (--above) and of the recipes whose solutions it compares; stages of recipes name theirs as
`recipe`. Stops when a file does not hold the rows that its stage counted, or when a stage did not read what the stages
before it wrote: then rows were lost between them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from omr.errors import UserError, leave, run_command
from omr.files.counted import counted
from omr.files.jsonl import AtomicFile, open_for_reading
from omr.runs.counts import read_counts
from omr.runs.losses import where_lost
from omr.runs.shard_counts import Counts, Made, ShardCounts
from omr.training.figures import read_figures
from omr.training.stage_sums import read_table

#: The columns of the table.
_HEAD = ("stage", "read", "passed", "written", "dropped", "why, and what else")


@dataclass(frozen=True)
class Link:
    """A CPU stage of the main way: its output, the model stage before it, and what it must have read.

    `reads` names stages whose `written` rows, minus those that `minus` says, make up its `read` rows.
    """

    stage: str
    output: str
    model_stage: str | None = None
    reads: str | None = None
    also: str | None = None  # a second model stage before it


CHAIN = (
    Link("prepare_raw_data", "raw_aops_data.jsonl"),
    Link("parse_problems", "problems.jsonl", "extract_problems", reads="prepare_raw_data"),
    Link("parse_classes", "classified.jsonl", "classify_problems", reads="parse_problems"),
    Link("parse_answers", "answers.jsonl", "extract_answers"),
    Link("parse_conversions", "converted.jsonl", "convert_proofs"),
    Link("parse_proofs", "proofs.jsonl", "classify_converted", reads="parse_conversions"),
    Link("merge_data", "merged.jsonl"),
    Link("deduplicate", "deduplicated.jsonl", reads="merge_data"),
    Link("decontaminate", "decontaminated.jsonl", "check_contamination", reads="deduplicate"),
)


#: The same where problems are given instead of threads.
GIVEN_CHAIN = (
    Link("read_problems", "merged.jsonl"),
    Link("deduplicate", "deduplicated.jsonl", reads="read_problems"),
    Link("decontaminate", "decontaminated.jsonl", "check_contamination", reads="deduplicate"),
)


#: The same where given problems are classified first.
GIVEN_CLASSIFIED_CHAIN = (
    Link("read_problems", "problems.jsonl"),
    replace(CHAIN[2], reads="read_problems"),
    *(link for link in CHAIN[3:] if link.stage != "parse_answers"),
)


#: The stages of a recipe; their counts are one file per shard.
RECIPE_CHAIN = (
    Link("fill_majority_answer", "votes", "generate_solutions"),
    Link("settle_votes", "majority", "match_answers", reads="fill_majority_answer"),
    Link("merge_judgements", "judged", "judge_answers", reads="settle_votes"),
    Link("clean_code_solutions", "cleaned", reads="merge_judgements"),
    Link("cut_fragments", "fragments", reads="clean_code_solutions"),
    Link("select_by_code", "selected", "judge_code", reads="clean_code_solutions"),
    Link("select_traces", "traces", reads="merge_judgements"),
    Link("merge_summaries", "summarized", "generate_summaries", reads="select_traces", also="judge_summaries"),
    Link("select_wrong_traces", "wrong_traces", reads="merge_judgements"),
    Link("merge_wrong_summaries", "wrong_summarized", "generate_wrong_summaries", reads="select_wrong_traces"),
    Link("prepare_sft", "sft", reads="merge_judgements"),
)

#: The stages of a recipe that compares solutions of others.
SELECTION_CHAIN = (
    Link("form_groups", "groups"),
    Link("write_comparisons", "comparisons", reads="form_groups"),
    Link("parse_selections", "selected", "select_solutions", reads="write_comparisons"),
    Link("select_comparisons", "traces", reads="parse_selections"),
    Link("merge_selection_summaries", "summarized", "generate_selection_summaries", reads="select_comparisons"),
    Link("prepare_selections", "sft", reads="merge_selection_summaries"),
)


#: Filters of solutions with code, by the stages that a recipe's solutions may go on from if it uses the filter.
CODE_FILTERS = {
    "clean_code_solutions": ("clean_code_solutions", "select_by_code"),
    "cut_fragments": ("select_by_code",),
    "select_by_code": ("select_by_code",),
}


#: Stages of a recipe that only rows of recipes which compare its solutions owe something to. Its own table has none of
#: them: nothing that its rows need waits for them, so they may be of older verdicts still.
FOR_COMPARISONS = frozenset({"select_wrong_traces", "merge_wrong_summaries"})

#: Stages that the solutions of a recipe may go on from once they are judged.
KEPT_BY = ("merge_judgements", "clean_code_solutions", "select_by_code")

#: What stands below a table: of a recipe, of what all recipes share.
EXPLANATION = (
    "Its first stage reads problems and writes solutions, or groups of other recipes' solutions to compare.\n"
    "Training rows: {folder}/sft.jsonl   dataset: {folder}/dataset/   report: {folder}/report.html\n",
    "Indented stages ask a model: they read requests and write replies.\n"
    "Rows read = passed + dropped; a row that passes may become several (a thread with several problems).\n"
    "Rows: {folder}/*.jsonl   dropped rows with reasons: {folder}/dropped/   logs: {folder}/logs/\n",
)


def count_lines(path: Path) -> int:
    """Lines of a file, read in blocks: rows are not looked at."""
    lines = 0
    with open_for_reading(path) as handle:
        while block := handle.read(1 << 20):
            lines += block.count(b"\n")
    return lines


def check(holds: bool, what: str, file: Path) -> None:
    if not holds:
        remedy = "rows were lost or files changed by hand: delete this file and run again"
        raise UserError(what, file=file, remedy=remedy)


def check_files(run: Path, link: Link, counts: Counts) -> None:
    """A stage's files must hold the rows that it counted."""
    output, dropped = run / link.output, run / "dropped" / f"{link.stage}.jsonl"
    lines = count_lines(output)
    check(lines == counts["written"], f"{link.stage} wrote {counts['written']} rows, the file has {lines}", output)
    total = sum(counts["dropped"].values())
    check(counts["read"] == counts["passed"] + total, f"{link.stage} does not account for all rows it read", output)
    recorded = total + sum(counts.get("dropped_parts", {}).values())
    lines = count_lines(dropped)
    check(lines == recorded, f"{link.stage} dropped {recorded} rows, the file has {lines}", dropped)


def check_chain(run: Path, chain: Iterable[Link], stages: Mapping[str, Counts]) -> None:
    """Every stage must have read what the stages before it wrote."""
    for link in chain:
        if link.reads is not None and link.stage in stages:
            wrote, read = stages[link.reads]["written"], stages[link.stage]["read"]
            check(wrote == read, f"{link.reads} wrote {wrote} rows, {link.stage} read {read}", run / link.output)


def check_branches(run: Path, stages: Mapping[str, Counts]) -> None:
    """Each classified problem goes to exactly one branch, or is dropped by merge_data with its class as reason."""
    merge, classified = stages["merge_data"], stages["parse_classes"]["written"]
    converted, proofs = (stages.get(name, {"read": 0, "written": 0}) for name in ("parse_conversions", "parse_proofs"))
    aside = sum(n for reason, n in merge["dropped"].items() if reason != "duplicate")
    read = merge["read"] - aside
    # Given problems bring their answers along: they are merged as they were classified.
    given = {"read": read - proofs["written"], "written": read - proofs["written"]}
    answers = stages.get("parse_answers", given)
    routed = answers["read"] + converted["read"] + aside
    check(routed == classified, f"of {classified} classified rows {routed} went anywhere", run / "merged.jsonl")
    wrote = answers["written"] + proofs["written"]
    check(wrote == read, f"the branches wrote {wrote} rows, merge_data read {read}", run / "merged.jsonl")


def collect(run: Path, chain: Sequence[Link] = CHAIN, without: Collection[str] = ()) -> list[Counts]:
    """The counts of all stages of a run but those that are switched off, in the order of the recipe, checked."""
    stages: dict[str, Counts] = {}
    for link in chain:
        path = run / "counts" / f"{link.stage}.json"
        if link.stage in without or not path.exists():
            continue
        if link.model_stage is not None and (asked := ShardCounts(run).of_model(link.model_stage)) is not None:
            stages[link.model_stage] = asked
        stages[link.stage] = read_counts(path)
        check_files(run, link, stages[link.stage])
    check_chain(run, chain, stages)
    if "merge_data" in stages:
        check_branches(run, stages)
    return list(stages.values())


def check_solutions(recipe: ShardCounts, asked: Counts | None) -> None:
    """Every solution that was asked for has voted, and where a plan says how many there are, it is as many."""
    votes = recipe.shards("fill_majority_answer")
    if asked is None or not votes or "solutions" not in votes[0]:
        return
    others = ("replies_to_other_problems", "replies_not_planned")
    known = sum(sum(shard["solutions"].values()) + sum(shard.get(name, 0) for name in others) for shard in votes)
    what = f"{asked['read']} solutions were asked for, the vote knows {known}"
    check(known == asked["read"], what, recipe.folder / "majority")
    if (plan := recipe.last_plan()) is not None:
        planned = sum(shard["solutions"] for shard in plan[1])
        what = f"{planned} solutions were planned, {asked['read']} were asked for"
        check(planned == asked["read"], what, plan[0] / "plan")


def recipe_chain(kept_by: str) -> Iterator[Link]:
    """The stages of a recipe whose solutions go on from the stage `kept_by`, without filters that it does not use."""
    for link in RECIPE_CHAIN:
        if link.stage == "select_traces":
            yield replace(link, reads=kept_by)
        elif link.stage not in CODE_FILTERS or kept_by in CODE_FILTERS[link.stage]:
            yield link


def stages_of(recipe: ShardCounts, chain: Iterable[Link]) -> dict[str, Counts]:
    """The counts of the stages of a recipe, as far as they have run, each with the recipe's name."""
    stages, named = dict[str, Counts](), {"recipe": recipe.folder.name}
    for link in chain:
        counts = recipe.of_stage(link.stage)
        if counts is None:
            continue  # summaries are switched off
        for model_stage in filter(None, (link.model_stage, link.also)):
            if (asked := recipe.of_model(model_stage)) is not None:
                stages[model_stage] = asked | named
        stages[link.stage] = counts | named
    return stages


def collect_recipe(
    run: Path, recipe: str, kept_by: str = "merge_judgements", made: Mapping[str, Made] | None = None
) -> list[Counts]:
    """The counts of all stages of a recipe, in its order, checked; `made` says which there are, see `ShardCounts`."""
    made = made or {}
    folder, own = run / recipe, ShardCounts(run / recipe, made.get(recipe))
    solving = tuple(link for link in recipe_chain(kept_by) if link.stage not in FOR_COMPARISONS)
    chain = SELECTION_CHAIN if is_selection(folder) else solving
    stages = stages_of(own, chain)
    clean, read = count_lines(run / "decontaminated.jsonl"), stages[chain[0].stage]["read"]
    check(clean == read, f"there are {clean} problems, {chain[0].stage} read {read}", folder / chain[0].output)
    check_solutions(own, stages.get("generate_solutions"))
    check_chain(folder, chain, stages)
    if chain is SELECTION_CHAIN:
        check_sources(run, own, made)
    rows, written = read_figures(own.paths("figures", folder / "figures")).rows, stages[chain[-1].stage]["written"]
    check(rows == written, f"{chain[-1].stage} wrote {written} rows, their figures count {rows}", folder / "figures")
    return list(stages.values())


def source(text: str) -> tuple[str, str]:
    """`RECIPE=STAGE` of a command line."""
    name, sign, kept_by = text.partition("=")
    if not sign or kept_by not in KEPT_BY:
        raise argparse.ArgumentTypeError(f"RECIPE=STAGE was expected ({', '.join(KEPT_BY)}), not {text!r}")
    return name, kept_by


def collect_source(run: Path, recipe: str, kept_by: str, made: Mapping[str, Made]) -> list[Counts]:
    """The counts of a recipe whose solutions are compared, checked, without its own training rows."""
    folder, chain = run / recipe, [link for link in recipe_chain(kept_by) if link.stage != "prepare_sft"]
    stages = stages_of(ShardCounts(folder, made.get(recipe)), chain)
    check_chain(folder, (link for link in chain if link.reads in stages), stages)
    return list(stages.values())


def is_selection(folder: Path) -> bool:
    """Whether a recipe compares solutions of others."""
    return (folder / "counts" / "form_groups").is_dir()


def check_sources(run: Path, own: ShardCounts, made: Mapping[str, Made]) -> None:
    """Every summary of the recipes that are compared, of right and of wrong solutions, must have been a candidate."""
    read: Counter[tuple[str, str]] = Counter()
    for shard in own.shards("form_groups"):
        for source, kinds in shard["sources"].items():
            read.update({(source, kind): number for kind, number in kinds.items()})
    for source in {source for source, _ in read}:
        for kind, stage in (("right", "merge_summaries"), ("wrong", "merge_wrong_summaries")):
            counts = ShardCounts(run / source, made.get(source)).of_stage(stage)
            wrote = 0 if counts is None else counts["written"]
            what = f"{stage} of {source} wrote {wrote} summaries, form_groups read {read[source, kind]}"
            check(wrote == read[source, kind], what, own.folder / "groups")


def remarks(counts: Counts) -> Iterator[str]:
    """Why rows were dropped, or requests failed, each with how many; then, of a model stage, what became of unreadable
    replies: the stage that reads them has counted the same."""
    for reason, n in counts["dropped"].items():
        yield f"{reason} {n:,}"
    if "requests" in counts and (again := counts.get("asked_again")) is not None:
        yield f"{counted(again['replies'], 'further try')} after unreadable replies: {again['recovered']:,} readable"


def table(stages: Iterable[Counts]) -> str:
    """The stages as text, one line each; model stages are indented and count requests."""
    rows = [
        (
            f"  {counts['stage']}" if "requests" in counts else counts["stage"],
            f"{counts['read']:,}",
            f"{counts.get('passed', counts['written']):,}",
            f"{counts['written']:,}",
            f"{sum(counts['dropped'].values()):,}",
            ", ".join(remarks(counts)) or "-",
        )
        for counts in stages
    ]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    lines = [[text.ljust(width) for text, width in zip(_HEAD, widths, strict=True)]]
    lines += [_aligned(row, widths) for row in rows]
    return "\n".join(" ".join(line).rstrip() for line in lines)


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    """Numbers to the right, words to the left."""
    first, *numbers, last = zip(row, widths, strict=True)
    return [first[0].ljust(first[1]), *(text.rjust(width) for text, width in numbers), last[0].ljust(last[1])]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="results folder of the run")
    parser.add_argument("--recipe", help="the stages of this recipe instead of those that all recipes share")
    parser.add_argument("--starts-from", choices=("threads", "problems"), default="threads", help="what the run reads")
    parser.add_argument("--classifies", action="store_true", help="a model classifies given problems")
    parser.add_argument("--kept-by", choices=KEPT_BY, default=KEPT_BY[0], help="where its solutions go on from")
    parser.add_argument("--above", type=Path, help="table of the stages that all recipes share (stages.json)")
    about = "recipes whose solutions it compares, with where these go on from"
    parser.add_argument("--sources", type=source, nargs="*", default=[], metavar="RECIPE=STAGE", help=about)
    about = "what recipes make by now (JSON, see omr/runs/shard_counts.py); default: what the newest files are of"
    parser.add_argument("--made", default="{}", metavar="JSON", help=about)
    parser.add_argument("--without", nargs="*", default=[], metavar="STAGE", help="stages that are switched off")
    parser.add_argument("--output", type=Path, required=True, help="the table as text")
    parser.add_argument("--json", type=Path, required=True, help="the table as JSON")
    args = parser.parse_args(argv)
    before: list[Counts] = [] if args.above is None else read_table(args.above)
    if args.recipe is None:
        given = GIVEN_CLASSIFIED_CHAIN if args.classifies else GIVEN_CHAIN
        stages = collect(args.run, CHAIN if args.starts_from == "threads" else given, args.without)
    else:
        made = Made.read(args.made)
        before = [
            *before,
            *(counts for name, stage in args.sources for counts in collect_source(args.run, name, stage, made)),
        ]
        stages = collect_recipe(args.run, args.recipe, args.kept_by, made)
    lost = where_lost(stages)
    if lost is not None:
        print("\n".join(lost))
    ended = f"{lost[0][0].upper()}{lost[0][1:]}.\n{lost[1]}.\n\n" if lost else ""
    text = f"{table(stages)}\n\n{ended}{EXPLANATION[args.recipe is None].format(folder=args.output.parent)}"
    with AtomicFile(args.json) as file:
        file.write(orjson.dumps([*before, *stages], option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    with AtomicFile(args.output) as file:
        file.write(text.encode())
    return 0


if __name__ == "__main__":
    leave(run_command(main))
