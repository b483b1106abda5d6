"""From snippets to trained audio-sheet systems, their ranks, tables and figures.

Inputs: results/<dataset>/{pieces,snippets}.parquet, results/<dataset>/{strips,spectrograms}/
Outputs: results/<dataset>/systems/<system>/seed-<seed>/{model.pt,history.parquet,codes.parquet},
         results/<dataset>/{system_ranks,system_metrics,identification,twins}.parquet,
         results/<dataset>/tables/*.{csv,md,tex,html}, results/<dataset>/figures/*.{png,svg}
"""


rule train_system:
    """Train one system with one seed; a killed job goes on from its checkpoint."""
    input:
        snippets=f"{DATA}/snippets.parquet",
        strips=f"{DATA}/strips/plain.npy",
        spectrograms=training_spectrograms,
        valid=validation_spectrograms,
    output:
        model=f"{DATA}/systems/{{system}}/seed-{{seed}}/model.pt",
        history=f"{DATA}/systems/{{system}}/seed-{{seed}}/history.parquet",
    log:
        f"logs/{DATASET}/train_system/{{system}}-{{seed}}.log",
    benchmark:
        f"{DATA}/benchmarks/train_system/{{system}}-{{seed}}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: system_threads
    resources:
        mem_mb=4000,
        runtime=600,
        gpu=gpu_count,
    params:
        settings=system_settings,
        code=system_code,
        checkpoint=f"{DATA}/checkpoints/train_system-{{system}}-{{seed}}.pt",
    shell:
        r"""
        python -m ugaar train-system \
            --settings {params.settings:q} \
            --system {wildcards.system} \
            --seed {wildcards.seed} \
            --snippets {input.snippets:q} \
            --strips {input.strips:q} \
            --spectrograms {input.spectrograms:q} \
            --valid-spectrograms {input.valid:q} \
            --checkpoint {params.checkpoint:q} \
            --out {output.model:q} \
            --history-out {output.history:q} \
            >{log:q} 2>&1
        """


rule embed_system:
    """Encode the test snippets under every condition."""
    input:
        model=f"{DATA}/systems/{{system}}/seed-{{seed}}/model.pt",
        snippets=f"{DATA}/snippets.parquet",
        strips=f"{DATA}/strips/plain.npy",
        spectrograms=condition_spectrograms,
    output:
        f"{DATA}/systems/{{system}}/seed-{{seed}}/codes.parquet",
    log:
        f"logs/{DATASET}/embed_system/{{system}}-{{seed}}.log",
    benchmark:
        f"{DATA}/benchmarks/embed_system/{{system}}-{{seed}}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: system_threads
    resources:
        mem_mb=2000,
        runtime=120,
        gpu=gpu_count,
    params:
        settings=stage_settings("embed-system"),
        code=stage_code("embed-system"),
        spectrograms=spectrogram_folder,
    shell:
        r"""
        python -m ugaar embed-system \
            --settings {params.settings:q} \
            --model {input.model:q} \
            --snippets {input.snippets:q} \
            --strips {input.strips:q} \
            --spectrograms {params.spectrograms:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule evaluate_system:
    """Rank the test snippets for every seed of one system under every condition."""
    input:
        codes=codes_of_system,
        snippets=f"{DATA}/snippets.parquet",
    output:
        temp(f"{DATA}/evaluate_system/{{system}}.parquet"),
    log:
        f"logs/{DATASET}/evaluate_system/{{system}}.log",
    benchmark:
        f"{DATA}/benchmarks/evaluate_system/{{system}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("evaluate-system"),
        code=stage_code("evaluate-system"),
        conditions=list(CONDITIONS),
    shell:
        r"""
        python -m ugaar evaluate-system \
            --settings {params.settings:q} \
            --system {wildcards.system} \
            --codes {input.codes:q} \
            --snippets {input.snippets:q} \
            --conditions {params.conditions} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule system_metrics:
    """Summarise the ranks of all systems with intervals, exact chance and ceilings."""
    input:
        ranks=expand(
            "{data}/evaluate_system/{system}.parquet", data=DATA, system=SYSTEMS
        ),
        snippets=f"{DATA}/snippets.parquet",
        strips=f"{DATA}/strips/plain.npy",
        strips_index=f"{DATA}/strips/plain.parquet",
    output:
        ranks=f"{DATA}/system_ranks.parquet",
        metrics=f"{DATA}/system_metrics.parquet",
    log:
        f"logs/{DATASET}/system_metrics.log",
    benchmark:
        f"{DATA}/benchmarks/system_metrics.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("system-metrics"),
        code=stage_code("system-metrics"),
    shell:
        r"""
        python -m ugaar system-metrics \
            --settings {params.settings:q} \
            --ranks {input.ranks:q} \
            --snippets {input.snippets:q} \
            --strips {input.strips:q} \
            --strips-index {input.strips_index:q} \
            --ranks-out {output.ranks:q} \
            --out {output.metrics:q} \
            >{log:q} 2>&1
        """


rule identify:
    """Find each test piece by the votes of its snippets, and the place in it."""
    input:
        codes=codes_of_system,
        snippets=f"{DATA}/snippets.parquet",
    output:
        f"{DATA}/identify/{{system}}.parquet",
    log:
        f"logs/{DATASET}/identify/{{system}}.log",
    benchmark:
        f"{DATA}/benchmarks/identify/{{system}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("identify"),
        code=stage_code("identify"),
        condition=list(CONDITIONS)[0],
    shell:
        r"""
        python -m ugaar identify \
            --settings {params.settings:q} \
            --system {wildcards.system} \
            --codes {input.codes:q} \
            --snippets {input.snippets:q} \
            --condition {params.condition} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule twins:
    """Count exact twins among the snippets, with repeats kept and cut: what caps R@1."""
    input:
        unpack(pieces_inputs),
        split=f"{DATA}/piece_split.parquet",
    output:
        f"{DATA}/twins.parquet",
    log:
        f"logs/{DATASET}/twins.log",
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("twins"),
        code=stage_code("twins"),
        options=twins_options,
    shell:
        r"""
        python -m ugaar twins \
            --settings {params.settings:q} \
            {params.options} \
            --split {input.split:q} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule system_tables:
    """Write each paper's table with ours beside it, tolerance, robustness and identification."""
    input:
        metrics=f"{DATA}/system_metrics.parquet",
        identification=expand(
            "{data}/identify/{system}.parquet", data=DATA, system=SYSTEMS
        ),
    output:
        files=expand(
            "{data}/tables/{table}.{suffix}",
            data=DATA,
            table=TABLES_OF_SYSTEMS,
            suffix=["csv", "md", "tex"],
        ),
        html=report(
            expand("{data}/tables/{table}.html", data=DATA, table=TABLES_OF_SYSTEMS),
            caption="../report/system_tables.rst",
            category="Tables",
        ),
    log:
        f"logs/{DATASET}/system_tables.log",
    conda:
        "../../envs/core.yaml"
    params:
        settings=stage_settings("system-tables"),
        code=stage_code("system-tables"),
        folder=output_folder,
    shell:
        r"""
        python -m ugaar system-tables \
            --settings {params.settings:q} \
            --metrics {input.metrics:q} \
            --identification {input.identification:q} \
            --out-dir {params.folder:q} \
            >{log:q} 2>&1
        """


rule system_figures:
    """Draw one figure of all systems."""
    input:
        unpack(system_figure_inputs),
    output:
        png=report(
            f"{DATA}/figures/{{system_figure}}.png",
            caption="../report/system_figures.rst",
            category="Figures",
            labels={"figure": "{system_figure}"},
        ),
        svg=f"{DATA}/figures/{{system_figure}}.svg",
    log:
        f"logs/{DATASET}/system_figures/{{system_figure}}.log",
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("system-figures"),
        code=stage_code("system-figures"),
        options=named_options,
        folder=output_folder,
    shell:
        r"""
        python -m ugaar system-figures \
            --settings {params.settings:q} \
            --which {wildcards.system_figure} \
            {params.options} \
            --out-dir {params.folder:q} \
            >{log:q} 2>&1
        """


rule system_examples:
    """Show test queries of one system with their best answers, the right one marked."""
    input:
        unpack(example_inputs),
    output:
        png=report(
            f"{DATA}/figures/{{system}}/examples.png",
            caption="../report/system_examples.rst",
            category="Examples",
            labels={"system": "{system}"},
        ),
        svg=f"{DATA}/figures/{{system}}/examples.svg",
    log:
        f"logs/{DATASET}/system_examples/{{system}}.log",
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("system-figures"),
        code=stage_code("system-figures"),
        options=named_options,
        front_end=lambda wildcards: front_end(wildcards.system),
        folder=output_folder,
    shell:
        r"""
        python -m ugaar system-figures \
            --settings {params.settings:q} \
            --which examples \
            --front-end {params.front_end} \
            {params.options} \
            --out-dir {params.folder:q} \
            >{log:q} 2>&1
        """
