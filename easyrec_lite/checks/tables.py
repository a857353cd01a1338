"""What the embedding tables of a config hold: rows, dims, and who shares them."""

from __future__ import annotations

from pathlib import Path

from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.view import Feature
from easyrec_lite.core import filesystem as fs

ID_SOURCES = ("hash_bucket_size", "num_buckets", "vocab_list", "vocab_file")
ID_KINDS = ("IdFeature", "TagFeature", "LookupFeature")


def reads_ids(feature: Feature) -> bool:
    """Returns whether the feature turns text or integers into ids by one of `ID_SOURCES`."""
    if feature.kind == "SequenceFeature":
        return enum_name(feature.config, "sub_feature_type") == "IdFeature"
    return feature.kind in (*ID_KINDS, "ComboFeature")


def reads_numbers(feature: Feature) -> bool:
    """Returns whether the feature's numbers may be scaled, bucketised and embedded."""
    numeric = feature.kind in ("RawFeature", "ExprFeature", "SequenceFeature")
    return numeric and not reads_ids(feature)


def is_bucketised(feature: Feature) -> bool:
    """Returns whether the feature turns numbers into ids by boundaries or equal ranges."""
    return reads_numbers(feature) and bool(_number_buckets(feature))


def id_sources(feature: Feature) -> list[str]:
    """Returns which of `ID_SOURCES` the feature's config gives."""
    return [name for name in ID_SOURCES if getattr(feature.config, name)]


def has_table(feature: Feature) -> bool:
    """Returns whether the feature is looked up in an embedding table."""
    embedded_numbers = reads_numbers(feature) and feature.config.embedding_dim > 0
    return reads_ids(feature) or is_bucketised(feature) or embedded_numbers


def rows(feature: Feature) -> int | None:
    """Returns the rows of the feature's table; None when its vocabulary file cannot be read.

    Each of the numbers of a cell has its own buckets, or its own row.
    """
    config = feature.config
    if not reads_ids(feature):
        return (_number_buckets(feature) or 1) * config.raw_input_dim
    if config.vocab_file:
        return _count_lines(Path(config.vocab_file))
    return config.hash_bucket_size or config.num_buckets or len(config.vocab_list)


def width(feature: Feature) -> int | None:
    """Returns how many numbers the feature gives a group for each row; None when not known."""
    config = feature.config
    if config.sequence_combiner.HasField("text_cnn"):
        text_cnn = config.sequence_combiner.text_cnn
        return [0, *text_cnn.mlp.hidden_units][-1] or sum(text_cnn.num_filters) or None
    if has_table(feature):
        return config.embedding_dim or None
    return 1 if feature.kind == "ExprFeature" else config.raw_input_dim


def _number_buckets(feature: Feature) -> int:
    config = feature.config
    return len(config.boundaries) + 1 if config.boundaries else config.num_buckets


def _count_lines(path: Path) -> int | None:
    try:
        with fs.open_binary(path) as lines:
            return sum(1 for line in lines if line.strip())
    except OSError:
        return None
