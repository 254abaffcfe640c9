"""The losses of a training: the error of the closed loop, and the probe that tells movements apart."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from myobridge import SERVOS
from myobridge_models.network.families.base import FULL_SWING_DEG, Network
from myobridge_models.network.shape import HISTORY_STEPS

SQUARED_DEG: Final = 30.0


def random_history(poses_deg: Tensor, count: int, noise_deg: float) -> Tensor:
    """Returns histories (count, 10) that do not tell the present: random rows of poses_deg (P, 5), with noise."""
    held = poses_deg[torch.randint(len(poses_deg), (count,))].repeat(1, HISTORY_STEPS)
    return (held + noise_deg * torch.randn_like(held)).clamp(0, FULL_SWING_DEG)


def with_past(history_deg: Tensor, past_deg: Tensor, share: float, noise_deg: float) -> Tensor:
    """Returns histories (N, 10) of which this share tells the past (N, 10), with noise, so that a network trusts it."""
    noisy = (past_deg + noise_deg * torch.randn_like(past_deg)).clamp(0, FULL_SWING_DEG)
    return torch.where(torch.rand(len(past_deg), 1) < share, noisy, history_deg)


def closed_loop(network: Network, features: Tensor, history_deg: Tensor) -> Tensor:
    """Returns the angles (N, K, 5) of K windows in a row; features (N, K, F), and history_deg (N, 10) before them."""
    found = []
    for k in range(features.shape[1]):
        angles = network.decide(features[:, k], history_deg)  # (N, 5)
        found.append(angles)
        history_deg = torch.cat((angles.detach(), history_deg[:, : len(SERVOS)]), dim=1)
    return torch.stack(found, dim=1)


def angle_loss(
    angles_deg: Tensor, target_deg: Tensor, counts: Tensor, movement: Tensor, pose_slack_deg: float = 0.0
) -> Tensor:
    """Returns the mean error as a share of the full swing, over the windows that count.

    The error is absolute, so that a network chooses a pose; where angles are known (movement -1), it is squared up to
    SQUARED_DEG, so that a network learns the mean of depths that it cannot tell apart. An error of a pose up to
    pose_slack_deg costs nothing.

    angles_deg and target_deg (N, K, 5), counts and movement (N, K).
    """
    total = angles_deg.new_zeros(())
    for k in range(angles_deg.shape[1]):
        error = (angles_deg[:, k] - target_deg[:, k]).abs()
        followed = torch.where(error < SQUARED_DEG, error**2 / (2 * SQUARED_DEG), error - SQUARED_DEG / 2)
        chosen = (error - pose_slack_deg).clamp(min=0)
        error = torch.where(movement[:, k, None] < 0, followed, chosen).mean(dim=1) / FULL_SWING_DEG
        total = total + (error * counts[:, k]).sum()
    return total / counts.sum().clamp(min=1)


def probe_loss(scores: Tensor, movement: Tensor, counts: Tensor) -> Tensor:
    """Returns the cross-entropy of scores (N, K, movements) over the windows that count (N, K) and have a movement."""
    each = nn.functional.cross_entropy(scores.flatten(0, 1), movement.flatten(), reduction="none", ignore_index=-1)
    return (each * counts.flatten()).sum() / (counts * (movement >= 0)).sum().clamp(min=1)
