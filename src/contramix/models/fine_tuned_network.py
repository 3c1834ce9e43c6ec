"""Combine an encoder with a linear prediction head."""

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
    """Predict classes or a numeric target with an encoder and a linear head.

    The head's initial weights are drawn from torch's global generator.

    Parameters
    ----------
    encoder
        Encoder whose representations are the head's input.
    task
        What to predict.
    mean, scale
        Mean and standard deviation by which a numeric target is standardized for training; unused for classes.
    """

    def __init__(self, encoder: Encoder, task: Task, mean: float = 0.0, scale: float = 1.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.width, max(1, len(task.classes)))
        self.task, self.mean, self.scale = task, mean, scale
        self.facts: dict[str, Any] = {}
        """Facts on the training: numbers of rows and steps, score on held-out rows."""

    def forward(self, x: Batch) -> Float[Tensor, " B C"]:
        """Compute the logits of the classes, shape (B, C), or standardized numeric predictions, shape (B, 1)."""
        out: Tensor = self.head(self.encoder(x))
        return out

    @torch.no_grad()
    def scores(self, x: Samples, batch_size: int | None = None) -> Float[ndarray, " n C"] | Float[ndarray, " n"]:
        """Compute class probabilities, shape (n, C), or numeric predictions in the target's unit, shape (n,).

        The network runs in evaluation mode.

        Parameters
        ----------
        x
            Samples to predict.
        batch_size
            Number of samples in a batch; None: from 32 for large samples to 8,192 for small ones.
        """
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
        """Compute the accuracy of the predictions, or R squared for a numeric target.

        Parameters
        ----------
        x
            Samples to predict.
        y
            True class numbers or numeric targets of the samples.
        weight
            Weight of each class, shape (C,). In the accuracy a sample counts with the weight of its true class. None:
            all samples count equally, as they must for a numeric target.
        """
        scores = self.scores(x)
        hits = self.task.per_row_scores(y, scores if self.task.kind == "regression" else scores.argmax(1))
        return float(np.average(hits, weights=None if weight is None else weight[y]))
