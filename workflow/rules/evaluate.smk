"""From embeddings to ranks, metrics and the paper's tables.

Inputs: results/<dataset>/train/<method>/seed-<seed>/embeddings.parquet
Outputs: results/<dataset>/{ranks,metrics,comparisons}.parquet,
         results/<dataset>/tables/table_{1,2}.{csv,md,tex,html}
"""


rule evaluate:
    """Rank the test fold in six directions for every seed of one method."""
    input:
        embeddings=expand(
            "results/{dataset}/train/{{method}}/seed-{seed}/embeddings.parquet",
            dataset=DATASET,
            seed=SEEDS,
        ),
        windows=f"results/{DATASET}/windows.parquet",
        split=f"results/{DATASET}/split.parquet",
    output:
        temp(f"results/{DATASET}/evaluate/{{method}}.parquet"),
    log:
        f"logs/{DATASET}/evaluate/{{method}}.log",
    benchmark:
        f"results/{DATASET}/benchmarks/evaluate/{{method}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1000,
    params:
        settings=stage_settings("evaluate"),
        code=stage_code("evaluate"),
    shell:
        r"""
        python -m ugaar evaluate \
            --settings {params.settings:q} \
            --method {wildcards.method} \
            --embeddings {input.embeddings:q} \
            --windows {input.windows:q} \
            --split {input.split:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule metrics:
    """Summarise the ranks of all methods with confidence intervals."""
    input:
        expand(
            "results/{dataset}/evaluate/{method}.parquet",
            dataset=DATASET,
            method=METHODS,
        ),
    output:
        ranks=f"results/{DATASET}/ranks.parquet",
        metrics=f"results/{DATASET}/metrics.parquet",
        comparisons=f"results/{DATASET}/comparisons.parquet",
    log:
        f"logs/{DATASET}/metrics.log",
    benchmark:
        f"results/{DATASET}/benchmarks/metrics.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1500,
    params:
        settings=stage_settings("metrics"),
        code=stage_code("metrics"),
    shell:
        r"""
        python -m ugaar metrics \
            --settings {params.settings:q} \
            --ranks {input:q} \
            --ranks-out {output.ranks:q} \
            --metrics-out {output.metrics:q} \
            --comparisons-out {output.comparisons:q} \
            >{log:q} 2>&1
        """


rule tables:
    """Write Tables I and II: ours, exact chance, and the paper's numbers."""
    input:
        metrics=f"results/{DATASET}/metrics.parquet",
        comparisons=f"results/{DATASET}/comparisons.parquet",
        windows=f"results/{DATASET}/windows.parquet",
        split=f"results/{DATASET}/split.parquet",
        features=expand(
            "results/{dataset}/features/{name}.parquet",
            dataset=DATASET,
            name=["audio", "sheet", "lyrics"],
        ),
    output:
        files=expand(
            "results/{dataset}/tables/{table}.{suffix}",
            dataset=DATASET,
            table=["table_1", "table_2", "comparisons"],
            suffix=["csv", "md", "tex"],
        ),
        table_1=report(
            f"results/{DATASET}/tables/table_1.html",
            caption="../report/table_1.rst",
            category="Tables",
            labels={"table": "I", "shows": "R@1 and MedR, methods x directions"},
        ),
        table_2=report(
            f"results/{DATASET}/tables/table_2.html",
            caption="../report/table_2.rst",
            category="Tables",
            labels={"table": "II", "shows": "all metrics, directions x methods"},
        ),
        comparisons=report(
            f"results/{DATASET}/tables/comparisons.html",
            caption="../report/comparisons.rst",
            category="Tables",
            labels={
                "table": "comparisons",
                "shows": "paired differences between methods",
            },
        ),
    log:
        f"logs/{DATASET}/tables.log",
    conda:
        "../../envs/core.yaml"
    params:
        settings=stage_settings("tables"),
        code=stage_code("tables"),
        folder=output_folder,
    shell:
        r"""
        python -m ugaar tables \
            --settings {params.settings:q} \
            --metrics {input.metrics:q} \
            --comparisons {input.comparisons:q} \
            --windows {input.windows:q} \
            --split {input.split:q} \
            --features {input.features:q} \
            --out-dir {params.folder:q} \
            >{log:q} 2>&1
        """
