"""Other products of judged solutions; nothing is asked again. None of them is part of `all`.

    results/{run}/decontaminated.jsonl, {recipe}/judged/shard-..., {recipe}/pass_rates.jsonl
    -> {recipe}/rl/                          verl/, trl/, nemo_gym/ and README.md, the card: `snakemake rl`

    results/{run}/decontaminated.jsonl, {recipe}/groups/shard-..., {recipe}/comparisons/shard-...
    -> {recipe}/rl/                          verl/, trl/ and README.md, of recipes that compare solutions

    results/{run}/decontaminated.jsonl, {recipe}/judged/shard-..., {recipe}/solutions/seed-SS/shard-...
    -> {recipe}/preferences/                 preference/ and README.md: `snakemake preferences`

    {recipe}/sft/shard-... (for other verdicts than `yes`: what prepare_sft reads)
    -> {recipe}/subsets/{subset}/dataset/    as {recipe}/dataset/: `snakemake subset`

The stages also write {recipe}/dropped/<stage> and {recipe}/counts/<stage>.
"""

from omr.config.further_products import COMPARING, PAIRING, SOLVING, FurtherProducts

with told_as_sentence():
    further = FurtherProducts(settings, recipes, rounds)


wildcard_constraints:
    subset=further.subset_pattern,


rule prepare_rl:
    """The problems that are neither always nor never solved, and whose answers can be checked."""
    localrule: True
    input:
        problems="results/{run}/decontaminated.jsonl",
        judged=recipes.judged,
        pass_rates=further.rl_rates,
        prompt=f"results/{{run}}/prompts/{config['products']['rl']['prompt']}.yaml",
    output:
        # All of it is in rl/.
        rows=temp("results/{run}/{recipe}/rl.jsonl"),
        dropped="results/{run}/{recipe}/dropped/prepare_rl.jsonl",
        counts="results/{run}/{recipe}/counts/prepare_rl.json",
    log:
        "results/{run}/{recipe}/logs/prepare_rl.log",
    wildcard_constraints:
        recipe=recipes.pattern_of(*SOLVING),
    params:
        code=code_of("prepare_rl"),
        chosen=further.rl_flags,
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/prepare_rl.py"
        " --problems {input.problems}"
        " --judged {input.judged}"
        " --pass-rates {input.pass_rates}"
        " --prompt {input.prompt}"
        " {params.chosen}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


rule write_rl:
    """The folder that trainers take, with a form for each of them and a card."""
    localrule: True
    input:
        rows="results/{run}/{recipe}/rl.jsonl",
        counts="results/{run}/{recipe}/counts/prepare_rl.json",
        stages="results/{run}/stages.json",
        measured=products.measured,
        contamination="results/{run}/contamination/report.json",
        planted=settings.planted_report,
    output:
        directory("results/{run}/{recipe}/rl"),
    log:
        "results/{run}/{recipe}/logs/write_rl.log",
    wildcard_constraints:
        recipe=recipes.pattern_of(*SOLVING),
    params:
        code=code_of("write_product"),
        kind="rl",
        data_source=config["products"]["rl"]["data_source"],
        license=products.card_license,
        authored=products.authored,
        gates=products.gates,
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/write_product.py"
        " --kind {params.kind}"
        " --rows {input.rows}"
        " --title {wildcards.run}-{wildcards.recipe}-rl"
        " {params.license}"
        " {params.authored}"
        " --counts {input.counts}"
        " --stages {input.stages}"
        " --measured {input.measured}"
        " --contamination {input.contamination}"
        " {params.gates}"
        " --data-source {params.data_source:q}"
        " --output {output}"
        " 2>&1 | tee {log}"


rule prepare_rl_selections:
    """The groups of a recipe that compares solutions, with the indexes of all right ones."""
    localrule: True
    input:
        problems="results/{run}/decontaminated.jsonl",
        groups=further.of_shards("groups"),
        comparisons=further.of_shards("comparisons"),
        prompt=recipes.prompt,
    output:
        # All of it is in rl/.
        rows=temp("results/{run}/{recipe}/rl_selections.jsonl"),
        dropped="results/{run}/{recipe}/dropped/prepare_rl_selections.jsonl",
        counts="results/{run}/{recipe}/counts/prepare_rl_selections.json",
    log:
        "results/{run}/{recipe}/logs/prepare_rl_selections.log",
    wildcard_constraints:
        recipe=recipes.pattern_of(*COMPARING),
    params:
        code=code_of("prepare_rl_selections"),
        sources=config["products"]["rl"]["answer_sources"],
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/prepare_rl_selections.py"
        " --problems {input.problems}"
        " --groups {input.groups}"
        " --comparisons {input.comparisons}"
        " --prompt {input.prompt}"
        " --answer-sources {params.sources}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


use rule write_rl as write_rl_selections with:
    input:
        rows="results/{run}/{recipe}/rl_selections.jsonl",
        counts="results/{run}/{recipe}/counts/prepare_rl_selections.json",
        stages="results/{run}/stages.json",
        measured=products.sources_measured,
        contamination="results/{run}/contamination/report.json",
        planted=settings.planted_report,
    log:
        "results/{run}/{recipe}/logs/write_rl_selections.log",
    wildcard_constraints:
        recipe=recipes.pattern_of(*COMPARING),
    params:
        kind="rl_selections",
        data_source=config["products"]["rl"]["selection_data_source"],
        license=products.card_license,
        authored=products.authored,
        gates=products.gates,


rule rl:
    """Problems for reinforcement learning, and groups of solutions to choose from, of all recipes."""
    localrule: True
    input:
        further.folders("rl", *SOLVING, *COMPARING),


rule prepare_preferences:
    """Pairs of a right and a wrong solution of a shard's problems, similar in length."""
    input:
        problems="results/{run}/decontaminated.jsonl",
        judged="results/{run}/{recipe}/judged/shard-{shard}-of-{shards}.jsonl",
        solutions=recipes.solutions,
        prompt=recipes.prompt,
    output:
        # All of it is in preferences/.
        rows=temp("results/{run}/{recipe}/pairs/shard-{shard}-of-{shards}.jsonl"),
        dropped="results/{run}/{recipe}/dropped/prepare_preferences/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/prepare_preferences/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/prepare_preferences/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/prepare_preferences/shard-{shard}-of-{shards}.tsv"
    wildcard_constraints:
        recipe=recipes.pattern_of(*PAIRING),
    params:
        code=code_of("prepare_preferences"),
        pairs=config["products"]["preferences"]["pairs_per_problem"],
        ratio=config["products"]["preferences"]["max_length_ratio"],
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/prepare_preferences.py"
        " --problems {input.problems}"
        " --shard {wildcards.shard}"
        " --shards {wildcards.shards}"
        " --judged {input.judged}"
        " --solutions {input.solutions}"
        " --prompt {input.prompt}"
        " --pairs-per-problem {params.pairs}"
        " --max-length-ratio {params.ratio}"
        " --output {output.rows}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


rule write_preferences:
    """The folder that trainers take, with a card."""
    input:
        rows=further.pairs,
        counts=further.pair_counts,
        stages="results/{run}/stages.json",
        measured=products.measured,
        contamination="results/{run}/contamination/report.json",
        planted=settings.planted_report,
    output:
        directory("results/{run}/{recipe}/preferences"),
    log:
        "results/{run}/{recipe}/logs/write_preferences.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/write_preferences.tsv"
    params:
        code=code_of("write_product"),
        license=products.card_license,
        authored=products.authored,
        gates=products.gates,
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/write_product.py"
        " --kind preferences"
        " --rows {input.rows}"
        " --title {wildcards.run}-{wildcards.recipe}-preferences"
        " {params.license}"
        " {params.authored}"
        " --counts {input.counts}"
        " --stages {input.stages}"
        " --measured {input.measured}"
        " --contamination {input.contamination}"
        " {params.gates}"
        " --output {output}"
        " 2>&1 | tee {log}"


rule preferences:
    """Pairs of right and wrong solutions, of all recipes that solve problems without code."""
    localrule: True
    input:
        further.folders("preferences", *PAIRING),


use rule prepare_sft as prepare_verdicts with:
    """Finished solutions of a shard, also wrong and unjudged ones as models wrote them, for subsets that ask for them."""
    wildcard_constraints:
        recipe=recipes.pattern_of(*SOLVING),
        subset=further.verdict_pattern,
    output:
        rows=temp(directory("results/{run}/{recipe}/subsets/{subset}/all/shard-{shard}-of-{shards}")),
        figures=temp("results/{run}/{recipe}/subsets/{subset}/all_figures/shard-{shard}-of-{shards}.json"),
        dropped="results/{run}/{recipe}/dropped/prepare_verdicts/{subset}/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/prepare_verdicts/{subset}/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/prepare_verdicts/{subset}/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/prepare_verdicts/{subset}/shard-{shard}-of-{shards}.tsv"
    params:
        verdicts=further.verdict_flags,


rule select_subset:
    """The rows of a shard that a subset of `products.subsets` asks for."""
    input:
        rows=further.rows_of_shard,
        tokenizer=further.tokenizer,
    output:
        # All of it is in the subset's dataset/.
        rows=temp(directory("results/{run}/{recipe}/subsets/{subset}/sft/shard-{shard}-of-{shards}")),
        figures="results/{run}/{recipe}/subsets/{subset}/figures/shard-{shard}-of-{shards}.json",
        dropped="results/{run}/{recipe}/dropped/select_subset/{subset}/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/select_subset/{subset}/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/select_subset/{subset}/shard-{shard}-of-{shards}.log",
    params:
        code=code_of("select_subset"),
        chosen=further.subset_flags,
        tokenizer=products.tokenizer_flag,
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/select_subset.py"
        " --rows {input.rows}"
        " {params.chosen}"
        " {params.tokenizer}"
        " --output {output.rows}"
        " --figures {output.figures}"
        " --dropped {output.dropped}"
        " --counts {output.counts}"
        " 2>&1 | tee {log}"


rule write_subset:
    """The folder that `datasets.load_dataset` takes, with a card that says what was chosen."""
    localrule: True
    input:
        rows=further.subset_rows,
        figures=further.subset_figures,
        stages="results/{run}/{recipe}/stages.json",
        own_counts=further.subset_counts,
        contamination="results/{run}/contamination/report.json",
        planted=settings.planted_report,
        prompts=products.prompts,
    output:
        directory("results/{run}/{recipe}/subsets/{subset}/dataset"),
    log:
        "results/{run}/{recipe}/logs/write_subset/{subset}.log",
    params:
        code=code_of("write_dataset"),
        models=products.models,
        license=products.card_license,
        authored=products.authored,
        gates=products.gates,
        chosen=further.subset_words,
    conda:
        "../envs/workflow.yaml"
    shell:
        "python scripts/write_dataset.py"
        " --shards {input.rows}"
        " --figures {input.figures}"
        " --title {wildcards.run}-{wildcards.recipe}-{wildcards.subset}"
        " {params.license}"
        " {params.authored}"
        " --stages {input.stages}"
        " --counts {input.own_counts}"
        " --contamination {input.contamination}"
        " {params.gates}"
        " --models {params.models:q}"
        " --prompts {input.prompts}"
        " --chosen {params.chosen:q}"
        " --output {output}"
        " 2>&1 | tee {log}"


rule subset:
    """All subsets that config names, of all recipes that they are of."""
    localrule: True
    input:
        further.subsets,
