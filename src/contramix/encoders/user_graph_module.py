"""From a module of the user's that works on graphs, as PyTorch Geometric's do, to an encoder."""

import inspect
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from contramix.encoders.encoder import Encoder, Inputs
from contramix.errors import InputError
from contramix.samples.graph_states import GraphStates
from contramix.samples.graphs import Graphs

BATCH = "batch"
HOW_MANY = ("batch_size", "size", "num_graphs")
"""Arguments beside ``batch`` in which modules take the number of graphs, so that empty ones at the end count."""


def wrap_graphs(module: nn.Module, inputs: Inputs) -> Encoder:
    """Make an encoder of one stage, ``module``, of any module of PyTorch Geometric's manner.

    Its ``forward`` takes ``x``, ``edge_index`` and, if it likes, ``batch`` and ``batch_size``, by these names, or one
    argument ``data`` that has them. It gives a vector a graph, or one a node: these are added up for each graph. Graphs
    are mixed at its output.

    Raises
    ------
    InputError
        If it takes or gives something else.
    """
    stage = OnGraphs(module)
    parameter = next(module.parameters(), torch.zeros(()))
    edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]], device=parameter.device)
    counts = torch.tensor([3, 2], device=parameter.device), torch.tensor([4, 0], device=parameter.device)
    two = Graphs(torch.zeros(5, inputs.shape[0], device=parameter.device), edges, *counts)
    was_training = module.training
    try:
        with torch.no_grad():
            out = module.eval()(**stage.arguments(two))
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"the encoder does not take graphs whose nodes have {inputs.shape[0]} features: {reason}"
        ) from error
    module.train(was_training)
    if not isinstance(out, Tensor) or out.dim() != 2 or len(out) not in (2, 5):
        given = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise InputError(
            f"the encoder must give one vector a graph or a node; for 2 graphs with 5 nodes it gives {given}"
        )
    stage.of_nodes = len(out) == 5
    return Encoder({"module": stage}, out.shape[1], first="output")


@dataclass(frozen=True)
class Data:
    """Packed graphs under the names that PyTorch Geometric's batches have."""

    x: Tensor
    edge_index: Tensor
    batch: Tensor
    num_graphs: int

    @property
    def num_nodes(self) -> int:
        """Of all graphs together."""
        return len(self.x)


class OnGraphs(nn.Module):
    """A module that is called with what its ``forward`` names.

    Parameters
    ----------
    module
        The user's.
    of_nodes
        Whether it gives a vector a node, not one a graph.

    Raises
    ------
    InputError
        If its ``forward`` asks for something that graphs here do not have.
    """

    def __init__(self, module: nn.Module, of_nodes: bool = False) -> None:
        super().__init__()
        self.module, self.of_nodes = module, of_nodes
        asked = _arguments(module)
        if "data" in asked:
            known: tuple[str, ...] = ("data",)
        else:  # without batch, PyTorch Geometric's layers call something else their size
            known = ("x", "edge_index", *((BATCH, *HOW_MANY) if BATCH in asked else ()))
        self.taken = [name for name in known if name in asked]
        if known[0] not in asked or any(needed for name, needed in asked.items() if name not in known):
            raise InputError(
                f"the encoder's forward takes {', '.join(asked) or 'nothing by name'}; of graphs it is given x, "
                "edge_index, batch and batch_size, by these names, or data, which has them"
            )

    def arguments(self, graphs: Graphs) -> dict[str, Tensor | int | Data]:
        """What the module is called with."""
        data = Data(graphs.x, graphs.edges, graphs.graph, len(graphs))
        given: dict[str, Tensor | int | Data] = {"data": data, "x": data.x, "edge_index": data.edge_index}
        given |= {BATCH: data.batch, **dict.fromkeys(HOW_MANY, len(graphs))}
        return {name: given[name] for name in self.taken}

    def forward(self, state: GraphStates) -> Tensor:
        """One vector a graph."""
        graphs = state.graphs
        out: Tensor = self.module(**self.arguments(graphs))
        if self.of_nodes:
            return graphs.sums(out)
        if len(out) != len(graphs):
            raise InputError(
                f"of {len(graphs)} graphs, of which some have no nodes, the encoder gives {len(out)} vectors: let it "
                "take batch_size, and pass that on to its pooling"
            )
        return out


def _arguments(module: nn.Module) -> dict[str, bool]:
    """Names of what a module's ``forward`` takes, and whether it must be given."""
    told = getattr(getattr(module, "signature", None), "param_dict", None)  # torch_geometric.nn.Sequential's
    if isinstance(told, dict):
        return dict.fromkeys(told, True)
    parameters = inspect.signature(module.forward).parameters.items()
    return {name: p.default is p.empty for name, p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
