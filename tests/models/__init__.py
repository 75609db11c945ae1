"""Small domains that the tests share; imported, never changed by a test."""
