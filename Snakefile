"""From lyric-bearing music to the tables of UGAAR (arXiv 2007.14856): `snakemake --cores 8`."""

from snakemake.utils import min_version

min_version("9.19")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/render.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


rule all:
    """Everything: tables, figures, the resolved configuration and every intermediate table."""
    default_target: True
    input:
        final_targets(),


rule data:
    """Songs, windows, audio clips and sheet strips, without any feature or training."""
    input:
        data_targets(),


rule features:
    """Every feature table, without retrieval methods."""
    input:
        feature_targets(),
