"""Figures with captions; `snakemake --report` gathers them and the tables into one file.

Inputs: results/<dataset>/<split>/{ranks,metrics,funnel,ground_truth,split}.parquet, media, histories
Outputs: results/<dataset>/<split>/figures/<figure>.{png,svg}
"""


rule figures:
    """Draw one figure."""
    input:
        unpack(figure_inputs),
    output:
        png=report(
            f"{HERE}/figures/{{figure}}.png",
            caption="../report/figures.rst",
            category="Figures",
            labels={"figure": "{figure} ({split})"},
        ),
        svg=f"{HERE}/figures/{{figure}}.svg",
    log:
        f"logs/{DATASET}/{{split}}/figures/{{figure}}.log",
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=2000,
    params:
        settings=stage_settings("figures"),
        code=stage_code("figures"),
        options=figure_options,
        folder=output_folder,
    shell:
        r"""
        python -m ugaar figures \
            --settings {params.settings:q} \
            --which {wildcards.figure} \
            {params.options} \
            --out-dir {params.folder:q} \
            >{log:q} 2>&1
        """
