"""Messenger: tells others of events, by signed webhooks and MQTT, each in order and from the table until they have it.

A process of its own, ``python -m familiar_gateway.messenger``. ``instructions`` reads from a file whom to tell of what;
a ``Courier`` has one destination, and hands what waits for it to a ``sender``.
"""
