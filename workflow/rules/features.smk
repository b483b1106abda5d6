"""From sound, strips and lyrics to feature tables.

Inputs: results/<dataset>/windows.parquet, results/<dataset>/<split>/split.parquet,
        results/<dataset>/{audio,sheet}/shard-<i>.parquet
Outputs: results/<dataset>/features/{audio,sheet}-parts/<encoder>-<shard>.parquet; a trained encoder
         and its parts lie in the folder of its split;
         results/<dataset>/<split>/encoder/encoder.pt,
         results/<dataset>/<split>/features/{audio,audio_frames,audio_<encoder>,sheet,lyrics}.parquet
"""


rule train_encoder:
    """Train the audio-sheet encoder on aligned snippets of the training fold."""
    input:
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
    output:
        weights=f"{HERE}/encoder/encoder.pt",
        history=f"{HERE}/encoder/history.parquet",
    log:
        f"logs/{DATASET}/{{split}}/train_encoder.log",
    benchmark:
        f"{HERE}/benchmarks/train_encoder.tsv"
    priority: 10
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=2000,
        runtime=240,
        gpu=gpu_count,
    params:
        settings=stage_settings("train-encoder"),
        code=stage_code("train-encoder"),
        audio=audio_folder,
        sheet=sheet_folder,
        checkpoint=f"{HERE}/checkpoints/train_encoder.pt",
    shell:
        r"""
        python -m ugaar train-encoder \
            --settings {params.settings:q} \
            --windows {input.windows:q} \
            --split {input.split:q} \
            --audio {params.audio:q} \
            --sheet {params.sheet:q} \
            --checkpoint {params.checkpoint:q} \
            --out {output.weights:q} \
            --history-out {output.history:q} \
            >{log:q} 2>&1
        """


rule load_encoder:
    """Convert the released parameters of the audio-sheet encoder."""
    input:
        released=released_encoder,
    output:
        weights=f"{DATA}/encoder/encoder.pt",
        history=temp(f"{DATA}/encoder/encoder_history.parquet"),
    log:
        f"logs/{DATASET}/load_encoder.log",
    conda:
        "../../envs/torch.yaml"
    params:
        settings=stage_settings("train-encoder"),
        code=stage_code("train-encoder"),
    shell:
        r"""
        python -m ugaar train-encoder \
            --settings {params.settings:q} \
            --out {output.weights:q} \
            --history-out {output.history:q} \
            >{log:q} 2>&1
        """


rule untrained_encoder:
    """Draw the random weights of the control that shows what training adds."""
    output:
        weights=f"{DATA}/encoder/untrained.pt",
        history=temp(f"{DATA}/encoder/untrained_history.parquet"),
    log:
        f"logs/{DATASET}/untrained_encoder.log",
    conda:
        "../../envs/torch.yaml"
    params:
        settings=stage_settings("train-encoder"),
        code=stage_code("train-encoder"),
    shell:
        r"""
        python -m ugaar train-encoder \
            --settings {params.settings:q} \
            --untrained \
            --out {output.weights:q} \
            --history-out {output.history:q} \
            >{log:q} 2>&1
        """


rule features_audio:
    """Encode the clips of one shard with one encoder; every run on this music uses its output."""
    input:
        audio=f"{MUSIC}/audio/shard-{{shard}}.parquet",
        weights=encoder_weights,
        companions=encoder_companions,
    output:
        f"{MUSIC}/features/audio-parts/{{encoder,musicnn|vggish}}-{{shard}}.parquet",
    log:
        f"logs/{DATASET}/features_audio/{{encoder}}-{{shard}}.log",
    benchmark:
        f"{DATA}/benchmarks/features_audio/{{encoder}}-{{shard}}.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=encoder_settings,
        code=encoder_code,
    shell:
        r"""
        python -m ugaar features-audio \
            --settings {params.settings:q} \
            --encoder {wildcards.encoder} \
            --audio {input.audio:q} \
            --weights {input.weights:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


use rule features_audio as features_audio_released with:
    output:
        f"{DATA}/features/audio-parts/{{encoder,asmcmr|untrained}}-{{shard}}.parquet",


use rule features_audio as features_audio_trained with:
    output:
        temp(f"{HERE}/features/audio-parts/{{encoder}}-{{shard}}.parquet"),
    log:
        f"logs/{DATASET}/{{split}}/features_audio/{{encoder}}-{{shard}}.log",
    benchmark:
        f"{HERE}/benchmarks/features_audio/{{encoder}}-{{shard}}.tsv"


rule merge_audio:
    """Join the audio features of the configured encoder, and take means."""
    input:
        parts=audio_parts(AUDIO_ENCODERS[0]),
        windows=f"{MUSIC}/windows.parquet",
        split=f"{HERE}/split.parquet",
    output:
        means=f"{HERE}/features/audio.parquet",
        frames=f"{HERE}/features/audio_frames.parquet",
    log:
        f"logs/{DATASET}/{{split}}/merge_audio.log",
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("merge-audio"),
        code=stage_code("merge-audio"),
    shell:
        r"""
        python -m ugaar merge-audio \
            --settings {params.settings:q} \
            --parts {input.parts:q} \
            --windows {input.windows:q} \
            --split {input.split:q} \
            --out {output.means:q} \
            --frames-out {output.frames:q} \
            >{log:q} 2>&1
        """


rule merge_audio_also:
    """Join the audio features of an encoder that is run beside the configured one."""
    input:
        parts=lambda wildcards: audio_parts(wildcards.encoder),
        windows=f"{MUSIC}/windows.parquet",
        split=f"{HERE}/split.parquet",
    output:
        f"{HERE}/features/audio_{{encoder}}.parquet",
    log:
        f"logs/{DATASET}/{{split}}/merge_audio_also/{{encoder}}.log",
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("merge-audio"),
        code=stage_code("merge-audio"),
    shell:
        r"""
        python -m ugaar merge-audio \
            --settings {params.settings:q} \
            --parts {input.parts:q} \
            --windows {input.windows:q} \
            --split {input.split:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule features_sheet:
    """Encode the strips of one shard with the trained (or the untrained) encoder."""
    input:
        sheet=f"{MUSIC}/sheet/shard-{{shard}}.parquet",
        weights=sheet_weights,
    output:
        f"{DATA}/features/sheet-parts/{{sheet_encoder}}-{{shard}}.parquet",
    log:
        f"logs/{DATASET}/features_sheet/{{sheet_encoder}}-{{shard}}.log",
    benchmark:
        f"{DATA}/benchmarks/features_sheet/{{sheet_encoder}}-{{shard}}.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=stage_settings("features-sheet"),
        code=stage_code("features-sheet"),
    shell:
        r"""
        python -m ugaar features-sheet \
            --settings {params.settings:q} \
            --sheet {input.sheet:q} \
            --weights {input.weights:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


use rule features_sheet as features_sheet_trained with:
    output:
        temp(f"{HERE}/features/sheet-parts/{{sheet_encoder}}-{{shard}}.parquet"),
    log:
        f"logs/{DATASET}/{{split}}/features_sheet/{{sheet_encoder}}-{{shard}}.log",
    benchmark:
        f"{HERE}/benchmarks/features_sheet/{{sheet_encoder}}-{{shard}}.tsv"


rule merge_sheet:
    """Join the sheet features, and take means."""
    input:
        parts=sheet_parts,
        windows=f"{MUSIC}/windows.parquet",
        split=f"{HERE}/split.parquet",
    output:
        f"{HERE}/features/{{sheet_encoder}}.parquet",
    log:
        f"logs/{DATASET}/{{split}}/merge_sheet/{{sheet_encoder}}.log",
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("merge-sheet"),
        code=stage_code("merge-sheet"),
    shell:
        r"""
        python -m ugaar merge-sheet \
            --settings {params.settings:q} \
            --parts {input.parts:q} \
            --windows {input.windows:q} \
            --split {input.split:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule features_lyrics:
    """Train the skip-gram models on the training fold, or load them, and encode the lyrics."""
    input:
        models=lambda wildcards: (
            fetched(
                config["features"]["lyrics"]["syllable_model"],
                config["features"]["lyrics"]["word_model"],
            )
        ),
        windows=f"{MUSIC}/windows.parquet",
        split=f"{HERE}/split.parquet",
    output:
        features=f"{HERE}/features/lyrics.parquet",
        model=f"{HERE}/encoder/skipgram.parquet",
    log:
        f"logs/{DATASET}/{{split}}/features_lyrics.log",
    benchmark:
        f"{HERE}/benchmarks/features_lyrics.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        settings=stage_settings("features-lyrics"),
        code=stage_code("features-lyrics"),
    shell:
        r"""
        python -m ugaar features-lyrics \
            --settings {params.settings:q} \
            --windows {input.windows:q} \
            --split {input.split:q} \
            --out {output.features:q} \
            --model-out {output.model:q} \
            >{log:q} 2>&1
        """
