"""What a database holds: the catalogs' rows, and the `Schema` that is made of them."""
