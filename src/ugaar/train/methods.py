"""Every retrieval method of the comparison, by name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ugaar.errors import DataError
from ugaar.models.projection import Projection
from ugaar.tables import MODALITIES
from ugaar.train.adversarial import AdversarialTraining
from ugaar.train.apply import COMMON_SPACE, Spaces, project_network, project_pairs
from ugaar.train.checkpoint import Checkpoint
from ugaar.train.dataset import Features
from ugaar.train.discriminative import CPU, DiscriminativeTraining
from ugaar.train.history import HistoryRow
from ugaar.train.linear import fit_cca_pairs, random_points
from ugaar.train.loop import Outcome, Trainee, epoch_generator, run_training
from ugaar.train.model_settings import ModelSettings
from ugaar.train.normalise import Normaliser
from ugaar.train.training_set import TrainingSet, ValidationSet


@dataclass(frozen=True)
class Job:
    """All that one training needs.

    Attributes:
        method: name of the method.
        seed: training seed.
        features: windows of all folds.
        model: settings of the trained methods.
        ridges: relative ridges that CCA tries.
        components: principal components kept before CCA; None keeps all.
        device: where networks are trained.
        checkpoint_path: file outside the outputs from which a killed job resumes, or None.
        baseline: content of the Baseline's model file of the same seed, where needed.
        neighbours: (n, k) rows of the training fold that count as true for each, where needed.
        checkpoint_interval_s: least time between two checkpoints, seconds.
    """

    method: str
    seed: int
    features: Features
    model: ModelSettings
    ridges: list[float]
    components: int | None
    device: torch.device = CPU
    checkpoint_path: str | None = None
    baseline: dict[str, Any] | None = None
    neighbours: NDArray[np.intp] | None = None
    checkpoint_interval_s: float = 5.0


@dataclass
class Result:
    """What one training gives.

    Attributes:
        evaluated: the embedded windows (validation and test folds).
        spaces: space -> modality -> (n, d) float32 embeddings of `evaluated`.
        similarity: cosine or euclidean.
        model: content of the model file: tensors and plain values.
        history: what was logged.
    """

    evaluated: Features
    spaces: Spaces
    similarity: str
    model: dict[str, Any]
    history: list[HistoryRow] = field(default_factory=list)


def run_method(job: Job) -> Result:
    """Train the job's method and embed the validation and test windows.

    Raises:
        DataError: the method is unknown, an input it needs is missing, or the training failed.
    """
    if job.method not in METHODS:
        raise DataError(f"method {job.method!r} is not known; choose from {', '.join(METHODS)}")
    result = METHODS[job.method](job)
    result.model.update(method=job.method, seed=job.seed)
    return result


def _run_random(job: Job) -> Result:
    evaluated = job.features.take("valid", "test")
    points = random_points(evaluated.content, job.model.dimensions, job.seed)
    return Result(evaluated, {COMMON_SPACE: points}, "cosine", {})


def _run_cca(job: Job) -> Result:
    train, valid = job.features.take("train"), job.features.take("valid")
    evaluated = job.features.take("valid", "test")
    pairs, history = fit_cca_pairs(train, valid, job.ridges, job.components)
    model: dict[str, Any] = {}
    for pair in pairs:
        arrays = vars(pair.analysis)
        model[pair.space] = {name: torch.from_numpy(value) for name, value in arrays.items()}
        model[pair.space]["ridge"] = pair.ridge
    return Result(evaluated, project_pairs(pairs, evaluated), "cosine", model, history)


def _run_baseline(job: Job) -> Result:
    session = _Session(job)
    network = session.new_network("discriminator")
    training = DiscriminativeTraining(
        network, session.train, session.valid, job.model, job.seed, "baseline",
        job.model.learning_rate,
    )  # fmt: skip
    outcome = run_training(
        training, "baseline", job.model.epochs, job.model.patience, session.checkpoint()
    )
    return session.result(outcome)


def _run_baseline_longer(job: Job) -> Result:
    """Train the Baseline on for as long as D is trained in the game: more training, no game."""
    session = _Session(job)
    network = session.baseline_network()
    training = DiscriminativeTraining(
        network, session.train, session.valid, job.model, job.seed, job.method,
        job.model.discriminator_learning_rate, job.model.discriminator_epochs,
    )  # fmt: skip
    return session.result(session.play(training))


def _run_baseline_gan(job: Job) -> Result:
    session = _Session(job)
    own = np.arange(len(session.train))[:, None]
    return session.result(session.play(session.game(own, kl_weight=0.0)))


def _run_ugaar(job: Job) -> Result:
    if job.neighbours is None:
        raise DataError("method ugaar needs the ground truth; give --ground-truth")
    session = _Session(job)
    kl_weight = job.model.kl_weight if job.model.use_lyrics_pairs else 0.0
    return session.result(session.play(session.game(job.neighbours, kl_weight)))


METHODS: dict[str, Callable[[Job], Result]] = {
    "random": _run_random,
    "cca": _run_cca,
    "cca-asmcmr": _run_cca,
    "untrained": _run_cca,
    "baseline": _run_baseline,
    "baseline-longer": _run_baseline_longer,
    "baseline-gan": _run_baseline_gan,
    "ugaar": _run_ugaar,
}


class _Session:
    """The data, networks and checkpoint of one training of a network."""

    def __init__(self, job: Job) -> None:
        self.job = job
        train = job.features.take("train")
        if len(train) < 2:
            raise DataError("the training fold holds one window; a triplet needs two at least")
        self.normaliser = Normaliser.fit(train.vectors, job.model.input_norm)
        self.train = TrainingSet(train, self.normaliser, job.device, job.model.exclude_identical)
        self.valid = ValidationSet(job.features.take("valid"), self.normaliser, job.device)
        self._sizes = {m: train.vectors[m].shape[1] for m in MODALITIES}

    def new_network(self, name: str) -> Projection:
        """Return a network with fresh weights."""
        chance = epoch_generator(self.job.seed, f"weights/{name}", 0, CPU)
        return Projection(self._sizes, self.job.model.dimensions, chance).to(self.job.device)

    def baseline_network(self) -> Projection:
        """Return a network with the weights of the same seed's Baseline."""
        stored = self.job.baseline
        if stored is None:
            raise DataError(f"method {self.job.method} starts from the Baseline; give --baseline")
        expected = {**self._numbers(), "seed": self.job.seed, "method": "baseline"}
        for key, value in expected.items():
            found = stored.get(key)
            same = isinstance(found, type(value)) and (
                torch.equal(found, value) if isinstance(value, torch.Tensor) else found == value
            )
            if not same:
                raise DataError(
                    f"the Baseline's model file differs in {key!r} from this job: it was made "
                    "with other features, settings or seed; train the baseline again"
                )
        network = self.new_network("discriminator")
        network.load_state_dict(stored["weights"])
        return network

    def game(self, neighbours: NDArray[np.intp], kl_weight: float) -> AdversarialTraining:
        """Return the adversarial training, D from the Baseline."""
        job = self.job
        discriminator = self.baseline_network()
        generator = (
            self.baseline_network()
            if job.model.generator_start == "baseline"
            else self.new_network("generator")
        )
        return AdversarialTraining(
            discriminator, generator, self.train, self.valid, torch.from_numpy(neighbours),
            kl_weight, job.model, job.seed, job.method,
        )  # fmt: skip

    def play(self, training: Trainee) -> Outcome:
        """Run all rounds; the Baseline itself competes as round 0, alike for every method."""
        rounds = self.job.model.rounds
        return run_training(
            training, self.job.method, rounds, None, self.checkpoint(), include_start=True
        )

    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint, bound to everything that the result depends on."""
        job = self.job
        digest = hashlib.sha256()
        for rows in [*job.features.vectors.values(), *job.features.content.values()]:
            digest.update(np.ascontiguousarray(rows).data)
        digest.update("".join(job.features.fold.tolist()).encode())
        if job.neighbours is not None:
            digest.update(np.ascontiguousarray(job.neighbours).tobytes())
        if job.baseline is not None:
            for value in job.baseline["weights"].values():
                digest.update(value.numpy().tobytes())
        identity = (
            f"{job.method} seed {job.seed} {asdict(job.model)} {job.device.type} "
            f"torch {torch.__version__} data {digest.hexdigest()}"
        )
        return Checkpoint(job.checkpoint_path, identity, job.checkpoint_interval_s)

    def result(self, outcome: Outcome) -> Result:
        """Embed with the kept weights."""
        job = self.job
        network = Projection(self._sizes, job.model.dimensions, torch.Generator())
        network.load_state_dict(outcome.weights)
        evaluated = job.features.take("valid", "test")
        spaces = project_network(network, self.normaliser, evaluated)
        model = {
            **self._numbers(),
            "weights": outcome.weights,
            "best_epoch": outcome.best_epoch,
            "best_score": outcome.best_score,
        }
        return Result(evaluated, spaces, "euclidean", model, outcome.history)

    def _numbers(self) -> dict[str, Any]:
        """Return what a network's input depends on."""
        numbers: dict[str, Any] = {
            "dimensions": self.job.model.dimensions,
            "input_norm": self.job.model.input_norm,
        }
        for modality in MODALITIES:
            numbers[f"{modality} mean"] = torch.from_numpy(self.normaliser.mean[modality])
            numbers[f"{modality} scale"] = torch.from_numpy(self.normaliser.scale[modality])
        return numbers
