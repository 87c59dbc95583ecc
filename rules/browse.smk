"""Pages to look around in a run, while it goes on or afterwards.

results/{run}/ -> a local server for the browser of this machine    (snakemake browse)

The rule reads whatever is there and asks for nothing, so it may run beside another Snakemake.
"""


localrules:
    browse,


rule browse:
    """Serve pages about the run until Ctrl-C; the address is printed."""
    log:
        f"results/{settings.run}/logs/browse.log",
    conda:
        "../envs/workflow.yaml"
    params:
        run=settings.run,
    shell:
        # The address is printed only: it holds the key to the pages.
        "python scripts/browse.py --run results/{params.run} 2> >(tee -i {log} >&2)"
