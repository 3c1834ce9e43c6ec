"""Provide estimators for scikit-learn."""
