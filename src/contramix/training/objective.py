"""Compute the loss of pre-training: a sum of terms, each with its own noise, method and, optionally, i-Mix."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from contramix.encoders.encoder import Encoder
from contramix.errors import InputError
from contramix.methods import AnyMethod, Method
from contramix.methods.loss_bounds import Bounds
from contramix.methods.method import Network
from contramix.methods.npair import NPair
from contramix.mixing.imix import IMix
from contramix.mixing.layout import Layout
from contramix.noise import AnyNoise
from contramix.noise.drop import Drop
from contramix.noise.none import NoNoise
from contramix.runtime import distributed
from contramix.runtime.precision import at_least_float32
from contramix.runtime.randomness import Key
from contramix.samples.samples import Batch
from contramix.settings import Settings
from contramix.types import Activations, RaggedBatch, Targets, Views, apply_mixture, concatenate, get_values, split


class TermSettings(Settings):
    """Configure one term of the pre-training loss.

    Parameters
    ----------
    method
        Contrastive or other self-supervised method, which computes the loss.
    noise
        Noise that makes two views of each sample.
    imix
        Settings of i-Mix, which mixes queries and their labels; None: no mixing.
    weight
        Factor of the term in the sum.
    """

    method: AnyMethod = NPair()
    noise: AnyNoise = Drop()
    imix: IMix | None = None
    weight: float = Field(default=1.0, gt=0)


class ExtraSettings(TermSettings):
    """Configure a further term of the pre-training loss.

    If ``method`` is None, the term shares the method of the first term, including its projector and queue. The settings
    ``noise``, ``imix`` and ``weight`` have the same meaning and defaults as in :class:`TermSettings`.
    """

    method: AnyMethod | None = None  # type: ignore[assignment]


class Objective(nn.Module):
    """Compute the pre-training loss of a batch: the weighted sum of all terms.

    Parameters
    ----------
    encoder
        Encoder that all terms train.
    first, extra
        Settings of the first and of further terms.
    layout
        Columns of the inputs, for noise and mixing of tables; None for other data.
    pool
        Training samples from which noise may copy values; None if there are none.

    Raises
    ------
    InputError
        If the settings name a cut (named point between stages of the encoder) that the encoder does not have, or they
        contradict each other.
    """

    def __init__(
        self,
        encoder: Encoder,
        first: TermSettings,
        extra: Sequence[ExtraSettings] = (),
        *,
        layout: Layout | None = None,
        pool: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        settings: list[TermSettings] = [first, *extra]
        for term in settings:
            _check(term, term.method or first.method, encoder)
        main = first.method.build(encoder)
        methods = [main, *(term.method.build(encoder) if term.method else main for term in extra)]
        self.terms = nn.ModuleList(Term(t, m, layout, pool) for t, m in zip(settings, methods))
        self.methods = list(dict.fromkeys(methods))

    def forward(self, x: Batch, key: Key) -> Float[Tensor, ""]:
        """Compute the loss of a batch of samples. ``key`` determines all random draws."""
        return torch.stack([term(x, key.at(n)) for n, term in enumerate(self.terms)]).sum()

    @property
    def summands(self) -> list["Term"]:
        """Return the terms of the loss, in the order of the recipe."""
        return [term for term in self.terms if isinstance(term, Term)]

    def bounds(self, x: Batch, key: Key, batch: int) -> Bounds:
        """Estimate the floor of the loss (its smallest possible value) and its chance level (without any learning).

        Parameters
        ----------
        x
            Samples from which both values are estimated.
        key
            Key that determines all random draws.
        batch
            Batch size of training.
        """
        each = [term.bounds(x, key.at(n), batch) for n, term in enumerate(self.summands)]
        return Bounds(*(sum(values) for values in zip(*each)))

    def set_pool(self, pool: Tensor | None) -> "Objective":
        """Replace the training samples from which noise copies values; return this objective."""
        for term in self.terms:
            term.pool = pool  # type: ignore[assignment]
        return self

    def after_step(self) -> None:
        """Update the momentum networks and queues of all methods. Call this after each optimizer step."""
        for method in self.methods:
            method.after_step()


class Term(nn.Module):
    """Compute one term of the loss: make two views of a batch, mix queries with i-Mix if set, and apply a method.

    Parameters
    ----------
    settings
        Noise, i-Mix and weight of the term.
    method
        Module that computes the loss from queries and keys. It holds the encoder.
    layout
        Columns of the inputs, for noise and mixing of tables; None for other data.
    pool
        Training samples from which noise may copy values; None if there are none.

    Raises
    ------
    InputError
        If the encoder does not have a cut that the settings name, or the noise comes after a point of the network at
        which the method needs it.
    """

    def __init__(self, settings: TermSettings, method: Method, layout: Layout | None, pool: Tensor | None) -> None:
        super().__init__()
        self.method = method
        self.noise, self.imix, self.weight = settings.noise, settings.imix, settings.weight
        encoder = method.online.encoder
        self.noise_cuts = tuple(encoder.resolve_cut(cut) for cut in settings.noise.cut)
        self.mix_cuts = tuple(encoder.resolve_cut(cut) for cut in settings.imix.cut) if settings.imix else ()
        for cut in self.noise_cuts:
            if encoder.position(cut) > encoder.position(method.last_noise_cut):
                raise InputError(
                    f"the method needs activations that do not exist any more at {cut!r}: set noise.cut to 'input', "
                    f"or to a cut up to {method.last_noise_cut!r}"
                )
        self.layout, self.pool = layout, pool

    def forward(self, x: Batch, key: Key) -> Float[Tensor, ""]:
        """Compute the weighted loss of this term for a batch of samples. ``key`` determines all random draws."""
        return self.weight * torch.stack([self.method.loss(views) for views in self.view_pairs(x, key)]).mean()

    def view_pairs(self, x: Batch, key: Key) -> Iterator[Views]:
        """Yield the queries and keys of a batch, from which the method computes its loss.

        If the method's loss is symmetric, a second pair is yielded in which the two views are exchanged. ``key``
        determines all random draws.
        """
        noise_cut = _draw(self.noise_cuts, key.at("noise cut"))
        mix_cut = _draw(self.mix_cuts, key.at("mix cut")) if self.imix else noise_cut
        key = distributed.per_rank(key)  # All processes use the same cuts; all other draws differ.
        method, shared = self.method, self.method.target is self.method.online
        mine = self._noisy(method.online, x, noise_cut, key)
        theirs = mine if shared or noise_cut == "input" else self._noisy(method.target, x, noise_cut, key)

        joint = method.all_views_are_keys
        for turn, (a, b) in enumerate([(0, 1), (1, 0)] if method.symmetric and not joint else [(0, 1)]):
            if shared and (joint or method.passes == "one"):
                both = method.online.encoder.run(concatenate([mine[a], theirs[b]]), noise_cut, mix_cut)
                query, clean = split(both, [len(mine[a]), len(theirs[b])])
            else:
                query = method.online.encoder.run(mine[a], noise_cut, mix_cut)
                with torch.set_grad_enabled(torch.is_grad_enabled() and shared):
                    clean = method.target.encoder.run(theirs[b], noise_cut, mix_cut)
            yield (self._joint_views if joint else self._pair)(query, clean, mix_cut, key.at("mix", turn))

    def noisy(self, x: Batch, key: Key) -> tuple[Activations, Activations, str]:
        """Return the two noisy views of a batch, and the name of the cut at which the noise was applied.

        The views are activations of the online network (the network that is trained) at that cut.
        """
        cut = _draw(self.noise_cuts, key.at("noise cut"))
        return *self._noisy(self.method.online, x, cut, key), cut

    def bounds(self, x: Batch, key: Key, batch: int) -> Bounds:
        """Estimate the smallest possible value (floor) of this term, and its value without any learning (chance).

        ``x`` are samples for the estimate, ``key`` determines all random draws, and ``batch`` is the batch size of
        training.
        """
        view_pairs = [self.method.bounds(views, batch) for views in self.view_pairs(x, key)]
        return Bounds(*(self.weight * sum(values) / len(view_pairs) for values in zip(*view_pairs)))

    def _noisy(self, network: Network, x: Batch, cut: str, key: Key) -> tuple[Activations, Activations]:
        """Return the two noisy views of a batch, as activations of ``network`` at the cut of the noise.

        Calls with the same ``key`` make the same random draws for each sample, whichever network is given.
        """
        generator = key.at("noise").generator(x.device)
        if cut == "input":
            return self.noise.views_of_samples(network.encoder.front, x, generator, self.layout, self.pool)
        with torch.set_grad_enabled(torch.is_grad_enabled() and network is self.method.online):
            encoder = network.encoder
            return self.noise.views_of_activations(
                _at_least_float32(encoder.run(encoder.front(x), stop=cut)), generator
            )

    def _mix(self, query: Activations, cut: str, key: Key) -> tuple[Activations, Targets]:
        values = at_least_float32(get_values(query))
        if self.imix is None:
            return query, Targets.identity(len(query), values.device)
        layout = self.layout if cut == "input" else None
        mixed = self.imix(values, generator=key.generator(values.device), layout=layout)
        return apply_mixture(query, mixed), Targets.from_mixture(mixed)

    def _pair(self, query: Activations, clean: Activations, cut: str, key: Key) -> Views:
        mixed, targets = self._mix(query, cut, key)
        return Views(mixed, clean, targets, cut)

    def _joint_views(self, first: Activations, second: Activations, cut: str, key: Key) -> Views:
        """Return queries and keys for a method that uses all 2N views of a batch as queries and as keys.

        ``first`` and ``second`` hold the N first views and the N second views. i-Mix mixes first views with each other,
        and second views with each other. The positive keys of a query mixed from first views are the second views of
        the same samples, and vice versa. Therefore no query was mixed from its positive keys.
        """
        n, keys = len(first), concatenate([first, second])
        mixed_a, a = self._mix(first, cut, key.at(0))
        mixed_b, b = self._mix(second, cut, key.at(1))
        targets = Targets(torch.cat([a.index + n, b.index]), torch.cat([a.weight, b.weight]))
        return Views(concatenate([mixed_a, mixed_b]) if self.imix else keys, keys, targets, cut)


def _at_least_float32(x: Activations) -> Activations:
    """Convert activations to float32 if they have lower precision."""
    return x.with_values(at_least_float32(x.values)) if isinstance(x, RaggedBatch) else at_least_float32(x)


def _draw(cuts: tuple[str, ...], key: Key) -> str:
    """Draw the name of one cut at random, with equal probabilities."""
    if len(cuts) == 1:
        return cuts[0]
    return cuts[int(torch.randint(len(cuts), (), generator=key.generator()))]


def _check(term: TermSettings, method: AnyMethod, encoder: Encoder) -> None:
    """Raise an InputError if the noise, i-Mix and method of a term do not fit the encoder or each other."""
    term.noise.check(encoder.front)
    last_noise = max(encoder.position(cut) for cut in term.noise.cut)
    mixed_at = [cut for part in (term.imix, term.noise) if part and not isinstance(part, NoNoise) for cut in part.cut]
    for cut in mixed_at:
        if encoder.position(cut) < encoder.position(encoder.first):
            raise InputError(
                f"nothing can be mixed or changed at {cut!r}: samples have different shapes there; "
                f"take one of {', '.join(encoder.cuts)}"
            )
    if term.imix is None:
        return
    if method.imix_unsupported_reason is not None:
        raise InputError(method.imix_unsupported_reason)
    if min(encoder.position(cut) for cut in term.imix.cut) < last_noise:
        mixed, noisy = ("/".join(map(encoder.resolve_cut, part.cut)) for part in (term.imix, term.noise))
        raise InputError(
            f"i-Mix at {mixed} comes before the noise at {noisy}; "
            "queries are mixed after the views are made, so set imix.cut after noise.cut"
        )
