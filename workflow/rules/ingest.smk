"""From a source of lyric-bearing music to windows and folds.

Inputs: the music21 package, or the folder named by source.path.
Outputs: resources/<file>,
         results/<dataset>/{config.yaml,songs.parquet,windows.parquet,rejects.parquet},
         results/<dataset>/<split>/{split,funnel}.parquet
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


rule ingest:
    """Read the files of one shard into songs."""
    input:
        collections=fetched(
            *(one["path"] for one in SOURCES_READ),
            config["source"]["lmd_lyrics"]["word_model"],
        ),
    output:
        songs=temp(f"{MUSIC}/ingest/songs-{{shard}}.parquet"),
        rejects=f"{MUSIC}/rejects/ingest-{{shard}}.parquet",
    log:
        f"logs/{DATASET}/ingest/{{shard}}.log",
    benchmark:
        f"{MUSIC}/benchmarks/ingest/{{shard}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        settings=stage_settings("ingest"),
        code=stage_code("ingest", *(KINDS[one["kind"]].module for one in SOURCES_READ)),
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
