"""From windows to sound and sheet music, one external process a shard.

Inputs: results/<dataset>/windows.parquet
Outputs: results/<dataset>/{audio,sheet}/shard-<i>.parquet
"""


# The encoder's training is the longest job and needs all clips and strips, so these go first.
rule render_audio:
    """Synthesise the windows of one shard with TiMidity++."""
    input:
        windows=f"{MUSIC}/windows.parquet",
    output:
        audio=f"{MUSIC}/audio/shard-{{shard}}.parquet",
        rejects=f"{MUSIC}/rejects/render_audio-{{shard}}.parquet",
    log:
        f"logs/{DATASET}/render_audio/{{shard}}.log",
    benchmark:
        f"{MUSIC}/benchmarks/render_audio/{{shard}}.tsv"
    priority: 10
    conda:
        "../../envs/render.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=stage_settings("render-audio"),
        code=stage_code("render-audio"),
    shell:
        r"""
        python -m ugaar render-audio \
            --settings {params.settings:q} \
            --windows {input.windows:q} \
            --shard {wildcards.shard} \
            --out {output.audio:q} \
            --rejects-out {output.rejects:q} \
            >{log:q} 2>&1
        """


rule render_sheet:
    """Engrave the windows of one shard with the chosen engraver."""
    input:
        windows=f"{MUSIC}/windows.parquet",
    output:
        sheet=f"{MUSIC}/sheet/shard-{{shard}}.parquet",
        rejects=f"{MUSIC}/rejects/render_sheet-{{shard}}.parquet",
    log:
        f"logs/{DATASET}/render_sheet/{{shard}}.log",
    benchmark:
        f"{MUSIC}/benchmarks/render_sheet/{{shard}}.tsv"
    priority: 10
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
            --windows {input.windows:q} \
            --shard {wildcards.shard} \
            --out {output.sheet:q} \
            --rejects-out {output.rejects:q} \
            >{log:q} 2>&1
        """
