"""How much memory a config will ask for: its tables first, then all the rest, before training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.model import DenseLayer
from easyrec_lite.checks.specs.optimizer import OPTIMIZERS
from easyrec_lite.checks.view import View
from easyrec_lite.config.pipeline import Pipeline

FLOAT = 4
# Rows that are shuffled together when the config does not say, copied once while they are.
SHUFFLE_ROWS = 1 << 17
SHUFFLE_COPIES = 2
ROW_OVERHEAD = 48
CELL_BYTES = 8
PROCESS = 850 << 20


@dataclass(frozen=True)
class Table:
    """One embedding table.

    Attributes:
      name: `group/feature`, or the `embedding_name` that features share.
      features: the features that read it.
      kind: the first feature's type.
      source: where ids come from, e.g. `hash_bucket_size`.
      rows: number of rows; None when a vocabulary file is not at hand.
      dim: width of a row.
      slots: values that the optimiser keeps beside each weight.
    """

    name: str
    features: tuple[str, ...]
    kind: str
    source: str
    rows: int | None
    dim: int
    slots: int

    @property
    def bytes(self) -> int:
        """Weights and optimiser slots."""
        return (self.rows or 0) * self.dim * (1 + self.slots) * FLOAT


@dataclass(frozen=True)
class Estimate:
    """What a training run will hold in memory.

    Attributes:
      tables: the embedding tables.
      parts: the other parts by name, in bytes.
      notes: what the estimate leaves out.
    """

    tables: Sequence[Table]
    parts: dict[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def table_bytes(self) -> int:
        """All tables with their slots."""
        return sum(table.bytes for table in self.tables)

    @property
    def total(self) -> int:
        """Everything that is counted, in bytes."""
        return self.table_bytes + sum(self.parts.values())


def estimate(pipeline: Pipeline) -> Estimate:
    """Returns the memory that training needs, about, without reading any data."""
    view = View(pipeline)
    found = embedding_tables(view)
    layers = view.spec.dense_layers(view) if view.spec else None
    notes = [
        f"the rows of table {table.name} are unknown until its vocab_file is there"
        for table in found
        if table.rows is None
    ]
    if layers is None:
        notes.append("the model's dense layers are not counted")
    sampler = view.sampler_spec.memory(view) if view.sampler_spec and view.samples else 0
    if sampler is None:
        notes.append("the sampler's tables are not counted until its files are there")
    parts = {
        "dense weights and optimiser": _dense_bytes(view, layers or ()),
        "activations of a batch": _activation_bytes(view, layers or ()),
        "shuffled rows": _shuffle_bytes(view),
        "the sampler's tables": sampler or 0,
        "Python and TensorFlow": PROCESS,
    }
    parts |= view.spec.memory(view) if view.spec else {}
    for loss in view.losses:
        spec = view.loss_spec(loss)
        parts |= spec.memory(view) if spec else {}
    return Estimate(found, {name: size for name, size in parts.items() if size}, notes)


def embedding_tables(view: View) -> list[Table]:
    """Returns the embedding tables of a config, in the order of its groups."""
    readers: dict[str, list[Feature]] = {}
    for scope, features in view.table_scopes.items():
        for feature in features:
            if feature.has_table:
                name = feature.config.embedding_name or f"{scope}/{feature.name}"
                readers.setdefault(name, []).append(feature)
    slots = _slots(view, 0)
    return [_table(name, features, slots) for name, features in readers.items()]


def _table(name: str, features: Sequence[Feature], slots: int) -> Table:
    first = features[0]
    sources = first.id_sources or ["boundaries" if first.config.boundaries else "values"]
    return Table(
        name=name,
        features=tuple(dict.fromkeys(feature.name for feature in features)),
        kind=first.kind,
        source=sources[0],
        rows=first.known_rows,
        dim=first.config.embedding_dim,
        slots=slots,
    )


def _slots(view: View, index: int) -> int:
    """Returns the values kept beside each weight by optimiser `index`, else by the last one."""
    optimizers = view.config.train_config.optimizer_config
    if not optimizers:
        return 0
    config = optimizers[min(index, len(optimizers) - 1)]
    spec = OPTIMIZERS.find(config.WhichOneof("optimizer") or "")
    return (len(spec.slots) if spec else 0) + config.use_moving_average


def _dense_bytes(view: View, layers: Iterable[DenseLayer]) -> int:
    weights = sum(inputs * units + units * values for inputs, units, values in layers)
    return weights * (1 + _slots(view, 1)) * FLOAT


def _activation_bytes(view: View, layers: Iterable[DenseLayer]) -> int:
    """Each layer's outputs, of the batch and of the candidates, and their gradients."""
    width = sum(units for _, units, _ in layers)
    width += sum(sum(view.field_widths(group)) for group in view.groups)
    return view.candidates * width * 2 * FLOAT


def _shuffle_bytes(view: View) -> int:
    if not view.data.shuffle:
        return 0
    given = view.data.HasField("shuffle_buffer_size")
    rows = view.data.shuffle_buffer_size if given else SHUFFLE_ROWS
    return rows * (ROW_OVERHEAD + CELL_BYTES * len(view.fields)) * SHUFFLE_COPIES


def report(found: Estimate) -> str:
    """Returns the estimate as text: a row for each table, the other parts, the total, notes."""
    head = ("table", "features", "kind", "ids from", "rows", "dim", "slots", "MB")
    lines = [head, *(_table_cells(table) for table in found.tables)]
    lines += [("", "", "", "", "", "", "", "")]
    sizes = {"embedding tables and optimiser": found.table_bytes, **found.parts}
    widest = max(len(name) for name in sizes)
    parts = [f"{name:<{widest}}  {_megabytes(size):>9} MB" for name, size in sizes.items()]
    total = f"{'memory for training, about':<{widest}}  {_megabytes(found.total):>9} MB"
    return "\n".join([*_aligned(lines), *parts, total, *(f"note: {note}" for note in found.notes)])


def _table_cells(table: Table) -> tuple[str, ...]:
    shown = ", ".join(table.features[:3]) + (" …" if len(table.features) > 3 else "")
    rows = "?" if table.rows is None else str(table.rows)
    numbers = (rows, str(table.dim), str(table.slots), _megabytes(table.bytes))
    return (table.name, shown, table.kind, table.source, *numbers)


def _aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = 4
    return [
        "  ".join(
            cell.ljust(width) if index < text else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.1f}"
