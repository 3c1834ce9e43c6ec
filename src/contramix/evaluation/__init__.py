"""Whether pre-training helped: probes on frozen representations, the plain baselines beside them, and a verdict."""
