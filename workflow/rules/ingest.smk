"""From a source of lyric-bearing music to songs.

Inputs: the music21 package, or the folder named by source.path.
Outputs: results/<dataset>/ingest/songs-<i>.parquet (temporary), results/<dataset>/rejects/ingest-<i>.parquet
"""


rule ingest:
    """Read the files of one shard into songs."""
    input:
        collections=fetched(
            *(one["path"] for one in SOURCES_READ),
            config["source"]["lmd_lyrics"]["word_model"],
        ),
    output:
        songs=read_once(f"{MUSIC}/ingest/songs-{{shard}}.parquet"),
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
        code=stage_code("ingest", *SONG_READERS),
    shell:
        r"""
        python -m ugaar ingest \
            --settings {params.settings:q} \
            --shard {wildcards.shard} \
            --songs-out {output.songs:q} \
            --rejects-out {output.rejects:q} \
            >{log:q} 2>&1
        """
