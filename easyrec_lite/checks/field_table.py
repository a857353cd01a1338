"""The decision for every field of the schema that no component declares, one entry a message.

A message is refused whole, has no effect as a whole, or names each of its fields as implemented,
warned about (ignoring it cannot change what the results mean) or refused (it would). The messages
of components (models, losses, metrics, …) stand in their specs, as do the fields that hold them.
"""

from __future__ import annotations

from easyrec_lite.checks.status import Status
from easyrec_lite.checks.status import fields as _fields


def _each(names: str, status: Status) -> dict[str, Status]:
    return dict.fromkeys(names.split(), status)


MODEL = ("the model is not offered", "use a model_class that is offered")
SAMPLER = ("the sampler is not offered", "use a sampler that is offered")
METRIC = ("the metric is not computed", "use a metric that is offered")
PLATFORM = (
    "platform services are not read here",
    "write the rows to files, and name them in {0}_input_path",
)
CODE = (
    "a config is data, no code is imported from it",
    "compute the value when writing the data files",
)
ATTENTION_GROUP = (
    "attention groups of the whole model belong to ranking models",
    "put sequence_features into the feature group that reads the history",
)
LAYER = (
    "the layer library does not hold it",
    "use another layer, or register your own in a module named with --import",
)
LOSS = ("the loss is not offered", "use another loss_type")
# Losses of the schema that no model here can be trained by: why, and what to use.
LOSS_TYPES = {
    "JRC_LOSS": (
        "it needs two logits of a row, and a match model has one similarity",
        "list a loss of single rows and a pairwise one with session_name in losses",
    ),
    "ZILN_LOSS": ("it needs three outputs of a row, and a match model has one", LOSS[1]),
    "ORDER_CALIBRATE_LOSS": ("it needs several tasks, and a match model has one", LOSS[1]),
}
ONE_MACHINE = "training runs on one machine"
EMBEDDING_VARIABLE = "a table has the rows that its feature asks for, admitted from the start"
INCREMENTAL = "a checkpoint always holds every variable"

WHOLE: dict[str, Status] = {
    **_each(
        "DeepFM WideAndDeep Tower TaskTower BayesTaskTower DINTower BSTTower MultiTower DLRM "
        "ExpertTower MMoE ESMM CMBFTower CMBF UniterTower Uniter DBMTL ExtractionNetwork PLE "
        "SimpleMultiTask CrossTower DCN AutoInt RocketLaunching DummyModel VariationalDropoutLayer",
        Status("refused", *MODEL),
    ),
    **_each(
        "KafkaServer DatahubServer HiveConfig BinaryDataInput",
        Status("refused", PLATFORM[0], PLATFORM[1].format("train")),
    ),
    **_each(
        "OverlapFeature MappedDotProduct MultiHeadAttentionCombiner",
        Status("refused", *LAYER),
    ),
    "ZILNLoss": Status("refused", *LOSS),
    "JRCLoss": Status("refused", *LOSS_TYPES["JRC_LOSS"]),
    "DatasetConfig.LabelFunction": Status("refused", *CODE),
    "EVParams": Status("warned", EMBEDDING_VARIABLE),
    **_each(
        "IncrementSaveConfig IncrementSaveConfig.Kafka IncrementSaveConfig.Kafka.Consumer "
        "IncrementSaveConfig.Datahub IncrementSaveConfig.Datahub.Consumer IncrementSaveConfig.File",
        Status("warned", INCREMENTAL),
    ),
    **_each(
        "Regularizer L1Regularizer L2Regularizer L1L2Regularizer",
        Status("refused", "no field of a pipeline holds it", "use l2_regularization"),
    ),
}

PIPELINE = {
    "EasyRecConfig": _fields(
        "train_input_path eval_input_path model_dir train_config eval_config data_config "
        "feature_configs feature_config model_config export_config "
        "parquet_train_input parquet_eval_input",
        warned={"fg_json_path": "the features are those of feature_config"},
        refused={
            "kafka_train_input datahub_train_input hive_train_input binary_train_input": (
                PLATFORM[0],
                PLATFORM[1].format("train"),
            ),
            "kafka_eval_input datahub_eval_input hive_eval_input binary_eval_input": (
                PLATFORM[0],
                PLATFORM[1].format("eval"),
            ),
        },
    ),
    "TrainConfig": _fields(
        "optimizer_config gradient_clipping_by_norm num_steps fine_tune_checkpoint "
        "fine_tune_ckpt_var_map save_checkpoints_steps save_checkpoints_secs keep_checkpoint_max "
        "save_summary_steps log_step_count_steps inter_op_parallelism_threads "
        "intra_op_parallelism_threads freeze_gradient dead_line seed accept_changed_config "
        "train_distribute sync_replicas sync_batch_norm",
        warned={
            "sparse_accumulator_type protocol tensor_fuse": "TensorFlow's own transport is used",
            "startup_delay_steps": "all workers start at once",
            "num_gpus_per_worker": "each process takes the GPUs that it sees: CUDA_VISIBLE_DEVICES",
            "is_profiling": "profiling is left to TensorFlow's profiler",
            "force_restore_shape_compatible": (
                "a variable is restored only into its own shape",
                "keep bucket sizes and dims as in the checkpoint",
            ),
            "summary_model_vars": "summaries hold losses, learning rate, speed and metrics",
            "write_graph": "the graph is not written for TensorBoard",
            "incr_save_config": INCREMENTAL,
            "enable_oss_stop_signal": "no stop file is looked for; an interrupt saves and stops",
        },
    ),
    "EvalConfig": _fields(
        "num_examples metrics_set full_ranking",
        warned={
            "eval_interval_secs max_evals eval_online": "evaluation follows each checkpoint",
            "save_graph": "the graph is not written for TensorBoard",
        },
    ),
    "FullRanking": _fields("topk item_path user_id item_id seen_path group_by by_row item_knn"),
    "EvalMetrics": _fields(),
    "ExportConfig": _fields(
        "exporter_type best_exporter_metric metric_bigger metric_floor above_popularity "
        "enable_early_stop max_check_steps "
        "multi_placeholder exports_to_keep multi_value_fields placeholder_named_by_input "
        "filter_inputs asset_files",
        warned={
            "batch_size": "an exported model takes any number of rows",
            "auto_multi_value": "name the fields in multi_value_fields",
            "export_features": "an exported model gives scores and tower vectors",
            "export_rtp_outputs": "the platform's output names are not written",
        },
        refused={
            "early_stop_func early_stop_params": (
                CODE[0],
                "use enable_early_stop with max_check_steps, or a hook of Estimator in Python",
            ),
        },
    ),
    "MultiValueFields": _fields("input_name"),
}

DATA = {
    "DatasetConfig": _fields(
        "batch_size auto_expand_input_fields label_fields shuffle shuffle_buffer_size num_epochs "
        "input_type separator input_fields sample_weight with_header eval_batch_size "
        "drop_remainder bad_row_policy max_bad_rows cache encoding shard file_shard",
        warned={
            "prefetch_size num_parallel_calls": "the input pipeline tunes itself",
            "chief_redundant": "workers that step together end together anyway",
            "selected_cols selected_col_types": "columns are those of input_fields",
            "rtp_separator pai_worker_queue pai_worker_slice_num": "it is a platform reader's",
            "feature_fields": "the columns that features read are known from their input_names",
            "label_dim": "a label is one number",
            "n_data_batch_tfrecord": "a TFRecord holds one row",
            "data_compression_type": "files named *.gz are read compressed",
            "ignore_error": ("bad_row_policy decides", "set bad_row_policy: SKIP"),
        },
        refused={
            "label_sep": ("a label is one number", "write one column for each label"),
            "extra_label_func": CODE,
        },
    ),
    "DatasetConfig.Field": _fields(
        "input_name input_type default_val",
        warned={"input_dim input_shape": "the width of a value is the feature's raw_input_dim"},
        refused={
            "user_define_fn user_define_fn_path user_define_fn_res_type": CODE,
            "ignore_val": (
                "values are taken as they stand",
                "leave the cell empty when writing the data files",
            ),
        },
    ),
    "CacheConfig": _fields("mode folder max_megabytes"),
}

FEATURES = {
    "FeatureConfig": _fields(
        "feature_name input_names feature_type embedding_name embedding_dim hash_bucket_size "
        "num_buckets boundaries separator kv_separator seq_multi_sep max_seq_len step_order "
        "vocab_file vocab_list shared_names lookup_max_sel_elem_num combiner initializer precision "
        "min_val max_val normalizer_fn raw_input_dim sequence_combiner sub_feature_type expression "
        "combo_join_sep combo_input_seps max_partitions drop_empty_steps",
        warned={
            "sequence_length": "a sequence is as long as the data says, at most max_seq_len",
            "ev_params": EMBEDDING_VARIABLE,
        },
    ),
    "FeatureConfigV2": _fields(
        "features", warned={"embedding_on_cpu": "tables are placed by TensorFlow"}
    ),
    "FeatureGroupConfig": _fields(
        "group_name feature_names wide_deep sequence_features negative_sampler"
    ),
    "SeqAttMap": _fields("key hist_seq aux_hist_seq"),
    "SeqAttGroupConfig": _fields(
        "group_name seq_att_map seq_dnn need_key_feature allow_key_search allow_key_transform "
        "transform_dnn allow_item_keys",
        warned={"tf_summary": "summaries of attention scores are not written"},
    ),
    "SequenceCombiner": _fields(),
    "Initializer": _fields(
        "truncated_normal_initializer random_normal_initializer glorot_normal_initializer "
        "constant_initializer"
    ),
    "TruncatedNormalInitializer": _fields("mean stddev"),
    "RandomNormalInitializer": _fields("mean stddev"),
    "ConstantInitializer": _fields("consts"),
}

MODELS = {
    "EasyRecModel": _fields(
        "model_class feature_groups embedding_regularization loss_type kd losses backbone "
        "label_name restore_filters custom_params softmax",
        warned={
            "model_name": "model_class alone says which model it is",
            "ev_params": EMBEDDING_VARIABLE,
        },
        refused={
            "seq_att_groups": ATTENTION_GROUP,
            "num_class": ("two towers give one score a row", "leave it out"),
            "variational_dropout": ("it is not part of the models here", "leave it out"),
            "loss_weight_strategy": ("only Fixed weights are served", "give each loss a weight"),
        },
    ),
    "Loss": _fields(
        "loss_type weight loss_name",
        refused={
            "learn_loss_weight": ("only fixed weights are served", "give each loss a weight"),
        },
    ),
    "KD": _fields(
        "loss_name pred_name soft_label_name label_is_logits loss_type loss_weight "
        "temperature task_space_indicator_name task_space_indicator_value in_task_space_weight "
        "out_task_space_weight",
        warned={"pred_is_logits": "the model's own logits are at hand"},
    ),
}

TRAINING = {
    "Optimizer": _fields(
        "use_moving_average moving_average_decay embedding_learning_rate_multiplier"
    ),
    "LearningRate": _fields(
        "constant_learning_rate exponential_decay_learning_rate manual_step_learning_rate "
        "cosine_decay_learning_rate poly_decay_learning_rate transformer_learning_rate"
    ),
    "ConstantLearningRate": _fields("learning_rate"),
    "ExponentialDecayLearningRate": _fields(
        "initial_learning_rate decay_steps decay_factor staircase burnin_learning_rate "
        "burnin_steps min_learning_rate"
    ),
    "ManualStepLearningRate": _fields("initial_learning_rate schedule warmup"),
    "ManualStepLearningRate.LearningRateSchedule": _fields("step learning_rate"),
    "CosineDecayLearningRate": _fields(
        "learning_rate_base total_steps warmup_learning_rate warmup_steps hold_base_rate_steps"
    ),
    "PolyDecayLearningRate": _fields("learning_rate_base total_steps power end_learning_rate"),
    "TransformerLearningRate": _fields(
        "learning_rate_base hidden_size warmup_steps step_scaling_rate"
    ),
}

FIELDS: dict[str, dict[str, Status]] = {
    **PIPELINE,
    **DATA,
    **FEATURES,
    **MODELS,
    **TRAINING,
}
