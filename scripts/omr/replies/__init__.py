"""The reply store: raw replies of models, journaled as they arrive, found by what they answer."""
