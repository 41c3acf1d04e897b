"""What is minimised: cross-entropy, or the chance that a search of a given size finds nothing.

With p the probability that the model gives to what it ought to write, cross-entropy is -log p. A search that draws N times finds it
with probability 1 - (1 - p)^N, its *coverage*; Chen et al., "Rethinking Fine-Tuning when Scaling Test-Time Compute: Limiting
Confidence Improves Mathematical Reasoning" (arXiv 2502.07154), train for that directly and call it DCO:

    l = -log(1 - (1 - p)^N)
    grad l = F(N, p) * grad(-log p)
    F(N, p) = N p (1 - p)^(N-1) / (1 - (1 - p)^N)

F is 1 for N = 1, near 1 for p far below 1/N, and falls to 0 as p exceeds 1/N: what is found anyway is not learnt further. The
losses differ in what p and N are of:

==========  =====================================  ==========================================================================
loss        p is the probability of                N
==========  =====================================  ==========================================================================
`ce`        (N = 1)                                1
`dco`       a whole proof: the product over its    attempts at the whole proof. The paper, "naive DCO"
            tactics, or one whole-proof completion
`dco-step`  one tactic                             N_eff, the attempts at one state: small for a deep, large for a wide search.
                                                   A proof of k steps needs about N_eff^k attempts. The paper, "DCO^step"
`ua`        one tactic                             K = N/L: a budget of N expansions, spread evenly over the L steps of the
                                                   proof. Ousherovitch and Tewari, "Direct optimization of generators for
                                                   search in ATP", loss UA
==========  =====================================  ==========================================================================

All functions take natural logarithms of probabilities and are pure.
"""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional

IGNORED = -100
"""The label of a token that is not learnt: of prompts, and of what fills a row up. torch's own convention."""

SMALL = 0.1
"""Below this value of p N the fractions are computed from series, as in the code of the paper (allanraventos/refine)."""


class Loss(StrEnum):
    """What is minimised."""

    ce = "ce"
    dco = "dco"
    dco_step = "dco-step"
    ua = "ua"


def token_log_probs(logits: Tensor, labels: Tensor) -> Tensor:
    """The log-probability of each label; 0 where it is `IGNORED`.

    Args:
        logits: [..., vocabulary], those from which the label at the same place is predicted.
        labels: [...], indices into the vocabulary.
    """
    flat = functional.cross_entropy(
        logits.float().flatten(0, -2), labels.flatten(), ignore_index=IGNORED, reduction="none"
    )
    return -flat.view(labels.shape)


def summed(log_probs: Tensor, groups: Tensor, count: int) -> Tensor:
    """The log-probability of each group of tokens: the sum over its tokens.

    Args:
        log_probs: [...], of tokens.
        groups: [...], the group of each token, from 0 up to `count`; negative for those that are of none.
        count: how many groups there are.

    Returns:
        [count]
    """
    belongs = groups >= 0
    return log_probs.new_zeros(count).index_add(0, groups[belongs], log_probs[belongs])


def weight(log_p: Tensor, n: Tensor) -> Tensor:
    """F(N, p) = N p (1-p)^(N-1) / (1 - (1-p)^N), by which DCO multiplies the gradient of -log p.

    Source: arXiv 2502.07154, section 4; for p N < 0.1 the series of the paper's code,
    (1 - (N-1) p + (N-1)(N-2) p²/2) / (1 - (N-1) p/2 + (N-1)(N-2) p²/6), whose error is below 2e-4 there. It is 1 at N = 1, and
    where p is 0 to the last digit.

    Args:
        log_p: [...], log-probabilities, at most 0.
        n: [...], attempts, at least 1; need not be whole.

    Returns:
        [...], in double precision and without gradient: F is a factor.
    """
    log_p, n = _exact(log_p, n)
    p, log_miss = log_p.exp(), _log_of_rest(log_p)
    above = 1 - (n - 1) * p + (n - 1) * (n - 2) * p**2 / 2
    closed = n * p * ((n - 1) * log_miss).exp() / -torch.expm1(n * log_miss)
    found = torch.where(p * n < SMALL, above / _below(p, n), closed)
    return torch.where(n == 1, torch.ones_like(found), found)


def uncovered(log_p: Tensor, n: Tensor) -> Tensor:
    """-log(1 - (1-p)^N): how far from certain it is that one of N attempts hits.

    Source: arXiv 2502.07154, section 4. For p N < 0.1 it is -log(N p) - log(1 - (N-1) p/2 + (N-1)(N-2) p²/6), which stays finite
    where p is 0 to the last digit. At N = 1 it is -log p exactly.

    Args:
        log_p: [...], log-probabilities, at most 0.
        n: [...], attempts, at least 1.

    Returns:
        [...], in double precision and without gradient.
    """
    log_p, n = _exact(log_p, n)
    p, log_miss = log_p.exp(), _log_of_rest(log_p)
    series = -(n.log() + log_p + _below(p, n).log())
    found = torch.where(p * n < SMALL, series, -(-torch.expm1(n * log_miss)).log())
    return torch.where(n == 1, -log_p, found)


def coverage_loss(log_p: Tensor, n: Tensor) -> Tensor:
    """The loss of each group: its value is `uncovered`, its gradient `weight` times that of -log p.

    The gradient is put together from F and never taken through the closed form, whose own derivative is 0/0 for small p. At N = 1
    value and gradient are those of cross-entropy, to the last bit.

    Args:
        log_p: [groups], with gradient.
        n: [groups], attempts, at least 1.

    Returns:
        [groups]
    """
    surrogate = -log_p * weight(log_p, n).to(log_p.dtype)
    return surrogate + (uncovered(log_p, n).to(log_p.dtype) - surrogate.detach())


def attempts(loss: Loss, n: float, lengths: Tensor) -> Tensor:
    """N of each group, as the loss has it; see the table above.

    For `ua` it is at least 1, which is ours: a proof longer than the budget counts as in cross-entropy, while the formula's weight
    would grow without bound as p comes near to 1.

    Args:
        loss: which.
        n: the budget: N, or N_eff for `dco-step`. Not looked at for `ce`.
        lengths: [groups], the number of steps of the proof to which a group belongs.

    Returns:
        [groups]
    """
    if loss is Loss.ce:
        return torch.ones_like(lengths, dtype=torch.float64)
    if loss is Loss.ua:
        return (n / lengths.double()).clamp(min=1.0)
    return torch.full_like(lengths, n, dtype=torch.float64)


def _exact(log_p: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
    return log_p.detach().double().clamp(max=0.0), n.double()


def _log_of_rest(log_p: Tensor) -> Tensor:
    """log(1 - p) from log p without loss of digits (Mächler 2012, "Accurately computing log(1 - exp(-|a|))")."""
    small = torch.log1p(-log_p.clamp(max=-0.5).exp())
    return torch.where(log_p < -0.5, small, torch.log(-torch.expm1(log_p)))


def _below(p: Tensor, n: Tensor) -> Tensor:
    """(1 - (1-p)^N) / (N p) to the second order in p."""
    return 1 - (n - 1) * p / 2 + (n - 1) * (n - 2) * p**2 / 6
