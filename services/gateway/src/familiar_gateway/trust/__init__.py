"""Trust: why a browser believes that it talks to us: an authority of our own, its certificates, and how to trust it.

A process of its own, ``python -m familiar_gateway.trust``: it alone needs the authority's key. ``Keeper`` keeps a
certificate in a folder for whoever speaks TLS, ``door`` answers on the port for http.
"""
