"""The functions that code inside a config may call: TensorFlow's by name, or the user's own.

The names are fixed here, so that a config is checked without importing TensorFlow; a name is
looked up in TensorFlow when it is first called. Nothing that reads or writes files, runs code,
draws random numbers or keeps state is in the list.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce
from typing import Any

from easyrec_lite.core.errors import Problem, nearest
from easyrec_lite.core.registry import Registry

Function = Callable[..., Any]
FUNCTIONS: Registry[Function] = Registry("function")

_CORE = """
    abs add add_n argmax argmin argsort boolean_mask broadcast_static_shape cast clip_by_norm
    clip_by_value concat constant cumsum divide einsum equal exp expand_dims floor gather gather_nd
    greater greater_equal identity less less_equal linalg.diag_part linalg.matrix_transpose
    linalg.norm logical_and logical_not logical_or matmul maximum meshgrid minimum multiply negative
    norm not_equal one_hot ones_like pad pow range rank reduce_all reduce_any reduce_logsumexp
    reduce_max reduce_mean reduce_min reduce_prod reduce_sum repeat reshape reverse roll round
    searchsorted sequence_mask shape sigmoid sign sin cos size slice sort split sqrt square squeeze
    stack stop_gradient strided_slice subtract tan tanh tensordot tile transpose truediv unstack
    where zeros_like ragged.stack convert_to_tensor
"""
_MATH = """
    abs acos acosh add add_n argmax argmin asin asinh atan atan2 atanh ceil cos cosh
    count_nonzero cumprod cumsum divide divide_no_nan equal erf exp expm1 floor floordiv floormod
    greater greater_equal is_finite is_inf is_nan l2_normalize less less_equal log log1p log_sigmoid
    log_softmax logical_and logical_not logical_or logical_xor maximum minimum mod multiply
    multiply_no_nan negative not_equal pow reciprocal reciprocal_no_nan reduce_all reduce_any
    reduce_euclidean_norm reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_std
    reduce_sum reduce_variance rint round rsqrt sigmoid sign sin sinh softmax softplus softsign sqrt
    square squared_difference subtract tan tanh top_k truediv xdivy xlogy
"""
_NN = """
    elu gelu l2_normalize leaky_relu log_softmax moments relu relu6 selu sigmoid silu softmax
    softplus softsign swish tanh top_k
"""
_STRINGS = """
    as_string join length lower reduce_join regex_full_match regex_replace split strip substr
    to_hash_bucket_fast to_number upper
"""
# Names of TensorFlow 1 that real configs still use.
_OLD_NAMES = {
    "tf.ceil": "tf.math.ceil",
    "tf.div": "tf.math.divide",
    "tf.log": "tf.math.log",
    "tf.log1p": "tf.math.log1p",
    "tf.log_sigmoid": "tf.math.log_sigmoid",
    "tf.reciprocal": "tf.math.reciprocal",
    "tf.rsqrt": "tf.math.rsqrt",
    "tf.string_join": "tf.strings.join",
}
_DTYPES = "bool float16 float32 float64 int8 int16 int32 int64 string uint8 uint16 uint32 uint64"


def _names(prefix: str, words: str) -> dict[str, str]:
    return {f"{prefix}.{word}": f"{prefix}.{word}" for word in words.split()}


TF_FUNCTIONS: Mapping[str, str] = {
    **_names("tf", _CORE),
    **_names("tf.math", _MATH),
    **_names("tf.nn", _NN),
    **_names("tf.strings", _STRINGS),
    **_OLD_NAMES,
}
TF_CONSTANTS: Mapping[str, str] = {**_names("tf", _DTYPES), "tf.newaxis": "tf.newaxis"}


def register_function(name: str) -> Callable[[Function], Function]:
    """Returns a decorator that gives a function the name by which expressions of a config call it.

    Expressions are `normalizer_fn`, `lambda`, `input_fn` and the like. The module that holds the
    function is named on the command line by `--import`.

    Args:
      name: the name in the config.

    Raises:
      ValueError: another function has that name already.

    Example:
      >>> @register_function("halved")
      ... def halved(x):
      ...     return x / 2
    """
    return FUNCTIONS.register(name)


def is_function(name: str) -> bool:
    """Returns whether `name` is a TensorFlow function of the list or a registered one."""
    return name in TF_FUNCTIONS or name in FUNCTIONS


def unknown_function(name: str) -> Problem:
    """Returns the problem that no function is called `name`."""
    known = [*TF_FUNCTIONS, *FUNCTIONS.names()]
    return Problem(
        message=f"unknown function {name!r}",
        expected="a tf, tf.math, tf.nn or tf.strings function of the list, or a registered one",
        found=repr(name),
        nearest=nearest(name, known),
        remedy="register functions of your own with @register_function(NAME) in a module "
        "named with --import",
    )


def resolve(name: str) -> Callable[..., Any]:
    """Returns the function `name`; imports TensorFlow when it is one of TensorFlow's."""
    if name in TF_FUNCTIONS:
        return tensorflow_attribute(TF_FUNCTIONS[name])
    return FUNCTIONS.get(name)


def call(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Returns the result of the function `name`."""
    return resolve(name)(*args, **kwargs)


def constant(name: str) -> Any:
    """Returns the value of a constant such as `tf.float32`."""
    return tensorflow_attribute(TF_CONSTANTS[name])


@cache
def tensorflow_attribute(name: str) -> Any:
    """Returns what TensorFlow calls `name`, e.g. `tf.nn.relu`; imports TensorFlow."""
    import tensorflow as tf

    return reduce(getattr, name.split(".")[1:], tf)


def as_python(function: Function) -> Function:
    """Returns a function that TensorFlow, where it is loaded, does not rewrite for its graphs."""
    if "tensorflow" not in sys.modules:
        return function
    wrapped: Function = tensorflow_attribute("tf.autograph.experimental.do_not_convert")(function)
    return wrapped
