"""Rounds, each for itself: what the solutions so far say, so that problems that have enough are asked no more.

    {recipe}/solutions/seed-SS/shard-... of the round
    -> {recipe}/rounds/NN/outcomes/                          what was read of them; no later round reads their texts
    -> {recipe}/rounds/NN/majority/, comparisons/, judgements/
    -> {recipe}/replies/judge_answers/round-NN/              only questions that no earlier round asked
    -> {recipe}/rounds/NN/judged/                            what the plan of the next round goes by

The stages are those of solutions.smk, which come behind the last round and handle all solutions. Nothing is asked twice:
solutions, questions and verdicts of earlier rounds are known, and only new ones are asked for. The last round is no other
than those before it: one that is added later finds it as it needs it. All files are per shard, so a slow shard holds up
no other.
"""


wildcard_constraints:
    # Only here does `{recipe}/rounds/NN` name something: recipes with several rounds.
    round=r"\d{2}",


use rule fill_majority_answer as fill_majority_of_round with:
    """fill_majority_answer for the solutions up to a round; it reads those of the round."""
    input:
        problems="results/{run}/decontaminated.jsonl",
        solutions=rounds.solutions,
        earlier=rounds.outcomes,
        plan="results/{run}/{recipe}/rounds/{round}/plan/shard-{shard}-of-{shards}.jsonl",
    output:
        rows="results/{run}/{recipe}/rounds/{round}/majority/shard-{shard}-of-{shards}.jsonl",
        outcomes="results/{run}/{recipe}/rounds/{round}/outcomes/shard-{shard}-of-{shards}.jsonl",
        # No model is asked about ties: such a problem has not enough votes yet.
        undecided=temp("results/{run}/{recipe}/rounds/{round}/undecided/shard-{shard}-of-{shards}.jsonl"),
        questions=temp("results/{run}/{recipe}/rounds/{round}/matches/shard-{shard}-of-{shards}.jsonl"),
        dropped="results/{run}/{recipe}/rounds/{round}/dropped/fill_majority_answer/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/rounds/{round}/counts/fill_majority_answer/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/fill_majority_answer/round-{round}/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/fill_majority_answer/round-{round}/shard-{shard}-of-{shards}.tsv"
    wildcard_constraints:
        recipe=rounds.apart,
    params:
        seeds=rounds.seed_flags,
        outcomes=rounds.outcome_flags,
        plan=lambda wildcards, input: f"--plan {input.plan}",
        min_votes=recipes.knob("majority", "min_votes"),
        min_share=recipes.knob("majority", "min_share"),
        repair="",
        max_matches=0,


use rule select_judgements as select_judgements_of_round with:
    """select_judgements for the solutions up to a round."""
    input:
        problems="results/{run}/decontaminated.jsonl",
        majority="results/{run}/{recipe}/rounds/{round}/majority/shard-{shard}-of-{shards}.jsonl",
        asked=rounds.earlier_questions,
    output:
        comparisons="results/{run}/{recipe}/rounds/{round}/comparisons/shard-{shard}-of-{shards}.jsonl",
        questions="results/{run}/{recipe}/rounds/{round}/judgements/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/rounds/{round}/dropped/select_judgements/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/rounds/{round}/counts/select_judgements/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/select_judgements/round-{round}/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/select_judgements/round-{round}/shard-{shard}-of-{shards}.tsv"
    wildcard_constraints:
        recipe=rounds.apart,


use rule judge_answers as judge_answers_of_round with:
    """judge_answers for the solutions of a round."""
    input:
        **recipes.model_inputs("judge_answers"),
        rows="results/{run}/{recipe}/rounds/{round}/judgements/shard-{shard}-of-{shards}.jsonl",
        prompts="results/{run}/prompts/judge_answers.yaml",
    output:
        replies="results/{run}/{recipe}/replies/judge_answers/round-{round}/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/counts/judge_answers/round-{round}/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/judge_answers/round-{round}/shard-{shard}-of-{shards}.log",
    benchmark:
        "results/{run}/{recipe}/benchmarks/judge_answers/round-{round}/shard-{shard}-of-{shards}.tsv"
    wildcard_constraints:
        recipe=rounds.apart,


use rule merge_judgements as merge_judgements_of_round with:
    """merge_judgements for a round that another follows: who has enough, who is asked again."""
    input:
        majority="results/{run}/{recipe}/rounds/{round}/majority/shard-{shard}-of-{shards}.jsonl",
        comparisons="results/{run}/{recipe}/rounds/{round}/comparisons/shard-{shard}-of-{shards}.jsonl",
        replies="results/{run}/{recipe}/replies/judge_answers/round-{round}/shard-{shard}-of-{shards}.jsonl",
        earlier=rounds.earlier_verdicts,
    output:
        rows="results/{run}/{recipe}/rounds/{round}/judged/shard-{shard}-of-{shards}.jsonl",
        dropped="results/{run}/{recipe}/rounds/{round}/dropped/merge_judgements/shard-{shard}-of-{shards}.jsonl",
        counts="results/{run}/{recipe}/rounds/{round}/counts/merge_judgements/shard-{shard}-of-{shards}.json",
    log:
        "results/{run}/{recipe}/logs/merge_judgements/round-{round}/shard-{shard}-of-{shards}.log",
    wildcard_constraints:
        recipe=rounds.apart,
