"""Wrap a user's graph network, such as one from PyTorch Geometric, as an encoder."""

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
"""Accepted names of the argument that passes the number of graphs, without which empty last graphs are lost."""


def wrap_graphs(module: nn.Module, inputs: Inputs) -> Encoder:
    """Wrap a graph network that follows PyTorch Geometric's conventions as an encoder with one stage, ``module``.

    The module's ``forward`` takes the arguments ``x``, ``edge_index`` and optionally ``batch`` and ``batch_size``, by
    these names, or one argument ``data`` with these attributes. It returns one vector per graph or one per node; node
    vectors are summed per graph. Graphs can be mixed only at the output. ``inputs.shape[0]`` is the number of features
    per node.

    Raises
    ------
    InputError
        If the module requires other arguments, fails on two small graphs, or does not return one vector per graph or
        per node.
    """
    stage = GraphModule(module)
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
            f"the encoder must return one vector per graph or per node; for 2 graphs with 5 nodes it returns {given}"
        )
    stage.of_nodes = len(out) == 5
    return Encoder({"module": stage}, out.shape[1], first="output")


@dataclass(frozen=True)
class Data:
    """Represent a batch of graphs with the attribute names of PyTorch Geometric's ``Batch``.

    ``x`` holds the node features, shape (nodes, features); ``edge_index`` the source and target node of each edge,
    shape (2, edges); ``batch`` the index of each node's graph, shape (nodes,); and ``num_graphs`` the number of graphs.
    """

    x: Tensor
    edge_index: Tensor
    batch: Tensor
    num_graphs: int

    @property
    def num_nodes(self) -> int:
        """Return the total number of nodes in all graphs."""
        return len(self.x)


class GraphModule(nn.Module):
    """Call a user's graph network with a batch of graphs, passed by PyTorch Geometric's argument names.

    The network's ``forward`` takes ``x`` and ``edge_index``, and optionally ``batch``, alone or with the number of
    graphs (``batch_size``, ``size`` or ``num_graphs``); or it takes one argument ``data`` with the attributes ``x``,
    ``edge_index``, ``batch`` and ``num_graphs``. Only the arguments that ``forward`` has are passed.

    Parameters
    ----------
    module
        The user's module.
    of_nodes
        Whether the module returns one vector per node instead of per graph.

    Raises
    ------
    InputError
        If ``forward`` requires any other argument.
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
                f"the encoder's forward takes {', '.join(asked) or 'no named argument'}; for graphs it can take x, "
                "edge_index, batch and batch_size by these names, or data, which has them as attributes"
            )

    def arguments(self, graphs: Graphs) -> dict[str, Tensor | int | Data]:
        """Return the keyword arguments for the user's ``forward``, such as ``x`` and ``edge_index``, by name."""
        data = Data(graphs.x, graphs.edges, graphs.graph, len(graphs))
        given: dict[str, Tensor | int | Data] = {"data": data, "x": data.x, "edge_index": data.edge_index}
        given |= {BATCH: data.batch, **dict.fromkeys(HOW_MANY, len(graphs))}
        return {name: given[name] for name in self.taken}

    def forward(self, state: GraphStates) -> Tensor:
        """Apply the user's network, and return one vector per graph.

        If the network returns vectors of nodes (``of_nodes``), they are summed per graph.

        Raises
        ------
        InputError
            If the network returns vectors of graphs, and not one for each graph, for example because its own pooling
            omits a graph without nodes.
        """
        graphs = state.graphs
        out: Tensor = self.module(**self.arguments(graphs))
        if self.of_nodes:
            return graphs.sum_nodes(out)
        if len(out) != len(graphs):
            raise InputError(
                f"for {len(graphs)} graphs, some without nodes, the encoder returns {len(out)} vectors; its forward "
                "must take batch_size and pass it to the pooling"
            )
        return out


def _arguments(module: nn.Module) -> dict[str, bool]:
    """Return a dict from each argument name of a module's ``forward`` to whether the argument has no default."""
    declared = getattr(getattr(module, "signature", None), "param_dict", None)  # torch_geometric.nn.Sequential's
    if isinstance(declared, dict):
        return dict.fromkeys(declared, True)
    parameters = inspect.signature(module.forward).parameters.items()
    return {name: p.default is p.empty for name, p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
