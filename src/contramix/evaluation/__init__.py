"""Evaluate whether pre-training helped: compare probes on a model's representations with baselines."""
