"""Files of rows and of ids: JSON Lines, folders and files that appear whole, locks, sets and tables of ids."""
