"""Train encoders: the loss, the training loop, optimizers, checkpoints and progress reports."""
