"""Performance: the broker as it is shipped beside its peers, on loopback, bounded in time and count.

Refuses to be part of continuous integration: what it finds depends on the machine and on the minute.
"""
