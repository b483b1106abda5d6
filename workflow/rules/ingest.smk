"""From a source of lyric-bearing music to windows and folds.

Inputs: the music21 package, or the folder named by source.path.
Outputs: results/<dataset>/{config.yaml,songs,windows,split,rejects,funnel}.parquet
"""


rule resolve_config:
    """Write the configuration that was used, defaults included, beside the results."""
    output:
        f"results/{DATASET}/config.yaml",
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


rule ingest:
    """Read the files of one shard into songs."""
    output:
        songs=temp(f"results/{DATASET}/ingest/songs-{{shard}}.parquet"),
        rejects=f"results/{DATASET}/rejects/ingest-{{shard}}.parquet",
    log:
        f"logs/{DATASET}/ingest/{{shard}}.log",
    benchmark:
        f"results/{DATASET}/benchmarks/ingest/{{shard}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        settings=stage_settings("ingest"),
        code=stage_code("ingest"),
    shell:
        r"""
        python -m ugaar ingest \
            --settings {params.settings:q} \
            --shard {wildcards.shard} \
            --songs-out {output.songs:q} \
            --rejects-out {output.rejects:q} \
            >{log:q} 2>&1
        """


rule window:
    """Join the songs and cut them into windows."""
    input:
        songs=expand(
            "results/{dataset}/ingest/songs-{shard}.parquet",
            dataset=DATASET,
            shard=SHARDS,
        ),
        rejects=expand(
            "results/{dataset}/rejects/ingest-{shard}.parquet",
            dataset=DATASET,
            shard=SHARDS,
        ),
    output:
        songs=f"results/{DATASET}/songs.parquet",
        windows=f"results/{DATASET}/windows.parquet",
        rejects=f"results/{DATASET}/rejects/window.parquet",
    log:
        f"logs/{DATASET}/window.log",
    benchmark:
        f"results/{DATASET}/benchmarks/window.tsv"
    priority: 10
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        settings=stage_settings("window"),
        code=stage_code("window"),
    shell:
        r"""
        python -m ugaar window \
            --settings {params.settings:q} \
            --songs {input.songs:q} \
            --rejects {input.rejects:q} \
            --songs-out {output.songs:q} \
            --windows-out {output.windows:q} \
            --rejects-out {output.rejects:q} \
            >{log:q} 2>&1
        """


rule split:
    """Build duplicate groups and draw the folds."""
    input:
        songs=f"results/{DATASET}/songs.parquet",
        windows=f"results/{DATASET}/windows.parquet",
    output:
        f"results/{DATASET}/split.parquet",
    log:
        f"logs/{DATASET}/split.log",
    benchmark:
        f"results/{DATASET}/benchmarks/split.tsv"
    priority: 10
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        settings=stage_settings("split"),
        code=stage_code("split"),
    shell:
        r"""
        python -m ugaar split \
            --settings {params.settings:q} \
            --songs {input.songs:q} \
            --windows {input.windows:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule funnel:
    """Join the rejects of all stages and count what was kept."""
    input:
        songs=f"results/{DATASET}/songs.parquet",
        windows=f"results/{DATASET}/windows.parquet",
        split=f"results/{DATASET}/split.parquet",
        audio=expand(
            "results/{dataset}/audio/shard-{shard}.parquet",
            dataset=DATASET,
            shard=SHARDS,
        ),
        sheet=expand(
            "results/{dataset}/sheet/shard-{shard}.parquet",
            dataset=DATASET,
            shard=SHARDS,
        ),
        rejects=expand(
            "results/{dataset}/rejects/{part}.parquet",
            dataset=DATASET,
            part=REJECT_PARTS,
        ),
    output:
        rejects=f"results/{DATASET}/rejects.parquet",
        funnel=f"results/{DATASET}/funnel.parquet",
    log:
        f"logs/{DATASET}/funnel.log",
    conda:
        "../../envs/core.yaml"
    params:
        settings=stage_settings("funnel"),
        code=stage_code("funnel"),
        audio=audio_folder,
        sheet=sheet_folder,
    shell:
        r"""
        python -m ugaar funnel \
            --settings {params.settings:q} \
            --songs {input.songs:q} \
            --windows {input.windows:q} \
            --split {input.split:q} \
            --audio {params.audio:q} \
            --sheet {params.sheet:q} \
            --rejects {input.rejects:q} \
            --rejects-out {output.rejects:q} \
            --funnel-out {output.funnel:q} \
            >{log:q} 2>&1
        """
