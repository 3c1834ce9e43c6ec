"""Combine an encoder with a linear head that predicts."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from numpy import ndarray
from torch import Tensor, nn

from contramix.encoders.encoder import Encoder
from contramix.models.task import Task
from contramix.samples.samples import Batch, Samples, pad_to_min_rows, sequential_batches


class FineTunedNetwork(nn.Module):
    """Predict classes or numeric targets by an encoder and a linear head.

    Parameters
    ----------
    encoder
        Encoder whose representations are the head's input. The head's initial weights are drawn from torch's global
        generator.
    task
        What to predict.
    mean, scale
        Mean and standard deviation of a numeric target, by which it is standardized for training.
    """

    def __init__(self, encoder: Encoder, task: Task, mean: float = 0.0, scale: float = 1.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.width, max(1, len(task.classes)))
        self.task, self.mean, self.scale = task, mean, scale
        self.facts: dict[str, Any] = {}
        """Facts on the training: numbers of rows and steps, score on held-out rows."""

    def forward(self, x: Batch) -> Float[Tensor, " B C"]:
        """Return logits of the classes, or standardized numeric predictions."""
        out: Tensor = self.head(self.encoder(x))
        return out

    @torch.no_grad()
    def scores(self, x: Samples, batch_size: int | None = None) -> Float[ndarray, " n C"] | Float[ndarray, " n"]:
        """Return probabilities of the classes, or numeric predictions in the target's unit, in evaluation mode."""
        was_training = self.training
        self.eval()
        device = self.head.weight.device
        out = torch.cat(
            [
                self(pad_to_min_rows(batch.to(device)))[: len(batch)].cpu().double()
                for batch in sequential_batches(x, batch_size)
            ]
        )
        self.train(was_training)
        if self.task.kind == "regression":
            return np.asarray(out[:, 0] * self.scale + self.mean)
        return np.asarray(out.softmax(1))

    def score(self, x: Samples, y: Shaped[ndarray, " n"], weight: ndarray | None = None) -> float:
        """Return the accuracy, or R squared for a numeric target.

        Parameters
        ----------
        x
            Samples.
        y
            Class numbers or numeric targets.
        weight
            Weight of each class in the mean over rows.
        """
        scores = self.scores(x)
        hits = self.task.per_row_scores(y, scores if self.task.kind == "regression" else scores.argmax(1))
        return float(np.average(hits, weights=None if weight is None else weight[y]))
