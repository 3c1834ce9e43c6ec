"""Provide the graph isomorphism network (GIN), which DACL and InfoGraph use."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs, Kind
from contramix.encoders.sync_batch_norm import SyncNorm
from contramix.samples.graph_states import GraphStates


class GIN(EncoderSettings):
    """Configure a GIN (graph isomorphism network), which sum-pools the outputs of all layers and concatenates them.

    The stages are ``layer1`` to ``layerN`` and ``readout``. A layer computes ``MLP(x_v + sum of the neighbors' x_u)``
    (Xu et al., ICLR 2019). The MLP is linear, ReLU, linear; it is followed by ReLU and BatchNorm, as in InfoGraph.
    Nodes of different graphs do not correspond to each other and are never mixed. Mixing after a layer mixes the pooled
    outputs of this layer and of all earlier ones. By default graphs are mixed at the output, as in DACL.

    Parameters
    ----------
    width
        Width of each layer; the representation has size ``width * layers``. The papers use 512.
    layers
        Number of layers. The papers use 4.
    centre
        Whether to learn epsilon in ``(1 + epsilon) x_v``, the weight of the node itself; otherwise it is 0.

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
        """Build the encoder, with newly initialized weights, for graphs with ``inputs.shape[0]`` features per node."""
        stages: dict[str, nn.Module] = {}
        into = inputs.shape[0]
        for number in range(1, self.layers + 1):
            stages[f"layer{number}"] = Layer(into, self.width, self.centre)
            into = self.width
        stages["readout"] = Readout()
        return Encoder(stages, self.layers * self.width, first="layer1", auto="output")


class Layer(nn.Module):
    """Update each node from its neighbors, and sum the new node features per graph."""

    def __init__(self, into: int, width: int, centre: bool) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(into, width), nn.ReLU(), nn.Linear(width, width))
        self.epsilon = nn.Parameter(torch.zeros(())) if centre else None
        self.norm = nn.BatchNorm1d(width)

    def forward(self, state: GraphStates) -> GraphStates:
        """Compute new features of all nodes, and return the states with these and their sums per graph appended."""
        own = state.nodes if self.epsilon is None else (1 + self.epsilon) * state.nodes
        nodes = self.mlp(own + state.graphs.sum_predecessors(state.nodes)).relu()
        # BatchNorm needs at least two nodes in training.
        several = len(nodes) > 1 or isinstance(self.norm, SyncNorm)
        return state.append_layer(self.norm(nodes) if several or not self.training else nodes)


class Readout(nn.Module):
    """Return the sum-pooled outputs of all layers, concatenated into one vector per graph."""

    def forward(self, state: GraphStates) -> torch.Tensor:
        """Return the pooled vectors that the layers have collected: shape (B, width * layers)."""
        return state.values
