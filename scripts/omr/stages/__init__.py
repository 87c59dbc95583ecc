"""What CPU stages share: rows in, rows out, drops counted; shards by id; which way a problem goes."""
