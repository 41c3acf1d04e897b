from __future__ import annotations

import math
from decimal import Decimal, localcontext

import pytest
import torch
from torch import Tensor

from prover.train.losses import (
    IGNORED,
    SMALL,
    Loss,
    attempts,
    coverage_loss,
    summed,
    token_log_probs,
    uncovered,
    weight,
)

pytestmark = pytest.mark.lm

PROBABILITIES = [1e-30, 1e-9, 1e-4, 0.003, 0.0124, 0.0126, 0.2, 0.5, 0.7, 0.99, 1 - 1e-9]


def exact(p: float, n: float) -> tuple[float, float]:
    """F(N, p) and -log(1 - (1-p)^N) with sixty digits."""
    with localcontext() as context:
        context.prec = 60
        q, many = Decimal(p), Decimal(n)
        miss = (1 - q) ** many
        return float(many * q * (1 - q) ** (many - 1) / (1 - miss)), float(-(1 - miss).ln())


@pytest.mark.parametrize("n", [1.0, 1.5, 2.0, 8.0, 256.0, 4096.0])
def test_weight_and_value_are_those_of_the_formula(n: float) -> None:
    log_p = torch.tensor(PROBABILITIES, dtype=torch.float64).log()
    wanted = [exact(p, n) for p in PROBABILITIES]
    many = torch.full_like(log_p, n)
    torch.testing.assert_close(weight(log_p, many).tolist(), [f for f, _ in wanted], rtol=3e-4, atol=1e-12)
    torch.testing.assert_close(uncovered(log_p, many).tolist(), [v for _, v in wanted], rtol=1e-4, atol=1e-12)


def test_the_gradient_is_that_of_the_coverage_by_autograd() -> None:
    n = torch.tensor([2.0, 8.0, 8.0, 64.0, 1.0], dtype=torch.float64)
    start = torch.tensor([0.1, 0.05, 0.6, 0.01, 0.3], dtype=torch.float64).log()
    ours, plain = start.clone().requires_grad_(), start.clone().requires_grad_()
    torch.autograd.backward(coverage_loss(ours, n).sum())
    torch.autograd.backward(-(1 - (1 - plain.exp()) ** n).log().sum())
    torch.testing.assert_close(ours.grad, plain.grad, rtol=1e-9, atol=0.0)


def test_the_gradient_is_that_of_finite_differences() -> None:
    step = 1e-6
    for p, n in [(0.3, 4.0), (0.002, 8.0), (0.9, 2.0), (0.012, 8.0)]:
        many = torch.tensor([n], dtype=torch.float64)
        log_p = torch.tensor([math.log(p)], dtype=torch.float64, requires_grad=True)
        torch.autograd.backward(coverage_loss(log_p, many).sum())
        above, below = (
            float(uncovered(torch.tensor([math.log(p) + d], dtype=torch.float64), many)) for d in (step, -step)
        )
        assert log_p.grad is not None
        assert float(log_p.grad) == pytest.approx((above - below) / (2 * step), rel=1e-3)


def test_one_attempt_is_cross_entropy_to_the_last_bit() -> None:
    start = torch.tensor([-1e-7, -0.3, -5.0, -80.0, -2000.0])
    ours, plain = start.clone().requires_grad_(), start.clone().requires_grad_()
    loss, cross_entropy = coverage_loss(ours, torch.ones(5)), -plain
    torch.autograd.backward(loss.sum())
    torch.autograd.backward(cross_entropy.sum())
    assert torch.equal(loss, cross_entropy)
    assert ours.grad is not None
    assert plain.grad is not None
    assert torch.equal(ours.grad, plain.grad)


@pytest.mark.parametrize("n", [2.0, 8.0, 1000.0])
def test_the_branch_for_small_p_joins_without_a_step(n: float) -> None:
    around = torch.tensor([SMALL / n * (1 - 1e-9), SMALL / n * (1 + 1e-9)], dtype=torch.float64).log()
    many = torch.full_like(around, n)
    for function in (weight, uncovered):
        below, above = function(around, many).tolist()
        assert below == pytest.approx(above, rel=2e-4)


def test_what_is_out_of_reach_keeps_its_weight_and_what_is_sure_loses_it() -> None:
    log_p = torch.tensor([-5000.0, -120.0, -1e-9, 0.0])
    n = torch.full((4,), 16.0)
    assert weight(log_p, n).tolist() == pytest.approx([1.0, 1.0, 0.0, 0.0], abs=1e-12)
    assert uncovered(log_p, n).isfinite().all()
    assert coverage_loss(log_p, n)[2:].tolist() == pytest.approx([0.0, 0.0], abs=1e-12)


def test_the_weight_falls_as_p_grows_and_as_attempts_do() -> None:
    log_p = torch.linspace(-12, -0.01, 200)
    falling = weight(log_p, torch.full_like(log_p, 8.0))
    # The two branches meet with an error of 1e-4.
    assert (falling.diff() < 2e-4).all()
    assert weight(torch.tensor([-2.0] * 3), torch.tensor([2.0, 4.0, 8.0])).diff().max() < 0


def test_attempts_are_spread_over_the_steps_of_a_proof() -> None:
    steps = torch.tensor([1, 2, 4, 64])
    assert attempts(Loss.ce, 16, steps).tolist() == [1, 1, 1, 1]
    assert attempts(Loss.dco, 16, steps).tolist() == [16] * 4
    assert attempts(Loss.dco_step, 16, steps).tolist() == [16] * 4
    assert attempts(Loss.ua, 16, steps).tolist() == [16, 8, 4, 1]


def test_prompt_tokens_do_not_count() -> None:
    logits = torch.randn(1, 4, 7, generator=torch.Generator().manual_seed(1), requires_grad=True)
    labels = torch.tensor([[IGNORED, 3, 5, IGNORED]])
    found = token_log_probs(logits, labels)
    plain: Tensor = logits.detach().log_softmax(-1)
    assert found[0].detach().tolist() == pytest.approx(
        [0.0, float(plain[0, 1, 3]), float(plain[0, 2, 5]), 0.0], abs=1e-6
    )
    torch.autograd.backward(found.sum())
    assert logits.grad is not None
    assert logits.grad[0].abs().sum(-1).bool().tolist() == [False, True, True, False]


def test_log_probabilities_are_summed_within_their_groups() -> None:
    tokens = torch.tensor([[-1.0, -2.0, -4.0], [-8.0, -16.0, -32.0]])
    groups = torch.tensor([[0, 0, -1], [1, 2, 1]])
    assert summed(tokens, groups, 3).tolist() == [-3.0, -40.0, -16.0]
