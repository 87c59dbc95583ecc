"""Replies of hosted models by their batch APIs: submitted in files, fetched some hours later, for half the price."""
