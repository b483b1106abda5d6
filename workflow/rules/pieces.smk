"""From tunes to whole pieces as strip and sound, checked against each other and cut into snippets.

Inputs: the folder named by source.path, the music21 package, or songs of the other sources.
Outputs: results/<dataset>/{pieces,piece_split,alignment,snippets,rejects}.parquet,
         results/<dataset>/sheet/shard-<i>.parquet, results/<dataset>/audio/<rendition>/shard-<i>.parquet,
         results/<dataset>/strips/plain.{npy,parquet},
         results/<dataset>/spectrograms/<front end>/<sound>.{npy,parquet}
"""


rule ingest_pieces:
    """Read the tunes of one shard into pieces."""
    input:
        collections=fetched(*(one["path"] for one in SOURCES_READ)),
    output:
        pieces=read_once(f"{DATA}/ingest/pieces-{{shard}}.parquet"),
        rejects=f"{DATA}/rejects/ingest_pieces-{{shard}}.parquet",
    log:
        f"logs/{DATASET}/ingest_pieces/{{shard}}.log",
    benchmark:
        f"{DATA}/benchmarks/ingest_pieces/{{shard}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        settings=stage_settings("ingest-pieces"),
        code=stage_code("ingest-pieces", *PIECE_READERS),
    shell:
        r"""
        python -m ugaar ingest-pieces \
            --settings {params.settings:q} \
            --shard {wildcards.shard} \
            --pieces-out {output.pieces:q} \
            --rejects-out {output.rejects:q} \
            >{log:q} 2>&1
        """


rule pieces:
    """Join the pieces, cut repeats and drop duplicates."""
    input:
        unpack(pieces_inputs),
    output:
        pieces=f"{DATA}/pieces.parquet",
        rejects=f"{DATA}/rejects/pieces.parquet",
    log:
        f"logs/{DATASET}/pieces.log",
    benchmark:
        f"{DATA}/benchmarks/pieces.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=stage_settings("pieces"),
        code=stage_code("pieces"),
        options=pieces_options,
    shell:
        r"""
        python -m ugaar pieces \
            --settings {params.settings:q} \
            {params.options} \
            --out {output.pieces:q} \
            --rejects-out {output.rejects:q} \
            >{log:q} 2>&1
        """


rule split_pieces:
    """Build duplicate groups of pieces and draw the folds."""
    input:
        f"{DATA}/pieces.parquet",
    output:
        f"{DATA}/piece_split.parquet",
    log:
        f"logs/{DATASET}/split_pieces.log",
    benchmark:
        f"{DATA}/benchmarks/split_pieces.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        settings=stage_settings("split-pieces"),
        code=stage_code("split-pieces"),
    shell:
        r"""
        python -m ugaar split-pieces \
            --settings {params.settings:q} \
            --pieces {input:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule render_piece_sheet:
    """Engrave the pieces of one shard, each as one strip."""
    input:
        pieces=f"{DATA}/pieces.parquet",
    output:
        sheet=f"{DATA}/sheet/shard-{{shard}}.parquet",
        rejects=f"{DATA}/rejects/render_sheet-{{shard}}.parquet",
    log:
        f"logs/{DATASET}/render_sheet/{{shard}}.log",
    benchmark:
        f"{DATA}/benchmarks/render_sheet/{{shard}}.tsv"
    conda:
        "../../envs/render.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=stage_settings("render-sheet"),
        code=stage_code("render-sheet", RENDERERS[config["sheet"]["renderer"]]),
    shell:
        r"""
        python -m ugaar render-sheet \
            --settings {params.settings:q} \
            --pieces {input.pieces:q} \
            --shard {wildcards.shard} \
            --out {output.sheet:q} \
            --rejects-out {output.rejects:q} \
            >{log:q} 2>&1
        """


rule render_piece_audio:
    """Synthesise the pieces of one shard in one rendition."""
    input:
        pieces=f"{DATA}/pieces.parquet",
        split=f"{DATA}/piece_split.parquet",
    output:
        audio=f"{DATA}/audio/{{rendition}}/shard-{{shard}}.parquet",
        rejects=f"{DATA}/rejects/render_audio-{{rendition}}-{{shard}}.parquet",
    log:
        f"logs/{DATASET}/render_audio/{{rendition}}-{{shard}}.log",
    benchmark:
        f"{DATA}/benchmarks/render_audio/{{rendition}}-{{shard}}.tsv"
    conda:
        "../../envs/render.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=rendition_settings,
        code=stage_code("render-audio"),
        folds=rendition_folds,
    shell:
        r"""
        python -m ugaar render-audio \
            --settings {params.settings:q} \
            --pieces {input.pieces:q} \
            --split {input.split:q} \
            --folds {params.folds} \
            --rendition {wildcards.rendition} \
            --shard {wildcards.shard} \
            --out {output.audio:q} \
            --rejects-out {output.rejects:q} \
            >{log:q} 2>&1
        """


rule align:
    """Check strip against sound, piece by piece, and list the snippets."""
    input:
        pieces=f"{DATA}/pieces.parquet",
        split=f"{DATA}/piece_split.parquet",
        sheet=expand("{data}/sheet/shard-{shard}.parquet", data=DATA, shard=SHARDS),
        audio=expand(
            "{data}/audio/{rendition}/shard-{shard}.parquet",
            data=DATA,
            rendition=AUDIO_SHEET["valid"],
            shard=SHARDS,
        ),
    output:
        alignment=f"{DATA}/alignment.parquet",
        snippets=f"{DATA}/snippets.parquet",
        rejects=f"{DATA}/rejects/align.parquet",
    log:
        f"logs/{DATASET}/align.log",
    benchmark:
        f"{DATA}/benchmarks/align.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=stage_settings("align"),
        code=stage_code("align"),
        sheet=sheet_folder,
        audio=audio_folder,
    shell:
        r"""
        python -m ugaar align \
            --settings {params.settings:q} \
            --pieces {input.pieces:q} \
            --split {input.split:q} \
            --sheet {params.sheet:q} \
            --audio {params.audio:q} \
            --out {output.alignment:q} \
            --snippets-out {output.snippets:q} \
            --rejects-out {output.rejects:q} \
            >{log:q} 2>&1
        """


rule store_strips:
    """Join the strips at half resolution into one file that training maps into memory."""
    input:
        pieces=f"{DATA}/pieces.parquet",
        sheet=expand("{data}/sheet/shard-{shard}.parquet", data=DATA, shard=SHARDS),
    output:
        strips=f"{DATA}/strips/plain.npy",
        index=f"{DATA}/strips/plain.parquet",
    log:
        f"logs/{DATASET}/store_strips.log",
    benchmark:
        f"{DATA}/benchmarks/store_strips.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        settings=stage_settings("store-strips"),
        code=stage_code("store-strips"),
        sheet=sheet_folder,
    shell:
        r"""
        python -m ugaar store-strips \
            --settings {params.settings:q} \
            --pieces {input.pieces:q} \
            --sheet {params.sheet:q} \
            --out {output.strips:q} \
            --index-out {output.index:q} \
            >{log:q} 2>&1
        """


rule store_spectrograms:
    """Turn one sound of the pieces into spectrograms that training maps into memory."""
    input:
        pieces=f"{DATA}/pieces.parquet",
        split=f"{DATA}/piece_split.parquet",
        audio=sound_shards,
    output:
        spectrograms=f"{DATA}/spectrograms/{{front_end}}/{{sound}}.npy",
        index=f"{DATA}/spectrograms/{{front_end}}/{{sound}}.parquet",
    log:
        f"logs/{DATASET}/store_spectrograms/{{front_end}}-{{sound}}.log",
    benchmark:
        f"{DATA}/benchmarks/store_spectrograms/{{front_end}}-{{sound}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        settings=stage_settings("store-spectrograms"),
        code=stage_code("store-spectrograms"),
        audio=audio_folder,
        options=sound_options,
    shell:
        r"""
        python -m ugaar store-spectrograms \
            --settings {params.settings:q} \
            --pieces {input.pieces:q} \
            --split {input.split:q} \
            --audio {params.audio:q} \
            --front-end {wildcards.front_end} \
            {params.options} \
            --out {output.spectrograms:q} \
            --index-out {output.index:q} \
            >{log:q} 2>&1
        """


rule piece_rejects:
    """Join the rejects of all stages."""
    input:
        pieces=f"{DATA}/pieces.parquet",
        rejects=piece_reject_parts,
    output:
        f"{DATA}/rejects.parquet",
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
            --pieces {input.pieces:q} \
            --rejects {input.rejects:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """
