# From forum threads to math-reasoning training data. This file is the table of contents; rules/ is the recipe.
from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"  # config, settings, wildcard constraints, the base rule of model stages
include: f"rules/{'problem_sets' if settings.starts_from_problems else 'problems'}.smk"  # given problems, threads -> problems


if settings.classifies:

    include: "rules/classes.smk"  # problems -> classified -> answers, proofs -> merged


include: "rules/deduplicate.smk"  # merged -> deduplicated
include: "rules/decontaminate.smk"  # deduplicated + benchmarks -> decontaminated
include: "rules/difficulty.smk"  # judged -> pass rates; how many solutions each problem gets
include: "rules/solutions.smk"  # decontaminated -> solutions -> majority -> judged
include: "rules/rounds.smk"  # the same for each round, whose verdicts say who is asked again
include: "rules/tir.smk"  # judged solutions with code -> cleaned -> fragments -> selected
include: "rules/summaries.smk"  # right solutions -> new summaries -> judged -> summarized
include: "rules/genselect.smk"  # summaries of several recipes -> groups -> comparisons -> selections
include: "rules/sft.smk"  # any recipe -> sft.jsonl, dataset folder
include: "rules/products.smk"  # the same rows for reinforcement learning, as preferences, in subsets
include: "rules/planted.smk"  # copies of threads with instructions: how often models obey them
include: "rules/models.smk"  # what is served: downloaded, and prepared for many GPUs
include: "rules/kept.smk"  # what models are asked with: prompts and chat templates, as they were at the start
include: "rules/report.smk"  # what each stage read, wrote and dropped
include: "rules/recipe_report.smk"  # the page for people
include: "rules/estimate.smk"  # what a run will cost, and the budget that stops it
include: "rules/status.smk"  # how far a run is
include: "rules/browse.smk"  # pages to look around in a run
include: "rules/targets.smk"  # names for people: problems, decontaminated, solutions, judged, sft, dataset


rule all:
    """Everything that config describes. Replies are asked for by name, so that deleted ones are made again."""
    default_target: True
    localrule: True
    input:
        settings.all_replies(),
        recipes.all_replies(settings.run),
        settings.planted_report,
        f"results/{settings.run}/stages.txt",
        products.of_recipes,
        products.joined,


if saved is None:
    with told_as_sentence():
        check_makeable(sys.argv[1:], workflow.rules, settings.run, recipes.names)


onstart:
    calm(workflow.scheduler)
    planned = planned_jobs(workflow.dag.needrun_jobs(), workflow.dag.reason)
    ending.watch(planned, jobs_run_here=workflow.local_exec, remakes=workflow.dag_settings.force_incomplete)
    with told_as_sentence():
        patient_slurm.check(workflow)
        begin(settings, recipes, planned, Site.of(workflow))
        watch.start(workflow, planned, logger, log)
    patient_slurm.start(workflow, logger.warning, Path("results", settings.run))


onsuccess:
    ending.tell_success()


onerror:
    patient_slurm.cancel_rest()
    ending.tell_failure(workflow.scheduler.failed, len(list(workflow.dag.needrun_jobs())), log, watch.used_up)
