"""The encoding of text files, as `data_config.encoding` names it."""

from __future__ import annotations

import codecs

from easyrec_lite.protos.messages import DatasetConfig

UTF8 = "utf-8"
# Those in which no character depends on what comes before it.
ENCODINGS = (
    *("utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "iso-8859-15"),
    *("gbk", "gb18030", "gb2312", "big5", "shift_jis", "cp932", "euc-jp", "euc-kr", "cp949"),
    *("cp1250", "cp1251", "cp1252", "koi8-r"),
)
_CODECS = {codecs.lookup(name).name for name in ENCODINGS}


def codec(name: str) -> str:
    """Returns Python's name of an encoding; "" for one that is not offered.

    Example:
      >>> codec("GBK"), codec("cp936"), codec("UTF8"), codec("rot13")
      ('gbk', 'gbk', 'utf-8', '')
    """
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return found if found in _CODECS else ""


def text_codec(data_config: DatasetConfig) -> str:
    """Returns the codec of the text files of a checked `DatasetConfig` message."""
    return codec(data_config.encoding) or UTF8
