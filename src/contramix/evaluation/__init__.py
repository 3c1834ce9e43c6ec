"""Evaluate whether pre-training helped, by probes on frozen representations compared with baselines."""
