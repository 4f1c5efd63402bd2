"""Owns what every table is made with: names of keys and indexes, and the form of keys and times.

Refuses to know any table.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, MetaData, Text

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    }
)

# Keys are compared byte by byte: a database's own language would make each comparison several times as dear.
KEY = Text().with_variant(Text(collation="C"), "postgresql")
TIME = BigInteger()
ROOM_TO_UPDATE = {"fillfactor": "80"}  # an update finds room on the same page, and leaves the indexes alone
