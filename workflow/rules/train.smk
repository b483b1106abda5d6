"""From feature tables to embeddings: the ground truth and one job a method and seed.

Inputs: results/<dataset>/windows.parquet, results/<dataset>/<split>/{split,features/*}.parquet
Outputs: results/<dataset>/<split>/ground_truth.parquet,
         results/<dataset>/<split>/train/<method>/seed-<seed>/{model.pt,embeddings,history}
"""


rule ground_truth:
    """Find the nearest neighbours of each training window in the CCA space of audio and sheet."""
    input:
        windows=f"{MUSIC}/windows.parquet",
        split=f"{HERE}/split.parquet",
        audio=f"{HERE}/features/audio.parquet",
        sheet=f"{HERE}/features/sheet.parquet",
    output:
        f"{HERE}/ground_truth.parquet",
    log:
        f"logs/{DATASET}/{{split}}/ground_truth.log",
    benchmark:
        f"{HERE}/benchmarks/ground_truth.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("ground-truth"),
        code=stage_code("ground-truth"),
    shell:
        r"""
        python -m ugaar ground-truth \
            --settings {params.settings:q} \
            --split {input.split:q} \
            --audio {input.audio:q} \
            --sheet {input.sheet:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule train:
    """Train one method with one seed and embed the validation and test windows."""
    input:
        unpack(train_inputs),
    output:
        model=f"{HERE}/train/{{method}}/seed-{{seed}}/model.pt",
        embeddings=f"{HERE}/train/{{method}}/seed-{{seed}}/embeddings.parquet",
        history=f"{HERE}/train/{{method}}/seed-{{seed}}/history.parquet",
    log:
        f"logs/{DATASET}/{{split}}/train/{{method}}-{{seed}}.log",
    benchmark:
        f"{HERE}/benchmarks/train/{{method}}-{{seed}}.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=2000,
        runtime=120,
        gpu=gpu_count,
    params:
        settings=stage_settings("train"),
        code=stage_code("train"),
        options=train_options,
        checkpoint=f"{HERE}/checkpoints/train-{{method}}-{{seed}}.pt",
    shell:
        r"""
        python -m ugaar train \
            --settings {params.settings:q} \
            --method {wildcards.method} \
            --seed {wildcards.seed} \
            --windows {input.windows:q} \
            --split {input.split:q} \
            --audio {input.audio:q} \
            --sheet {input.sheet:q} \
            --lyrics {input.lyrics:q} \
            {params.options} \
            --checkpoint {params.checkpoint:q} \
            --model-out {output.model:q} \
            --embeddings-out {output.embeddings:q} \
            --history-out {output.history:q} \
            >{log:q} 2>&1
        """
