"""Any source format in; valid rows and rejected rows out, each with its reason."""
