"""Run by `test_replicas`: what three replicas on logical devices exchange, printed as JSON."""

from __future__ import annotations

import json

from easyrec_lite.runs.process import load_tensorflow

load_tensorflow()
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from easyrec_lite.core import replicas  # noqa: E402
from easyrec_lite.layers.batch_norm import BatchNorm, synchronized  # noqa: E402
from easyrec_lite.losses.softmax.candidates import (  # noqa: E402
    Candidates,
    gathered_numbers,
    with_others,
)
from tests.distribution.rows import (  # noqa: E402
    IDS,
    LOSSES,
    ROWS,
    SAMPLED,
    SAMPLED_ROWS,
    SCALES,
)


def norms() -> dict[str, list[BatchNorm]]:
    """Returns layers with the moments of all rows, and of each replica's own, one a replica."""
    made = {}
    for name, together in (("together", True), ("apart", False)):
        with synchronized(together):
            made[name] = [BatchNorm(name=name) for _ in ROWS]
        for layer in (layer for layer in made[name] if not layer.built):
            layer.build((None, 2))
    return made


def exchange(layers: dict[str, list[BatchNorm]]) -> dict[str, tf.Tensor]:
    """Returns what one replica sees."""
    context = tf.distribute.get_replica_context()
    number = int(tf.get_static_value(context.replica_id_in_sync_group))
    own, scale = tf.identity(tf.constant(ROWS[number], tf.float32, [len(ROWS[number]), 2])), SCALES
    seen: dict[str, tf.Tensor] = {"total": replicas.total(tf.reduce_sum(own))}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(own)
        gathered = replicas.gathered_with_gradient(own)
        weights = tf.range(1.0, tf.cast(tf.shape(gathered)[0] + 1, tf.float32))[:, None]
        loss = scale[number] * tf.reduce_sum(weights * gathered)
        normed = {name: layer[number](own, training=True) for name, layer in layers.items()}
        cubes = {name: tf.reduce_sum(scale[number] * out**3) for name, out in normed.items()}
    seen |= {"gathered": gathered, "gathered gradient": tape.gradient(loss, own)}
    for name, out in normed.items():
        seen |= {name: out, f"{name} gradient": tape.gradient(cubes[name], own)}
        seen[f"{name} mean"] = tf.identity(layers[name][number].moving_mean.value)
    slices = tf.IndexedSlices(own, tf.range(len(ROWS[number])) + number)
    every = replicas.all_rows(slices)
    seen |= {"rows": tf.math.unsorted_segment_sum(every.values, every.indices, 6)}
    sent = tf.constant([row[0] > 1 for row in ROWS[number]], tf.bool, [len(ROWS[number])])
    seen["sent"] = with_others(own, sent)
    count = len(IDS[number])
    ids = tf.constant(IDS[number], tf.string, [count])
    everyone = tf.fill([count], True)
    seen["numbers"] = gathered_numbers(ids[1:], ids[:1], tf.size(ids[:1]), everyone)
    return seen | candidate_losses(number)


def candidate_losses(number: int) -> dict[str, tf.Tensor]:
    """Returns a replica's share of each loss, and its slopes by its own users and items."""
    # It makes tensors when it is imported, after which devices cannot be divided.
    from tests.losses.test_candidate_losses import loss_of

    rows, n = len(ROWS[number]), len(SAMPLED[number])
    users = tf.identity(tf.constant(ROWS[number], tf.float32, [rows, 2]))
    items = tf.identity(tf.constant(ROWS[number] + SAMPLED_ROWS[number], tf.float32, [rows + n, 2]))
    ids = [tf.constant(names, tf.string, [len(names)]) for names in (IDS[number], SAMPLED[number])]
    sent = tf.fill([rows + n], True)
    masks = Candidates(ids=gathered_numbers(*ids, tf.constant(n), sent))
    weights = tf.range(1.0, rows + 1.0)
    share = tf.math.divide_no_nan(tf.reduce_sum(weights), replicas.total(tf.reduce_sum(weights)))
    seen = {}
    for name in LOSSES:
        with tf.GradientTape() as tape:
            tape.watch([users, items])
            loss = loss_of(name).in_batch(users, with_others(items, sent), masks, weights)
            loss *= share
        slopes = tape.gradient(loss, [users, items])
        seen |= {name: loss, f"{name} users": slopes[0], f"{name} items": slopes[1]}
    return seen


def main() -> None:
    (cpu,) = tf.config.list_physical_devices("CPU")
    devices = [tf.config.LogicalDeviceConfiguration()] * len(ROWS)
    tf.config.set_logical_device_configuration(cpu, devices)
    names = [device.name for device in tf.config.list_logical_devices("CPU")]
    strategy = tf.distribute.MirroredStrategy(names)
    layers = norms()

    @tf.function(autograph=False)
    def run() -> object:
        found = strategy.run(lambda: exchange(layers))
        return tf.nest.map_structure(strategy.experimental_local_results, found)

    found = {name: [np.asarray(v).tolist() for v in each] for name, each in run().items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
