"""How far the run is, while it goes on or after.

    what jobs say of themselves, counts, estimate.json -> the terminal      (snakemake status)

It reads only, and has neither inputs nor outputs: so it may run while another Snakemake holds the folder.
`python scripts/status.py --run results/{run} --watch` does the same without Snakemake, again and again.
"""


localrules:
    status,


rule status:
    """Print how far all stages of the run are, how fast, what failed, what is spent and what is left."""
    log:
        f"results/{settings.run}/logs/status.log",
    conda:
        "../envs/workflow.yaml"
    params:
        run=settings.run,
    shell:
        # The table goes to the terminal, as wide as that is.
        "python scripts/status.py" " --run results/{params.run}" " 2> >(tee {log} >&2)"
