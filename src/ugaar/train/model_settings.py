"""The `model` section of the configuration as a typed value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSettings:
    """Settings of the trained methods; config.yaml explains each key and its source."""

    dimensions: int
    batch_size: int
    margin: float
    distance_unit: float
    input_norm: str
    negatives: str
    exclude_identical: bool
    weight_decay: float
    gradient_clip: float
    learning_rate: float
    epochs: int
    patience: int
    rounds: int
    discriminator_epochs: int
    generator_epochs: int
    discriminator_learning_rate: float
    generator_learning_rate: float
    generator_start: str
    truth_pairs: str
    queries: str
    game_weight: float
    discriminator_loss: str
    candidates: str
    draws: int
    temperature: float
    reward: str
    reward_baseline: bool
    kl_weight: float
    kl_teacher_gradient: bool
    use_lyrics_pairs: bool
    test_network: str
