"""The graph isomorphism network, as DACL and InfoGraph use it on graphs."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs, Kind
from contramix.encoders.sync_batch_norm import SyncNorm
from contramix.samples.graph_states import GraphStates


class GIN(EncoderSettings):
    """Layers of ``MLP(x_v + sum of the neighbours' x_u)``, each pooled by a sum over the graph's nodes (Xu et al., ICLR
    2019); the representation is what all layers pooled, one behind the other. Stages ``layer1`` ..., ``readout``.

    A stage's MLP is linear, ReLU, linear; then come ReLU and BatchNorm, as in InfoGraph. Nodes of different graphs have
    nothing to be mixed with, so the first cut is ``layer1``: behind a layer all that was pooled so far is mixed. Unless
    told otherwise graphs are mixed at the output, as in DACL.

    Parameters
    ----------
    width
        Of each layer; ``width x layers`` numbers come out. The papers have 512.
    layers
        The papers have 4.
    centre
        A learned weight for the node itself, ``(1 + epsilon) x_v``.

    Examples
    --------
    >>> encoder = GIN(width=8, layers=2).build(Inputs((3,), kind="graphs"))
    >>> encoder.cuts, encoder.auto, encoder.width
    (('layer1', 'layer2', 'readout', 'output'), 'output', 16)
    """

    takes: ClassVar[frozenset[Kind]] = frozenset({"graphs"})

    width: int = Field(default=128, ge=1, le=8192)
    layers: int = Field(default=4, ge=1, le=64)
    centre: bool = False

    def build(self, inputs: Inputs) -> Encoder:
        """Inputs are packed graphs whose nodes have ``inputs.shape[0]`` features."""
        stages: dict[str, nn.Module] = {}
        into = inputs.shape[0]
        for number in range(1, self.layers + 1):
            stages[f"layer{number}"] = Layer(into, self.width, self.centre)
            into = self.width
        stages["readout"] = Readout()
        return Encoder(stages, self.layers * self.width, first="layer1", auto="output")


class Layer(nn.Module):
    """One round of passing on what neighbours know."""

    def __init__(self, into: int, width: int, centre: bool) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(into, width), nn.ReLU(), nn.Linear(width, width))
        self.epsilon = nn.Parameter(torch.zeros(())) if centre else None
        self.norm = nn.BatchNorm1d(width)

    def forward(self, state: GraphStates) -> GraphStates:
        """Nodes behind the layer, and one more pooled vector a graph."""
        own = state.nodes if self.epsilon is None else (1 + self.epsilon) * state.nodes
        nodes = self.mlp(own + state.graphs.gathered(state.nodes)).relu()
        # One node has no variance; graphs without nodes have none to normalise.
        several = len(nodes) > 1 or isinstance(self.norm, SyncNorm)
        return state.then(self.norm(nodes) if several or not self.training else nodes)


class Readout(nn.Module):
    """What all layers pooled."""

    def forward(self, state: GraphStates) -> torch.Tensor:
        """One vector a graph."""
        return state.values
