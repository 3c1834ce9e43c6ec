"""What a run minimises: one or several terms on one encoder, each a noise, perhaps i-Mix, and a method."""

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
from contramix.types import Activations, Ragged, Targets, Views, joined, mixed_in, split, values_of


class TermSettings(Settings):
    """One term of the objective."""

    method: AnyMethod = NPair()
    noise: AnyNoise = Drop()
    imix: IMix | None = None
    weight: float = Field(default=1.0, gt=0)


class ExtraSettings(TermSettings):
    """A further term; without a method of its own it uses the first term's, heads and queue included."""

    method: AnyMethod | None = None  # type: ignore[assignment]


class Objective(nn.Module):
    """The weighted sum of its terms' losses.

    Parameters
    ----------
    encoder
        What all terms train.
    first, extra
        The terms' settings.
    layout, pool
        What noise and mixing at the input may know of the data.

    Raises
    ------
    InputError
        For a cut that the encoder does not have, or settings that do not go together.
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
        """The loss of a batch of samples; all draws come from the key."""
        return torch.stack([term(x, key.at(n)) for n, term in enumerate(self.terms)]).sum()

    @property
    def summands(self) -> list["Term"]:
        """The terms, first the recipe's own."""
        return [term for term in self.terms if isinstance(term, Term)]

    def bounds(self, x: Batch, key: Key, batch: int) -> Bounds:
        """Floor and chance of the loss of ``batch`` samples, judged by some of them."""
        each = [term.bounds(x, key.at(n), batch) for n, term in enumerate(self.summands)]
        return Bounds(*(sum(values) for values in zip(*each)))

    def see(self, pool: Tensor | None) -> "Objective":
        """Let noise that draws from the training samples draw from other ones."""
        for term in self.terms:
            term.pool = pool  # type: ignore[assignment]
        return self

    def after_step(self) -> None:
        """Let momentum networks and queues follow, once the optimiser has moved the weights."""
        for method in self.methods:
            method.after_step()


class Term(nn.Module):
    """Two views of a batch, the query perhaps mixed, and a method's loss of them."""

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
                    f"what the method looks at is gone at {cut!r}: set noise.cut to 'input', or to a cut up to "
                    f"{method.last_noise_cut!r}"
                )
        self.layout, self.pool = layout, pool

    def forward(self, x: Batch, key: Key) -> Float[Tensor, ""]:
        """The term's share of the loss."""
        return self.weight * torch.stack([self.method.loss(views) for views in self.view_pairs(x, key)]).mean()

    def view_pairs(self, x: Batch, key: Key) -> Iterator[Views]:
        """What the method compares: once, or for a symmetric loss twice, the views' parts exchanged."""
        noise_cut = _draw(self.noise_cuts, key.at("noise cut"))
        mix_cut = _draw(self.mix_cuts, key.at("mix cut")) if self.imix else noise_cut
        key = distributed.per_rank(key)  # several processes cut alike, and draw the rest each for itself
        method, shared = self.method, self.method.target is self.method.online
        mine = self._noisy(method.online, x, noise_cut, key)
        theirs = mine if shared or noise_cut == "input" else self._noisy(method.target, x, noise_cut, key)

        joint = method.all_views_are_keys
        for turn, (a, b) in enumerate([(0, 1), (1, 0)] if method.symmetric and not joint else [(0, 1)]):
            if shared and (joint or method.passes == "one"):
                both = method.online.encoder.run(joined([mine[a], theirs[b]]), noise_cut, mix_cut)
                query, clean = split(both, [len(mine[a]), len(theirs[b])])
            else:
                query = method.online.encoder.run(mine[a], noise_cut, mix_cut)
                with torch.set_grad_enabled(torch.is_grad_enabled() and shared):
                    clean = method.target.encoder.run(theirs[b], noise_cut, mix_cut)
            yield (self._joint_views if joint else self._pair)(query, clean, mix_cut, key.at("mix", turn))

    def noisy(self, x: Batch, key: Key) -> tuple[Activations, Activations, str]:
        """Both noisy views of the online network, as its activations behind the noise's cut, and that cut."""
        cut = _draw(self.noise_cuts, key.at("noise cut"))
        return *self._noisy(self.method.online, x, cut, key), cut

    def bounds(self, x: Batch, key: Key, batch: int) -> Bounds:
        """Floor and chance of the term's share of the loss."""
        view_pairs = [self.method.bounds(views, batch) for views in self.view_pairs(x, key)]
        return Bounds(*(self.weight * sum(values) / len(view_pairs) for values in zip(*view_pairs)))

    def _noisy(self, network: Network, x: Batch, cut: str, key: Key) -> tuple[Activations, Activations]:
        """Both views at the noise's cut. The key makes two networks' views of a sample get the same draws."""
        generator = key.at("noise").generator(x.device)
        if cut == "input":
            return self.noise.of_samples(network.encoder.front, x, generator, self.layout, self.pool)
        with torch.set_grad_enabled(torch.is_grad_enabled() and network is self.method.online):
            encoder = network.encoder
            return self.noise.of_activations(_full(encoder.run(encoder.front(x), stop=cut)), generator)

    def _mix(self, query: Activations, cut: str, key: Key) -> tuple[Activations, Targets]:
        values = at_least_float32(values_of(query))
        if self.imix is None:
            return query, Targets.plain(len(query), values.device)
        layout = self.layout if cut == "input" else None
        mixed = self.imix(values, generator=key.generator(values.device), layout=layout)
        return mixed_in(query, mixed), Targets.of(mixed)

    def _pair(self, query: Activations, clean: Activations, cut: str, key: Key) -> Views:
        mixed, targets = self._mix(query, cut, key)
        return Views(mixed, clean, targets, cut)

    def _joint_views(self, first: Activations, second: Activations, cut: str, key: Key) -> Views:
        """All 2N views as queries and keys. Views are mixed within their half, so that a query's labels are
        counterparts in the other half, never one of its ingredients."""
        n, keys = len(first), joined([first, second])
        mixed_a, a = self._mix(first, cut, key.at(0))
        mixed_b, b = self._mix(second, cut, key.at(1))
        targets = Targets(torch.cat([a.index + n, b.index]), torch.cat([a.weight, b.weight]))
        return Views(joined([mixed_a, mixed_b]) if self.imix else keys, keys, targets, cut)


def _full(x: Activations) -> Activations:
    """The same activations, with what is mixed of them in float32 at least."""
    return x.replaced(at_least_float32(x.values)) if isinstance(x, Ragged) else at_least_float32(x)


def _draw(cuts: tuple[str, ...], key: Key) -> str:
    if len(cuts) == 1:
        return cuts[0]
    return cuts[int(torch.randint(len(cuts), (), generator=key.generator()))]


def _check(term: TermSettings, method: AnyMethod, encoder: Encoder) -> None:
    term.noise.check(encoder.front)
    last_noise = max(encoder.position(cut) for cut in term.noise.cut)
    mixed_at = [cut for part in (term.imix, term.noise) if part and not isinstance(part, NoNoise) for cut in part.cut]
    for cut in mixed_at:
        if encoder.position(cut) < encoder.position(encoder.first):
            raise InputError(
                f"nothing can be mixed or changed at {cut!r}: samples have no one shape there; "
                f"take one of {', '.join(encoder.cuts)}"
            )
    if term.imix is None:
        return
    if method.without_imix is not None:
        raise InputError(method.without_imix)
    if min(encoder.position(cut) for cut in term.imix.cut) < last_noise:
        mixed, noisy = ("/".join(map(encoder.resolve_cut, part.cut)) for part in (term.imix, term.noise))
        raise InputError(
            f"i-Mix at {mixed} comes before the noise at {noisy}; "
            "queries are mixed after the views are made, so set imix.cut behind noise.cut"
        )
