import pytest
import torch
from torch import nn

from contramix import ContrastiveEncoder
from contramix.runtime import precision
from contramix.runtime.precision import MIN_BFLOAT16_WEIGHTS, at_least_float32, has_bfloat16, in_bfloat16

CPU = torch.device("cpu")
LARGE, SMALL = nn.Linear(MIN_BFLOAT16_WEIGHTS, 1), nn.Linear(10, 10)


@pytest.mark.parametrize("native", [True, False])
def test_auto_takes_bfloat16_for_large_networks_where_it_is_native(monkeypatch, native):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: native)
    assert in_bfloat16("auto", LARGE, CPU) == native
    assert not in_bfloat16("auto", SMALL, CPU)
    assert not in_bfloat16("auto", nn.Linear(MIN_BFLOAT16_WEIGHTS, 1).requires_grad_(False), CPU)
    assert in_bfloat16("bfloat16", SMALL, CPU)
    assert not in_bfloat16("float32", LARGE, CPU)


def test_a_processor_of_an_unknown_kind_has_none():
    assert not has_bfloat16(torch.device("meta"))
    assert has_bfloat16(CPU) in (True, False)


def test_full_raises_low_precision_only():
    assert at_least_float32(torch.ones(2, dtype=torch.bfloat16)).dtype == torch.float32
    double = torch.ones(2, dtype=torch.float64)
    assert at_least_float32(double) is double


def test_a_run_says_its_precision_and_its_model_is_float32():
    x = torch.randn(64, 5, generator=torch.Generator().manual_seed(0)).numpy()
    made = {}
    for setting in ("float32", "bfloat16", "auto"):
        overrides = {"train.precision": setting, "encoder.width": 16}
        encoder = ContrastiveEncoder("imix-npair", epochs=3, batch_size=16, random_state=0, overrides=overrides)
        made[setting] = encoder.fit_transform(x)
        assert made[setting].dtype == "float32"
        assert {p.dtype for p in encoder.model_.encoder.parameters()} == {torch.float32}
        assert encoder.model_.facts["precision"] == ("bfloat16" if setting == "bfloat16" else "float32")
    assert (made["auto"] == made["float32"]).all()
    assert (made["bfloat16"] != made["float32"]).any()
    assert abs(made["bfloat16"] - made["float32"]).mean() < 0.1 * abs(made["float32"]).mean()
