"""Kinds of values that pandas' functions and methods return, by their names."""

from __future__ import annotations

import ast

from azml_magic.checks.words import words

FRAME, SERIES, GROUPS, GROUP_SERIES = "frame", "series", "groups", "group series"
ARRAY, INDEX, SCALAR, PLAIN = "array", "index", "scalar", "plain"
"""Kinds of expressions; ``""`` is unknown."""

MAKES_FRAME = words(
    "DataFrame concat merge get_dummies pivot_table melt crosstab json_normalize "
    "merge_asof merge_ordered read_clipboard read_csv read_excel read_feather read_fwf "
    "read_json read_parquet read_pickle read_sql read_sql_query read_table"
)
MAKES_SERIES = words("Series")
FRAME_TO_FRAME = words(
    "abs add append applymap assign astype bfill clip combine_first convert_dtypes copy corr cov "
    "cummax cummin cumprod cumsum describe diff div drop drop_duplicates dropna explode ffill "
    "fillna filter head infer_objects interpolate isin isna isnull join mask melt merge mode mul "
    "nlargest notna notnull nsmallest pct_change pivot pivot_table query rank reindex rename "
    "replace reset_index round sample select_dtypes set_axis set_index shift sort sort_index "
    "sort_values sub tail transpose where"
)
FRAME_TO_SERIES = words(
    "all any count duplicated idxmax idxmin kurt max mean median min nunique prod "
    "sem skew std sum var"
)
SERIES_TO_SERIES = words(
    "abs add append astype between bfill clip copy cummax cummin cumprod cumsum diff div "
    "drop drop_duplicates dropna duplicated ffill fillna head interpolate isin isna isnull map "
    "mask mode mul notna notnull nlargest nsmallest order pct_change rank reindex rename "
    "replace round sample shift sort_index sort_values sub tail value_counts where"
)
SERIES_TO_SCALAR = words(
    "all any count item kurt max mean median min nunique prod sem skew std sum var"
)
GROUPED = words("agg aggregate count first last max mean median min nunique prod size std sum var")
TO_ARRAY = words("as_matrix to_numpy get_values unique")
PREDICTING = words("decision_function fit_predict predict predict_proba")
SCALAR_CALLS = words("bool float int len repr str")
PLAIN_CALLS = words("dict enumerate frozenset list open print range set sorted tuple type zip")
PLAIN_NODES = (
    ast.Dict,
    ast.DictComp,
    ast.GeneratorExp,
    ast.Lambda,
    ast.List,
    ast.ListComp,
    ast.Set,
    ast.SetComp,
    ast.Tuple,
)
