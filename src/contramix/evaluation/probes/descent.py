"""Train linear classifiers by gradient descent, as published protocols do, for all learning rates at once."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from numpy import ndarray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from contramix.errors import InputError
from contramix.evaluation.probes.choosing import choose
from contramix.evaluation.problem import PredictionProblem, Predictions, ValidationSplit
from contramix.predictors.feature_rows import BLOCK, FeatureRows
from contramix.runtime.randomness import Key
from contramix.training.optimizers import OptimizerSettings


class Descent(NamedTuple):
    """Train linear classifiers by gradient descent with the settings of a published protocol.

    Parameters
    ----------
    optimizer
        Settings of the optimizer and its schedule. Its learning rate must be 1: each of ``rates`` is multiplied by the
        learning rate of the schedule.
    rates
        Learning rates to choose from on validation rows.
    epochs
        Number of epochs.
    batch_size
        Number of rows per step; None for all rows.
    """

    optimizer: OptimizerSettings
    rates: tuple[float, ...]
    epochs: int
    batch_size: int | None = None

    def probe(self, problem: PredictionProblem, z: ndarray) -> Predictions:
        """Choose the learning rate on validation rows, train on all training rows, and predict the test rows.

        ``z`` holds the features of all records, which are used without standardization.

        Raises
        ------
        InputError
            If the target is numeric.
        """
        if problem.task.kind == "regression":
            raise InputError(
                "probes by gradient steps are for classes; for a numeric target use linear, knn or least-squares"
            )
        key, classes = Key(problem.seed).at("probe"), len(problem.task.classes)

        def predict(split: ValidationSplit) -> Iterator[Predictions]:
            layers = self.train(self.rates, FeatureRows(z, split.train), split.train_y, classes, key)
            for score in layers.log_probabilities(FeatureRows(z, split.validation)):
                yield Predictions(score.argmax(-1), score)

        rate = choose(problem, self.rates, predict)
        layer = self.train((rate,), FeatureRows(z, problem.train), problem.y, classes, key)
        score = layer.log_probabilities(FeatureRows(z, problem.test))[0]
        return Predictions(score.argmax(1), score, f"lr = {rate:g}{problem.choice_note}")

    def train(
        self, rates: Sequence[float], rows: FeatureRows, y: Int[ndarray, " n"], classes: int, key: Key
    ) -> "Layers":
        """Train one linear classifier for each learning rate, all with the same initial weights and batches.

        With batches smaller than all rows, the rows are shuffled in each epoch, and the last, incomplete batch is
        dropped, as in the code of the published protocols.

        Parameters
        ----------
        rates
            Learning rates.
        rows, y
            Features of the training rows, and their class numbers.
        classes
            Number of classes.
        key
            Key for the random initial weights and order of rows.
        """
        first = 0.01 * torch.randn(rows.width, classes, generator=key.at("weights").generator())
        layers = Layers(
            [nn.Parameter(first.clone()) for _ in rates], [nn.Parameter(torch.zeros(classes)) for _ in rates]
        )
        each = list(zip(*layers))
        optimizer = self.optimizer.build(each[0])
        for layer in each[1:]:
            optimizer.add_param_group({"params": layer})
        batch_size = min(self.batch_size or len(rows), len(rows))
        steps = len(rows) // batch_size
        order = torch.arange(len(rows))
        for epoch in range(self.epochs):
            if batch_size < len(rows):
                order = torch.randperm(len(rows), generator=key.at("order", epoch).generator())
            for step, batch in enumerate(torch.split(order, batch_size)[:steps]):
                for block in torch.split(batch, BLOCK):
                    torch.autograd.backward(layers.loss(rows[block.numpy()], y[block.numpy()]) / batch_size)
                schedule = self.optimizer.rate(epoch * steps + step, steps, self.epochs)
                for group, rate in zip(optimizer.param_groups, rates):
                    group["lr"] = rate * schedule
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
        return layers


class Layers(NamedTuple):
    """Store several linear classifiers, and apply them to the same features with one matrix product.

    Parameters
    ----------
    weights
        One matrix of shape (features, classes) for each classifier.
    biases
        One vector of shape (classes,) for each classifier.
    """

    weights: list[nn.Parameter]
    biases: list[nn.Parameter]

    def __call__(self, x: Float32[ndarray, " n d"]) -> Float[Tensor, " n L C"]:
        """Return the logits of each of ``L`` classifiers for a batch of features, of shape (rows, L, classes)."""
        biases, weights = torch.cat([*self.biases]), torch.cat([*self.weights], 1)
        return torch.addmm(biases, torch.from_numpy(x), weights).view(len(x), len(self.weights), -1)

    def loss(self, x: Float32[ndarray, " n d"], y: Int[ndarray, " n"]) -> Float[Tensor, ""]:
        """Return the cross-entropy summed over rows and classifiers, for features ``x`` and class numbers ``y``.

        Since the classifiers share no weights, each one gets the gradient of its own loss only.
        """
        target = torch.from_numpy(y).repeat_interleave(len(self.weights))
        return cross_entropy(self(x).flatten(0, 1), target, reduction="sum")

    @torch.no_grad()
    def log_probabilities(self, rows: FeatureRows) -> Float[ndarray, " L n C"]:
        """Return the log-probabilities of the classes for rows of features, of shape (classifiers, rows, classes)."""
        blocks = [self(block).log_softmax(-1) for _, block in rows.blocks()]
        return np.asarray(torch.cat(blocks).transpose(0, 1))
