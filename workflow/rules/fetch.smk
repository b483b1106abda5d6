"""What every task needs: the resolved configuration and the fetched files.

Inputs: public addresses, or copies of them (config: mirror).
Outputs: results/<dataset>/config.yaml, resources/<file>
"""


rule resolve_config:
    """Write the configuration that was used, defaults included, beside the results."""
    output:
        f"{DATA}/config.yaml",
    log:
        f"logs/{DATASET}/resolve_config.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        settings=settings.as_text(config),
    shell:
        r"""
        python -m ugaar resolve-config \
            --settings {params.settings:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule fetch:
    """Get a file of the table of sources and check it."""
    output:
        "resources/{resource}",
    log:
        "logs/fetch/{resource}.log",
    retries: 2
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        settings=stage_settings("fetch"),
        code=stage_code("fetch"),
        # What is wanted, not the table: a new source fetches no other one again.
        version=lambda wildcards: FETCHED[wildcards.resource].version,
        sha256=lambda wildcards: FETCHED[wildcards.resource].sha256,
        name=lambda wildcards: FETCHED[wildcards.resource].name,
        sources=SOURCES,
    shell:
        r"""
        python -m ugaar fetch \
            --settings {params.settings:q} \
            --name {params.name} \
            --sources {params.sources:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """
