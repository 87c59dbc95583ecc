"""Files of hub repositories."""
