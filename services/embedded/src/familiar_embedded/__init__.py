"""Familiar on one machine without containers: starts the parts, keeps them running, stops them."""
