"""The taste model: a prior over users' tastes, learned; the history makes it a posterior."""
