"""Train encoders: the objective, the loop, optimizers, checkpoints and progress."""
