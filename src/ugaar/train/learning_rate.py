"""Learning rates that follow from the step alone, so that a resumed training needs no state."""

import math


def cosine_rate(start: float, step: int, steps: int) -> float:
    """Return the learning rate of a step, from 1, that falls along a cosine to zero.

    Args:
        start: rate of the first step.
        step: the step.
        steps: steps of the training.
    """
    return start * 0.5 * (1.0 + math.cos(math.pi * (step - 1) / steps))
