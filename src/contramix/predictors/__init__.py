"""Learn to predict a target from few labeled rows of features, and store what was learned as arrays."""
