"""This file will list the public names."""
