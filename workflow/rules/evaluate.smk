"""From embeddings to ranks, metrics and the paper's tables.

Inputs: results/<dataset>/<split>/train/<method>/seed-<seed>/embeddings.parquet
Outputs: results/<dataset>/<split>/{ranks,metrics,comparisons}.parquet,
         results/<dataset>/<split>/tables/{table_1,table_2,comparisons,galleries}.{csv,md,tex,html},
         results/<dataset>/{split_means,protocol_differences}.parquet,
         results/<dataset>/tables/{splits,protocols}.{csv,md,tex,html}
"""


rule evaluate:
    """Rank the test fold in six directions for every seed of one method."""
    input:
        embeddings=expand(
            "results/{dataset}/{{split}}/train/{{method}}/seed-{seed}/embeddings.parquet",
            dataset=DATASET,
            seed=SEEDS,
        ),
        windows=f"{MUSIC}/windows.parquet",
        split=f"{HERE}/split.parquet",
    output:
        temp(f"{HERE}/evaluate/{{method}}.parquet"),
    log:
        f"logs/{DATASET}/{{split}}/evaluate/{{method}}.log",
    benchmark:
        f"{HERE}/benchmarks/evaluate/{{method}}.tsv"
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
        ranks_of,
    output:
        ranks=f"{HERE}/ranks.parquet",
        metrics=f"{HERE}/metrics.parquet",
        comparisons=f"{HERE}/comparisons.parquet",
    log:
        f"logs/{DATASET}/{{split}}/metrics.log",
    benchmark:
        f"{HERE}/benchmarks/metrics.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
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
        metrics=f"{HERE}/metrics.parquet",
        comparisons=f"{HERE}/comparisons.parquet",
        windows=f"{MUSIC}/windows.parquet",
        split=f"{HERE}/split.parquet",
        features=expand(
            "results/{dataset}/{{split}}/features/{name}.parquet",
            dataset=DATASET,
            name=["audio", "sheet", "lyrics"],
        ),
    output:
        files=expand(
            "results/{dataset}/{{split}}/tables/{table}.{suffix}",
            dataset=DATASET,
            table=["table_1", "table_2", "comparisons", "galleries"],
            suffix=["csv", "md", "tex"],
        ),
        table_1=report(
            f"{HERE}/tables/table_1.html",
            caption="../report/table_1.rst",
            category="Tables",
            labels={
                "table": "I ({split})",
                "shows": "R@1 and MedR, methods x directions",
            },
        ),
        table_2=report(
            f"{HERE}/tables/table_2.html",
            caption="../report/table_2.rst",
            category="Tables",
            labels={
                "table": "II ({split})",
                "shows": "all metrics, directions x methods",
            },
        ),
        comparisons=report(
            f"{HERE}/tables/comparisons.html",
            caption="../report/comparisons.rst",
            category="Tables",
            labels={
                "table": "comparisons ({split})",
                "shows": "paired differences between methods",
            },
        ),
        galleries=report(
            f"{HERE}/tables/galleries.html",
            caption="../report/galleries.rst",
            category="Tables",
            labels={
                "table": "galleries ({split})",
                "shows": "R@1 and MedR/N in galleries of several sizes",
            },
        ),
    log:
        f"logs/{DATASET}/{{split}}/tables.log",
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


rule compare_splits:
    """Set the splits side by side: what the protocol changes, and what the draw does."""
    input:
        ranks_of_splits,
    output:
        means=f"{DATA}/split_means.parquet",
        differences=f"{DATA}/protocol_differences.parquet",
        files=expand(
            "results/{dataset}/tables/{table}.{suffix}",
            dataset=DATASET,
            table=["splits", "protocols"],
            suffix=["csv", "md", "tex"],
        ),
        protocols=report(
            f"{DATA}/tables/protocols.html",
            caption="../report/protocols.rst",
            category="Tables",
            labels={"table": "protocols", "shows": "what duplicates add to retrieval"},
        ),
        splits=report(
            f"{DATA}/tables/splits.html",
            caption="../report/splits.rst",
            category="Tables",
            labels={
                "table": "splits",
                "shows": "means and spread over draws of the folds",
            },
        ),
    log:
        f"logs/{DATASET}/compare_splits.log",
    benchmark:
        f"{DATA}/benchmarks/compare_splits.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("compare-splits"),
        code=stage_code("compare-splits"),
        names=list(SPLITS),
        folder=lambda wildcards, output: str(Path(output.protocols).parent),
    shell:
        r"""
        python -m ugaar compare-splits \
            --settings {params.settings:q} \
            --names {params.names:q} \
            --ranks {input:q} \
            --means-out {output.means:q} \
            --differences-out {output.differences:q} \
            --out-dir {params.folder:q} \
            >{log:q} 2>&1
        """


rule transfer:
    """Test models of another collection on the song-disjoint test fold of this one."""
    input:
        unpack(transfer_inputs),
    output:
        f"{DATA}/transfer.parquet",
    log:
        f"logs/{DATASET}/transfer.log",
    benchmark:
        f"{DATA}/benchmarks/transfer.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("transfer"),
        code=stage_code("transfer"),
        models=config["transfer"]["models"],
        trained_on=Path(config["transfer"]["models"] or "x/x").parent.name,
        tested_on=DATASET,
        features=lambda wildcards, input: str(Path(input.sheet).parent),
        asmcmr_audio=audio_features("asmcmr"),
    shell:
        r"""
        python -m ugaar transfer \
            --settings {params.settings:q} \
            --models {params.models:q} \
            --trained-on {params.trained_on:q} \
            --tested-on {params.tested_on:q} \
            --windows {input.windows:q} \
            --split {input.split:q} \
            --features {params.features:q} \
            --asmcmr-audio {params.asmcmr_audio} \
            --metrics {input.metrics:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """
