"""Model servers behind one interface, whatever serves (`opened.py`)."""
