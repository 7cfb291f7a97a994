"""Measures recognition quality: from pictures on disk, through the code that the system runs, to tables and charts."""
