"""Compare the transformer with torch's layers on texts without padding, and test padding and mixtures."""

import math

import pytest
import torch
from torch import nn

from contramix.encoders.encoder import Inputs
from contramix.encoders.transformer import Block, Pool, Transformer, log_presence, position_encoding
from contramix.encoders.user_module import wrap
from contramix.errors import InputError
from contramix.mixing.linear import Linear
from contramix.recipe import Recipe
from contramix.samples.padded_sequences import PaddedSequences
from contramix.types import apply_mixture, get_values

TOKENS = Inputs((12,), kind="tokens", tokens=50)
SETTINGS = Transformer(width=16, layers=2, heads=2, dropout=0.3)
IDS = torch.tensor(
    [
        [3, 9, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [7, 8, 9, 10, 11, 12, 13, 14, 0, 0, 0, 0],
        [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ],
    dtype=torch.int32,
)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return SETTINGS.build(TOKENS).eval()


def test_stages_and_cuts(encoder):
    assert encoder.all_cuts == ("input", "embed", "block1", "block2", "pool", "output")
    assert encoder.cuts == encoder.all_cuts[1:]
    assert (encoder.resolve_cut("auto"), encoder.width) == ("embed", 32)
    assert encoder(IDS).shape == (4, 32)


def test_a_text_alone_is_what_it_is_among_longer_ones_and_under_more_padding(encoder):
    whole = encoder(IDS)
    for row, length in enumerate([3, 8, 1]):
        alone = encoder(IDS[row : row + 1, :length])
        torch.testing.assert_close(alone, whole[row : row + 1], atol=1e-5, rtol=0)
    # Untrimmed, as on a GPU: a longest text that fills the length keeps the padding of all others.
    full = torch.arange(1, 13, dtype=torch.int32)[None]
    torch.testing.assert_close(encoder(torch.cat([IDS, full]))[:4], whole, atol=1e-5, rtol=0)


def test_a_batch_is_trimmed_to_its_longest_text(encoder):
    assert encoder.run(IDS, stop="embed").values.shape == (4, 8, 16)
    assert encoder.run(IDS[2:], stop="embed").values.shape == (2, 1, 16)
    assert encoder.run(IDS[3:], stop="embed").values.shape == (1, 1, 16)


def test_a_text_without_tokens_is_zero_and_has_finite_gradients(encoder):
    assert torch.equal(encoder(IDS)[3], torch.zeros(32))
    encoder(IDS[3:]).square().sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in encoder.parameters())


def test_a_block_is_torchs_own_layer():
    torch.manual_seed(1)
    mine = Block(16, 4, 32, dropout=0.0).eval()
    theirs = nn.TransformerEncoderLayer(16, 4, 32, 0.0, "gelu", batch_first=True, norm_first=True).eval()
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(mine.project.weight)
        theirs.self_attn.in_proj_bias.copy_(mine.project.bias.normal_())
        theirs.self_attn.out_proj.load_state_dict(mine.out.state_dict())
        theirs.linear1.load_state_dict(mine.mlp[0].state_dict())
        theirs.linear2.load_state_dict(mine.mlp[2].state_dict())
        theirs.norm1.load_state_dict(mine.norm1.state_dict())
        theirs.norm2.load_state_dict(mine.norm2.state_dict())
    x = torch.randn(3, 5, 16)
    there = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]]).bool()
    made = mine(PaddedSequences(x, there.float()).with_values(x))
    expected = theirs(x, src_key_padding_mask=~there)
    torch.testing.assert_close(made.values, expected.masked_fill(~there[..., None], 0.0), atol=1e-5, rtol=1e-5)


def test_a_key_weighs_by_its_presence():
    """Softmax weights times presences, brought to sum 1, as a loop over numbers."""
    logits, presence = [0.3, -1.0, 2.0, 0.7], torch.tensor([[1.0, 0.25, 0.0, 0.5]])
    got = (torch.tensor([logits]) + log_presence(presence)).softmax(1)[0].tolist()
    shares = [math.exp(a) * p for a, p in zip(logits, presence[0].tolist())]
    assert got == pytest.approx([share / sum(shares) for share in shares])
    assert got[2] == 0.0


def test_gradients_through_presences_are_finite():
    presence = torch.tensor([[1.0, 0.25, 0.0]], requires_grad=True)
    log_presence(presence).softmax(1).square().sum().backward()
    assert presence.grad is not None
    assert bool(presence.grad.isfinite().all())


def test_pooling_is_by_presence():
    pool = Pool(2).eval()
    pool.norm = nn.Identity()
    x = PaddedSequences(torch.tensor([[[1.0, -5.0], [3.0, -7.0], [0.0, 0.0]]]), torch.tensor([[1.0, 0.5, 0.0]]))
    mean = [(1 + 0.5 * 3) / 1.5, (-5 - 0.5 * 7) / 1.5]
    largest = [max(1.0, 3 + math.log(0.5)), max(-5.0, -7 + math.log(0.5))]  # not the 0 under padding
    assert pool(x)[0].tolist() == pytest.approx(mean + largest)


@pytest.mark.parametrize("cut", ["embed", "block1", "block2", "pool", "output"])
def test_mixing_with_weight_1_is_not_mixing_and_else_both_partners_learn(encoder, cut, generator):
    x = encoder.run(IDS, stop=cut)
    partner = torch.tensor([[1], [0], [1], [0]])

    def mixed(own: float):
        weight = torch.tensor([[own, 1 - own]] * 4)
        return encoder.run(apply_mixture(x, Linear()(get_values(x), partner, weight, generator=generator)), start=cut)

    whole = encoder(IDS)
    torch.testing.assert_close(mixed(1.0), whole, atol=1e-5, rtol=0)
    # And near it nothing jumps: a partner's longer end fades in.
    torch.testing.assert_close(mixed(1 - 1e-7)[:3], whole[:3], atol=1e-2, rtol=0)
    for ingredient in (0, 1):
        values = get_values(x)
        (gradient,) = torch.autograd.grad(mixed(0.6)[0].square().sum(), values, retain_graph=True)
        assert gradient[ingredient].abs().max() > 0
        assert gradient[2].abs().max() == 0


def test_dropout_makes_two_views_in_training_only(encoder):
    assert torch.equal(encoder(IDS), encoder(IDS))
    encoder.train()
    assert not torch.equal(encoder(IDS)[:3], encoder(IDS)[:3])


def test_places_differ_and_order_counts(encoder):
    made = position_encoding(20, 16)
    assert torch.pdist(made).min() > 0.1
    assert not torch.allclose(encoder(IDS[:1]), encoder(IDS[:1].flip(1)))
    assert not torch.allclose(encoder(torch.tensor([[3, 9, 4]])), encoder(torch.tensor([[9, 3, 4]])), atol=1e-3)


def test_embedded_tokens_have_mean_0_and_variance_1(encoder):
    values = encoder.run(IDS, stop="embed").values[1]
    torch.testing.assert_close(values.mean(1), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(values.var(1, unbiased=False), torch.ones(8), atol=1e-3, rtol=0)


def test_series_of_differing_lengths(encoder):
    inputs = Inputs((3, 10), kind="steps", varying=True)
    torch.manual_seed(0)
    encoder = SETTINGS.build(inputs).eval()
    x = torch.randn(2, 3, 10)
    presence = torch.ones(2, 10)
    presence[1, 4:] = 0
    made = encoder.run(PaddedSequences(x, presence, axis=2).with_values(x))
    torch.testing.assert_close(made[:1], encoder.run(x[:1]), atol=1e-5, rtol=0)
    torch.testing.assert_close(made[1:], encoder.run(x[1:, :, :4]), atol=1e-5, rtol=0)
    assert (encoder.resolve_cut("auto"), made.shape) == ("input", (2, 32))


@pytest.mark.parametrize("wrong", [{"width": 10, "heads": 4}, {"width": 9, "heads": 3}, {"dropout": 1.0}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match=r"encoder\.(heads|dropout)"):
        Recipe.load("npair", {f"encoder.{name}": value for name, value in wrong.items()}, domain="text")


class Mean(nn.Module):
    """A user's module that takes a mask by the name given."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(50, 4)

    def forward(self, ids, attention_mask):
        assert (ids.dtype, attention_mask.dtype) == (torch.int64, torch.bool)
        assert torch.equal(attention_mask, ids != 0)
        there = attention_mask[..., None].float()
        return (self.table(ids) * there).sum(1) / there.sum(1).clamp(min=1)


def test_a_module_of_the_users_gets_tokens_and_a_mask():
    module = Mean()
    encoder = wrap(module, TOKENS)
    assert (encoder.cuts, encoder.resolve_cut("auto"), encoder.width) == (("output",), "output", 4)
    torch.testing.assert_close(encoder(IDS)[0], module.table.weight[[3, 9, 4]].mean(0))


def test_a_module_without_a_mask_gets_tokens_alone_and_a_wrong_one_is_named():
    encoder = wrap(nn.Sequential(nn.EmbeddingBag(50, 6)), TOKENS)
    assert (encoder(IDS).shape, encoder.cuts) == ((4, 6), ("output",))
    with pytest.raises(InputError, match=r"one vector per sample; for 2 samples it returns \(2, 12, 6\)"):
        wrap(nn.Embedding(50, 6), TOKENS)
    with pytest.raises(InputError, match=r"does not take inputs of shape \(12,\)"):
        wrap(nn.Linear(12, 6), TOKENS)
