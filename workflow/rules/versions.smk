"""From recordings as chroma features to the retrieval of other versions of a work.

Inputs: the folder or archive named by versions.path.
Outputs: results/<dataset>/{recordings,rejects,version_pairs,version_folds}.parquet,
         results/<dataset>/train/network-<dimensions>/fold-<fold>/seed-<seed>/{model.pt,history.parquet},
         results/<dataset>/version_scores/<system>.parquet,
         results/<dataset>/{version_metrics,version_comparisons}.parquet,
         results/<dataset>/tables/versions{,_lengths,_works,_differences}.{csv,md,tex,html},
         results/<dataset>/figures/versions.{png,svg}
"""


rule ingest_versions:
    """Read recordings and the works they play."""
    input:
        fetched(config["versions"]["path"]),
    output:
        recordings=f"{DATA}/recordings.parquet",
        rejects=f"{DATA}/rejects.parquet",
    log:
        f"logs/{DATASET}/ingest_versions.log",
    benchmark:
        f"{DATA}/benchmarks/ingest_versions.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1000,
    params:
        settings=stage_settings("ingest-versions"),
        code=stage_code("ingest-versions"),
    shell:
        r"""
        python -m ugaar ingest-versions \
            --settings {params.settings:q} \
            --out {output.recordings:q} \
            --rejects-out {output.rejects:q} \
            >{log:q} 2>&1
        """


rule align_versions:
    """Lay the versions of each work on each other, and deal the works to folds."""
    input:
        recordings=f"{DATA}/recordings.parquet",
    output:
        pairs=f"{DATA}/version_pairs.parquet",
        folds=f"{DATA}/version_folds.parquet",
    log:
        f"logs/{DATASET}/align_versions.log",
    benchmark:
        f"{DATA}/benchmarks/align_versions.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1000,
    params:
        settings=stage_settings("align-versions"),
        code=stage_code("align-versions"),
    shell:
        r"""
        python -m ugaar align-versions \
            --settings {params.settings:q} \
            --recordings {input.recordings:q} \
            --pairs-out {output.pairs:q} \
            --folds-out {output.folds:q} \
            >{log:q} 2>&1
        """


rule train_shingles:
    """Train the shingle network of one fold, with one length of code and one seed."""
    input:
        recordings=f"{DATA}/recordings.parquet",
        pairs=f"{DATA}/version_pairs.parquet",
        folds=f"{DATA}/version_folds.parquet",
    output:
        model=f"{DATA}/train/network-{{dimensions}}/fold-{{fold}}/seed-{{seed}}/model.pt",
        history=f"{DATA}/train/network-{{dimensions}}/fold-{{fold}}/seed-{{seed}}/history.parquet",
    log:
        f"logs/{DATASET}/train_shingles/{{dimensions}}-{{fold}}-{{seed}}.log",
    benchmark:
        f"{DATA}/benchmarks/train_shingles/{{dimensions}}-{{fold}}-{{seed}}.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=1500,
        runtime=30,
        gpu=gpu_count,
    params:
        settings=stage_settings("train-shingles"),
        code=stage_code("train-shingles"),
        checkpoint=f"{DATA}/checkpoints/train-shingles-{{dimensions}}-{{fold}}-{{seed}}.pt",
    shell:
        r"""
        python -m ugaar train-shingles \
            --settings {params.settings:q} \
            --fold {wildcards.fold} \
            --dimensions {wildcards.dimensions} \
            --seed {wildcards.seed} \
            --recordings {input.recordings:q} \
            --pairs {input.pairs:q} \
            --folds {input.folds:q} \
            --checkpoint {params.checkpoint:q} \
            --model-out {output.model:q} \
            --history-out {output.history:q} \
            >{log:q} 2>&1
        """


rule evaluate_shingles_raw:
    """Search with the shingles themselves."""
    input:
        recordings=f"{DATA}/recordings.parquet",
        pairs=f"{DATA}/version_pairs.parquet",
        folds=f"{DATA}/version_folds.parquet",
    output:
        f"{DATA}/version_scores/raw.parquet",
    log:
        f"logs/{DATASET}/evaluate_shingles/raw.log",
    benchmark:
        f"{DATA}/benchmarks/evaluate_shingles/raw.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("evaluate-shingles"),
        code=stage_code("evaluate-shingles"),
    shell:
        r"""
        python -m ugaar evaluate-shingles \
            --settings {params.settings:q} \
            --system raw \
            --recordings {input.recordings:q} \
            --pairs {input.pairs:q} \
            --folds {input.folds:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule evaluate_shingles_pca:
    """Search with principal components of the shingles."""
    input:
        recordings=f"{DATA}/recordings.parquet",
        pairs=f"{DATA}/version_pairs.parquet",
        folds=f"{DATA}/version_folds.parquet",
    output:
        f"{DATA}/version_scores/pca-{{dimensions}}.parquet",
    log:
        f"logs/{DATASET}/evaluate_shingles/pca-{{dimensions}}.log",
    benchmark:
        f"{DATA}/benchmarks/evaluate_shingles/pca-{{dimensions}}.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("evaluate-shingles"),
        code=stage_code("evaluate-shingles"),
    shell:
        r"""
        python -m ugaar evaluate-shingles \
            --settings {params.settings:q} \
            --system pca \
            --dimensions {wildcards.dimensions} \
            --recordings {input.recordings:q} \
            --pairs {input.pairs:q} \
            --folds {input.folds:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule evaluate_shingles:
    """Search with the codes of the networks of one seed."""
    input:
        models=expand(
            "{data}/train/network-{{dimensions}}/fold-{fold}/seed-{{seed}}/model.pt",
            data=DATA,
            fold=VERSION_FOLDS,
        ),
        recordings=f"{DATA}/recordings.parquet",
        pairs=f"{DATA}/version_pairs.parquet",
        folds=f"{DATA}/version_folds.parquet",
    output:
        f"{DATA}/version_scores/network-{{dimensions}}-seed-{{seed}}.parquet",
    log:
        f"logs/{DATASET}/evaluate_shingles/network-{{dimensions}}-seed-{{seed}}.log",
    benchmark:
        f"{DATA}/benchmarks/evaluate_shingles/network-{{dimensions}}-seed-{{seed}}.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("evaluate-shingles"),
        code=stage_code("evaluate-shingles"),
    shell:
        r"""
        python -m ugaar evaluate-shingles \
            --settings {params.settings:q} \
            --system network \
            --dimensions {wildcards.dimensions} \
            --seed {wildcards.seed} \
            --models {input.models:q} \
            --recordings {input.recordings:q} \
            --pairs {input.pairs:q} \
            --folds {input.folds:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule versions_tables:
    """Summarise the scores and write the tables."""
    input:
        version_scores(),
    output:
        metrics=f"{DATA}/version_metrics.parquet",
        comparisons=f"{DATA}/version_comparisons.parquet",
        tables=[
            f"{DATA}/tables/{name}.md"
            for name in (
                "versions",
                "versions_lengths",
                "versions_works",
                "versions_differences",
            )
        ],
    log:
        f"logs/{DATASET}/versions_tables.log",
    benchmark:
        f"{DATA}/benchmarks/versions_tables.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1000,
    params:
        settings=stage_settings("versions-tables"),
        code=stage_code("versions-tables"),
        folder=lambda wildcards, output: str(Path(output.tables[0]).parent),
    shell:
        r"""
        python -m ugaar versions-tables \
            --settings {params.settings:q} \
            --scores {input:q} \
            --metrics-out {output.metrics:q} \
            --comparisons-out {output.comparisons:q} \
            --out-dir {params.folder:q} \
            >{log:q} 2>&1
        """


rule versions_figure:
    """Draw precision and MAP against the length of the code."""
    input:
        f"{DATA}/version_metrics.parquet",
    output:
        png=f"{DATA}/figures/versions.png",
        svg=f"{DATA}/figures/versions.svg",
    log:
        f"logs/{DATASET}/versions_figure.log",
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1000,
    params:
        settings=stage_settings("versions-figure"),
        code=stage_code("versions-figure"),
        folder=output_folder,
    shell:
        r"""
        python -m ugaar versions-figure \
            --settings {params.settings:q} \
            --metrics {input:q} \
            --out-dir {params.folder:q} \
            >{log:q} 2>&1
        """
