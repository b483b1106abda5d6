"""From music to tables: the experiment of UGAAR (arXiv 2007.14856) and the systems around it.

`snakemake --cores 8` runs the task that the configuration names.
"""

from snakemake.utils import min_version

min_version("9.19")


configfile: "config.yaml"


report: f"workflow/report/{config['task']}.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/fetch.smk"


if config["task"] == "three-modalities":

    include: "workflow/rules/inputs.smk"
    include: "workflow/rules/targets.smk"
    include: "workflow/rules/ingest.smk"
    include: "workflow/rules/windows.smk"
    include: "workflow/rules/render.smk"
    include: "workflow/rules/features.smk"
    include: "workflow/rules/train.smk"
    include: "workflow/rules/evaluate.smk"
    include: "workflow/rules/report.smk"

elif config["task"] == "audio-sheet":

    include: "workflow/rules/snippet_inputs.smk"
    include: "workflow/rules/snippet_targets.smk"
    include: "workflow/rules/ingest.smk"
    include: "workflow/rules/pieces.smk"
    include: "workflow/rules/systems.smk"

else:

    include: "workflow/rules/versions_targets.smk"
    include: "workflow/rules/versions.smk"


rule all:
    """Everything: tables, figures, the resolved configuration and every intermediate table."""
    default_target: True
    input:
        final_targets(),


rule data:
    """What is trained on and tested with, without any feature or training."""
    input:
        data_targets(),


rule features:
    """Every table that training reads, without any retrieval method."""
    input:
        feature_targets(),
