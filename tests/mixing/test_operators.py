"""Test properties that all mixing operators share, and the formula of each one."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from contramix.errors import InputError
from contramix.mixing import OPERATORS, AnyOperator
from contramix.mixing.binary import Binary
from contramix.mixing.cutmix import CutMix
from contramix.mixing.geometric import Geometric
from contramix.mixing.linear import Linear
from contramix.mixing.operator import Operator

SHAPES = {"vector": (5,), "series": (2, 6), "image": (3, 5, 7)}
MODES = ("minmax", "signed_log", "shift")
several = pytest.mark.parametrize("partners", [1, 2, 4])
shaped = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
every = pytest.mark.parametrize("kind", OPERATORS)
every_with_partners = pytest.mark.parametrize(
    ("kind", "partners"), [(kind, p) for kind in OPERATORS for p in (1, 2, 4) if p == 1 or kind != "cutmix"]
)


def positive(shape: tuple[int, ...], n: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed)) + 0.1


def rows(*weights: float, n: int = 6) -> torch.Tensor:
    return torch.tensor([weights] * n)


def random_weights(n: int, partners: int, seed: int = 0) -> torch.Tensor:
    w = torch.rand(n, partners + 1, generator=torch.Generator().manual_seed(seed)) + 0.05
    return w / w.sum(1, keepdim=True)


def ring(n: int, partners: int) -> torch.Tensor:
    """Sample k's partners are k + 1, k + 2, ..."""
    return torch.stack([(torch.arange(n) + p + 1) % n for p in range(partners)], 1)


@every
def test_each_member_is_read_from_a_recipe_by_name(kind):
    made = TypeAdapter(AnyOperator).validate_python(kind)
    assert type(made) is OPERATORS[kind]
    assert TypeAdapter(AnyOperator).dump_python(made)["kind"] == kind


@every_with_partners
@shaped
def test_weight_one_gives_x_exactly(kind, shape, partners, generator):
    x = positive(shape)
    x.view(6, -1)[:, 0] = 0.0  # below geometric's eps
    weight = rows(1.0, *[0.0] * partners)
    mixed = OPERATORS[kind]()(x, ring(6, partners), weight, generator=generator)
    assert torch.equal(mixed.x, x)
    assert torch.equal(mixed.weight, weight)


@every_with_partners
@shaped
def test_a_sample_mixed_with_itself_is_itself(kind, shape, partners, generator):
    x = positive(shape)
    partner = torch.arange(6)[:, None].expand(6, partners)
    mixed = OPERATORS[kind]()(x, partner, random_weights(6, partners), generator=generator)
    torch.testing.assert_close(mixed.x, x)


@pytest.mark.parametrize("mode", MODES)
def test_geometric_of_a_sample_with_itself_is_itself_in_every_mode(mode, generator):
    x = torch.randn(6, 5, generator=generator) * 3
    x[0, 0] = 0.0
    mixed = Geometric(mode=mode)(x, torch.arange(6)[:, None], rows(0.3, 0.7), generator=generator)
    torch.testing.assert_close(mixed.x, x, atol=1e-4, rtol=1e-4)


@every_with_partners
@shaped
def test_inputs_are_untouched_and_the_same_state_gives_the_same_result(kind, shape, partners):
    x, partner, weight = positive(shape), ring(6, partners), random_weights(6, partners)
    kept = [t.clone() for t in (x, partner, weight)]
    first, again = (OPERATORS[kind]()(x, partner, weight, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    for now, then in zip((x, partner, weight), kept):
        assert torch.equal(now, then)
    assert first.x.data_ptr() != x.data_ptr()
    assert all(torch.equal(a, b) for a, b in zip(first, again))


@pytest.mark.parametrize("kind", ["binary", "cutmix"])
def test_operators_that_draw_take_their_draws_from_the_generator(kind):
    x, state = positive((3, 8, 8)), torch.get_rng_state()
    first, other = (
        OPERATORS[kind]()(x, ring(6, 1), rows(0.5, 0.5), generator=torch.Generator().manual_seed(seed))
        for seed in (0, 1)
    )
    assert not torch.equal(first.x, other.x)
    assert torch.equal(torch.get_rng_state(), state)


@every
@shaped
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 7), partners=st.integers(1, 4))
def test_realised_weights_are_shares(kind, shape, seed, n, partners):
    partners = 1 if kind == "cutmix" else partners
    x, g = positive(shape, n, seed), torch.Generator().manual_seed(seed)
    partner = torch.randint(n, (n, partners), generator=g)
    mixed = OPERATORS[kind]()(x, partner, random_weights(n, partners, seed), generator=g)
    assert mixed.x.shape == x.shape
    assert mixed.x.isfinite().all()
    assert torch.equal(mixed.partner, partner)
    assert mixed.weight.shape == (n, partners + 1)
    assert (mixed.weight >= 0).all()
    assert (mixed.weight <= 1).all()
    torch.testing.assert_close(mixed.weight.sum(1), torch.ones(n))


@every_with_partners
def test_gradients_reach_the_sample_and_its_partners(kind, partners, generator):
    x = positive((40,)).requires_grad_()
    mixed = OPERATORS[kind]()(x, ring(6, partners), rows(*[1 / (partners + 1)] * (partners + 1)), generator=generator)
    (grad,) = torch.autograd.grad(mixed.x[0].sum(), x)
    assert grad.isfinite().all()
    assert all(bool(grad[source].any()) == (source <= partners) for source in range(6))


@shaped
@several
def test_linear_is_the_weighted_sum(shape, partners, generator):
    x, weight, partner = positive(shape).double(), random_weights(6, partners).double(), ring(6, partners)
    mixed = Linear()(x, partner, weight, generator=generator)
    assert torch.equal(mixed.weight, weight)
    for k in range(6):
        want = float(weight[k, 0]) * x[k]
        for p in range(partners):
            want = want + float(weight[k, p + 1]) * x[int(partner[k, p])]
        torch.testing.assert_close(mixed.x[k], want, rtol=1e-12, atol=1e-12)


@several
def test_geometric_without_a_mode_is_the_product_of_powers(partners, generator):
    """eq. 5 of DACL on numbers >= 0, with eps added on each side so that zero stays a number."""
    x, weight, partner = positive((4,)).double(), random_weights(6, partners).double(), ring(6, partners)
    x[2, 1] = 0.0
    eps = 1e-9
    mixed = Geometric(eps=eps)(x, partner, weight, generator=generator)
    for k in range(6):
        for d in range(4):
            sources = [x[k, d].item(), *(x[int(j), d].item() for j in partner[k])]
            want = math.prod((s * (1 - eps) + eps) ** w for s, w in zip(sources, weight[k].tolist(), strict=True))
            assert mixed.x[k, d].item() == pytest.approx((want - eps) / (1 - eps), rel=1e-6, abs=1e-8)
    assert torch.equal(mixed.weight, weight)


def test_geometric_is_below_the_linear_mixture_and_between_its_sources(generator):
    x = positive((50,)).double()
    geometric = Geometric()(x, ring(6, 1), rows(0.5, 0.5).double(), generator=generator).x
    other = x[ring(6, 1)[:, 0]]
    assert (geometric <= (x + other) / 2 + 1e-9).all()
    assert (geometric >= torch.minimum(x, other) - 1e-9).all()
    assert (geometric < (x + other) / 2 - 1e-4).any()


@pytest.mark.parametrize("mode", MODES)
@settings(deadline=None, max_examples=40)
@given(
    values=st.lists(
        st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, -0.0, 1e-30, -1e-30]), min_size=8, max_size=8
    ),
    own=st.floats(0, 1, width=32),
)
def test_geometric_with_a_mode_is_never_nan(mode, values, own):
    x = torch.tensor(values).reshape(2, 4)
    weight = torch.tensor([[own, 1 - own]] * 2)
    mixed = Geometric(mode=mode)(x, torch.tensor([[1], [0]]), weight, generator=torch.Generator())
    assert mixed.x.isfinite().all()


def test_geometric_on_zeros_is_a_number_with_a_finite_gradient(generator):
    x = torch.tensor([[0.0, 0.5], [1.0, 0.0]], requires_grad=True)
    mixed = Geometric()(x, ring(2, 1), rows(0.9, 0.1, n=2), generator=generator)
    mixed.x.sum().backward()
    assert mixed.x.isfinite().all()
    assert x.grad.isfinite().all()


def test_geometric_refuses_negative_numbers_without_layout_and_mode(generator):
    x = torch.tensor([[0.5, -0.5], [1.0, 2.0]])
    with pytest.raises(ValueError, match="mode"):
        Geometric()(x, ring(2, 1), rows(0.5, 0.5, n=2), generator=generator)
    Geometric(mode="minmax")(x, ring(2, 1), rows(0.5, 0.5, n=2), generator=generator)


def test_geometric_minmax_is_the_formula_on_the_image_between_smallest_and_largest(generator):
    x = (torch.randn(6, 4, generator=generator) * 2).double()
    low, high, eps = x.min().item(), x.max().item(), 0.01
    mixed = Geometric(mode="minmax", eps=eps)(x, ring(6, 1), rows(0.6, 0.4).double(), generator=generator)
    for k in range(6):
        for d in range(4):
            a, b = (eps + (1 - eps) * (v[d].item() - low) / (high - low) for v in (x[k], x[(k + 1) % 6]))
            want = (a**0.6 * b**0.4 - eps) / (1 - eps) * (high - low) + low
            assert mixed.x[k, d].item() == pytest.approx(want, abs=1e-6)


def test_geometric_shift_and_signed_log_by_their_formulas(generator):
    x = torch.tensor([[-2.0, 0.0], [3.0, 1.0]]).double()
    weight = rows(0.6, 0.4, n=2).double()
    shift = Geometric(mode="shift", eps=0.5)(x, ring(2, 1), weight, generator=generator).x
    assert shift[0, 0].item() == pytest.approx(0.5**0.6 * 5.5**0.4 - 0.5 - 2.0, abs=1e-6)
    signed = Geometric(mode="signed_log")(x, ring(2, 1), weight, generator=generator).x
    assert signed[0, 0].item() == pytest.approx(math.sinh(0.6 * math.asinh(-2.0) + 0.4 * math.asinh(3.0)), abs=1e-6)


@several
def test_binary_takes_each_element_from_one_source_and_reports_the_counted_share(partners, generator):
    n, d = 6, 2000
    x = torch.arange(n).float()[:, None].expand(n, d).clone()  # the value says the source
    weight = random_weights(n, partners)
    mixed = Binary()(x, ring(n, partners), weight, generator=generator)
    for k in range(n):
        for place, source in enumerate([k, *ring(n, partners)[k].tolist()]):
            counted = sum(value == source for value in mixed.x[k].tolist()) / d
            assert mixed.weight[k, place].item() == pytest.approx(counted, abs=1e-6)
            assert counted == pytest.approx(weight[k, place].item(), abs=5 * math.sqrt(0.25 / d))


def test_binary_draws_anew_for_each_sample_and_element(generator):
    x = torch.arange(6).float()[:, None].expand(6, 200).clone()
    own = Binary()(x, ring(6, 1), rows(0.5, 0.5), generator=generator).x == x
    assert len({tuple(row) for row in own.tolist()}) == 6
    assert own.float().mean(0).unique().numel() > 2


@pytest.mark.parametrize("own", [0.0, 0.2, 0.5, 0.9, 0.999, 1.0])
def test_cutmix_weight_is_the_counted_share_of_pixels(own, generator):
    n, height, width = 64, 9, 13
    x = torch.arange(n).float()[:, None, None, None].expand(n, 2, height, width).clone()
    mixed = CutMix()(x, ring(n, 1), rows(own, 1 - own, n=n), generator=generator)
    longest = [2 * (math.floor(side * math.sqrt(1 - own) + 1e-6) // 2) for side in (height, width)]
    areas = set()
    for k in range(n):
        kept = mixed.x[k] == k
        assert (mixed.x[k][~kept] == (k + 1) % n).all()
        assert torch.equal(kept[0], kept[1])  # one box for all channels
        assert mixed.weight[k, 0].item() == pytest.approx(kept.float().mean().item(), abs=1e-6)
        pasted = (~kept[0]).nonzero()
        if not len(pasted):
            continue
        tall, wide = (pasted.max(0).values - pasted.min(0).values + 1).tolist()
        assert tall * wide == len(pasted)  # a whole box
        assert tall <= longest[0]
        assert wide <= longest[1]
        areas.add((tall, wide))
    if 0 < own < 0.999:
        assert tuple(longest) in areas
        assert len(areas) > 1


def test_cutmix_realises_on_average_more_than_its_nominal_weight(generator):
    """Beta(1, 1) folded, at 32 x 32: nominal 0.75; the mean over all weights and centres by counting.

    The published code measures 0.834: its box is centre +- half a side, which loses a pixel of an odd side.
    """
    n = 4000
    own = torch.rand(n, generator=generator)
    own = torch.maximum(own, 1 - own)
    want = 0.0
    for step in range(200):
        length = math.floor(32 * math.sqrt(1 - (0.5 + (step + 0.5) / 400)))
        sides = [min(32, c + length // 2) - max(0, c - length // 2) for c in range(32)]
        want += (1 - (sum(sides) / 32 / 32) ** 2) / 200
    mixed = CutMix()(torch.zeros(n, 1, 32, 32), ring(n, 1), torch.stack([own, 1 - own], 1), generator=generator)
    assert want == pytest.approx(0.834, abs=0.002)
    assert mixed.weight[:, 0].mean().item() == pytest.approx(want, abs=0.006)


def test_cutmix_refuses_several_partners(generator):
    with pytest.raises(ValueError, match="one partner"):
        CutMix()(positive((3, 5, 7)), ring(6, 2), random_weights(6, 2), generator=generator)


def test_an_operator_of_the_users_is_a_class_and_a_line_in_the_dict(monkeypatch, generator):
    class Sum(Operator):
        factor: float = 1.0

        def __call__(self, x, partner, weight, *, generator, layout=None):
            return Linear()(x * self.factor, partner, weight, generator=generator)

    monkeypatch.setitem(OPERATORS, "sum", Sum)
    made = TypeAdapter(AnyOperator).validate_python({"kind": "sum", "factor": 2.0})
    x = positive((3,))
    assert torch.equal(made(x, ring(6, 1), rows(1.0, 0.0), generator=generator).x, 2 * x)


def test_errors_of_operators_are_the_users_to_mend():
    assert issubclass(InputError, ValueError)
