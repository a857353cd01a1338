"""The messages of a backbone, and the statuses of their fields."""

from __future__ import annotations

from easyrec_lite.checks.status import fields

MESSAGES = {
    "BackboneTower": fields("packages blocks concat_blocks output_blocks top_mlp"),
    "BlockPackage": fields("name blocks concat_blocks output_blocks"),
    "Block": fields(
        "name inputs input_concat_axis merge_inputs_into_list extra_input_fn layers input_layer "
        "lambda keras_layer recurrent repeat raw_input embedding_layer read_padding"
    ),
    "Layer": fields("lambda keras_layer recurrent repeat"),
    "RepeatLayer": fields("num_repeat output_concat_axis keras_layer input_slice input_fn"),
    "RecurrentLayer": fields("num_steps fixed_input_index keras_layer"),
    "Input": fields(
        "feature_group_name block_name package_name use_package_input input_fn input_slice "
        "ignore_input reset_input package_input package_input_fn"
    ),
    "Lambda": fields("expression"),
    "EmbeddingLayer": fields("embedding_dim vocab_size combiner concat"),
    "InputLayer": fields(
        "do_batch_norm do_layer_norm dropout_rate feature_dropout_rate only_output_feature_list "
        "only_output_3d_tensor output_2d_tensor_and_feature_list output_seq_and_normal_feature",
        refused={
            "concat_seq_feature": (
                "the sequences of a group are joined",
                "leave it out, or give each sequence a group of its own",
            ),
            "wide_output_dim": (
                "two towers have no wide part",
                "give the group's features embedding_dim 1, and the group wide_deep: DEEP",
            ),
        },
    ),
}
