"""From songs to windows and folds.

Inputs: results/<dataset>/ingest/songs-<i>.parquet
Outputs: results/<dataset>/{songs,windows,rejects}.parquet,
         results/<dataset>/<split>/{split,funnel}.parquet
"""


rule window:
    """Join the songs and cut them into windows."""
    input:
        songs=expand(
            "{music}/ingest/songs-{shard}.parquet",
            music=MUSIC,
            shard=SHARDS,
        ),
        rejects=expand(
            "{music}/rejects/ingest-{shard}.parquet",
            music=MUSIC,
            shard=SHARDS,
        ),
    output:
        songs=f"{MUSIC}/songs.parquet",
        windows=f"{MUSIC}/windows.parquet",
        rejects=f"{MUSIC}/rejects/window.parquet",
    log:
        f"logs/{DATASET}/window.log",
    benchmark:
        f"{MUSIC}/benchmarks/window.tsv"
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
        songs=f"{MUSIC}/songs.parquet",
        windows=f"{MUSIC}/windows.parquet",
    output:
        f"{HERE}/split.parquet",
    log:
        f"logs/{DATASET}/{{split}}/split.log",
    benchmark:
        f"{HERE}/benchmarks/split.tsv"
    priority: 10
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        settings=stage_settings("split"),
        code=stage_code("split"),
        protocol=lambda wildcards: SPLITS[wildcards.split].protocol,
        seed=lambda wildcards: SPLITS[wildcards.split].seed,
    shell:
        r"""
        python -m ugaar split \
            --settings {params.settings:q} \
            --protocol {params.protocol} \
            --seed {params.seed} \
            --songs {input.songs:q} \
            --windows {input.windows:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule rejects:
    """Join the rejects of all stages."""
    input:
        songs=f"{MUSIC}/songs.parquet",
        rejects=expand(
            "{music}/rejects/{part}.parquet",
            music=MUSIC,
            part=REJECT_PARTS,
        ),
    output:
        f"{MUSIC}/rejects.parquet",
    log:
        f"logs/{DATASET}/rejects.log",
    conda:
        "../../envs/core.yaml"
    params:
        settings=stage_settings("rejects"),
        code=stage_code("rejects"),
    shell:
        r"""
        python -m ugaar rejects \
            --settings {params.settings:q} \
            --songs {input.songs:q} \
            --rejects {input.rejects:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule funnel:
    """Count what was kept and what was lost, from files to folds."""
    input:
        songs=f"{MUSIC}/songs.parquet",
        windows=f"{MUSIC}/windows.parquet",
        split=f"{HERE}/split.parquet",
        audio=expand(
            "{music}/audio/shard-{shard}.parquet",
            music=MUSIC,
            shard=SHARDS,
        ),
        sheet=expand(
            "{music}/sheet/shard-{shard}.parquet",
            music=MUSIC,
            shard=SHARDS,
        ),
        rejects=f"{MUSIC}/rejects.parquet",
    output:
        f"{HERE}/funnel.parquet",
    log:
        f"logs/{DATASET}/{{split}}/funnel.log",
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
            --out {output:q} \
            >{log:q} 2>&1
        """
