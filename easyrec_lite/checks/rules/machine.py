"""Rules about what a machine can hold and reach: the size of tables, and where files lie."""

from __future__ import annotations

import os
from collections.abc import Iterator

from easyrec_lite.checks import memory
from easyrec_lite.checks.rules.files import inputs
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]
SCHEME = "://"


def physical_memory() -> int:
    """Returns the bytes of this machine's memory; 0 when the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0


def tables_fit(view: View) -> Problems:
    """An embedding table with its optimiser's slots fits into memory; so do all of them."""
    strategy = view.config.train_config.train_distribute
    room = physical_memory()
    if (
        not room
        or strategy
        != view.config.train_config.DESCRIPTOR.fields_by_name["train_distribute"].default_value
    ):
        return
    tables = memory.embedding_tables(view)
    too_large = [table for table in tables if table.bytes > room]
    for table in too_large:
        feature = view.feature_by_name[table.features[0]]
        yield view.error(
            feature.path,
            f"the table of feature {feature.name!r} is larger than this machine's memory",
            expected=f"at most {room / 2**30:,.1f} GB",
            found=f"{table.rows:,} rows × {table.dim} × {1 + table.slots} numbers of 4 bytes: "
            f"{table.bytes / 2**30:,.1f} GB",
            remedy=f"lower {table.source} or embedding_dim, or spread the tables over parameter "
            "servers (train_distribute)",
        )
    total = sum(table.bytes for table in tables)
    if total > room and not too_large:
        yield view.error(
            "feature_config",
            "the embedding tables together are larger than this machine's memory",
            expected=f"at most {room / 2**30:,.1f} GB",
            found=f"{total / 2**30:,.1f} GB",
            remedy="lower bucket sizes or dims: python -m easyrec_lite.check lists all tables",
        )


def local_paths(view: View) -> Problems:
    """Data and models lie on local disks."""
    for path, file in [*inputs(view), ("model_dir", view.config.model_dir)]:
        if SCHEME in file:
            yield view.error(
                path,
                f"{file.partition(SCHEME)[0]}{SCHEME} is not read or written here",
                expected="a path of a local or mounted file system",
                found=file,
                remedy="copy the files to a local disk, or mount the store",
            )


RULES = (tables_fit, local_paths)
