"""What SQL of the user's may do: read tables and call functions that do nothing but reckon."""

from __future__ import annotations

import re
import sqlite3

from sqlalchemy import Connection

from storage.errors import QueryError

#: Actions that a connection which only reads may ask for: https://sqlite.org/c3ref/c_alter_table.html
_READS = (
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_RECURSIVE,
    sqlite3.SQLITE_TRANSACTION,
    sqlite3.SQLITE_SAVEPOINT,
)
_TELLING_NAMES = """
foreign_key_check foreign_key_list index_info index_list index_xinfo integrity_check quick_check table_info
table_list table_xinfo
"""
_TELLING_ALONE_NAMES = """
application_id auto_vacuum collation_list compile_options data_version database_list encoding foreign_keys
freelist_count function_list journal_mode module_list page_count page_size pragma_list query_only
read_uncommitted schema_version synchronous user_version
"""
_FUNCTION_NAMES = """
abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling char coalesce concat concat_ws cos cosh count
cume_dist current_date current_time current_timestamp date datetime degrees dense_rank exp first_value floor
format glob group_concat hex if ifnull iif instr json json_array json_array_insert json_array_length
json_error_position json_extract json_group_array json_group_object json_insert json_object json_patch
json_pretty json_quote json_remove json_replace json_set json_type json_valid jsonb jsonb_array
jsonb_array_insert jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_patch
jsonb_remove jsonb_replace jsonb_set julianday lag last_value lead length like likelihood likely ln log log10
log2 lower ltrim max median min mod nth_value ntile nullif octet_length percent_rank percentile percentile_cont
percentile_disc pi pow power printf quote radians random randomblob rank replace round row_number rtrim sign sin
sinh soundex sqlite_compileoption_get sqlite_compileoption_used sqlite_source_id sqlite_version sqrt strftime
string_agg substr substring subtype sum tan tanh time timediff total trim trunc typeof unhex unicode unistr
unistr_quote unixepoch unlikely upper zeroblob -> ->>
"""
_HARMLESS_NAMES = "random random_normal setseed clock_timestamp timeofday gen_random_uuid uuidv4 uuidv7"
#: PRAGMAs that tell something and do nothing; those of the first kind have an argument: what they tell of.
_TELLING = frozenset(_TELLING_NAMES.split())
_TELLING_ALONE = _TELLING | frozenset(_TELLING_ALONE_NAMES.split())
#: SQLite's functions that reckon (https://sqlite.org/lang_corefunc.html, lang_aggfunc, windowfunctions,
#: lang_mathfunc, lang_datefunc, json1). Not among them are those that load code, write a log or are an index's.
FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
#: Tables of SQLite's own, under either name, by version.
_OWN_TABLES = ("sqlite_master", "sqlite_schema")
#: Functions of PostgreSQL that it calls volatile, since they do not give the same twice, and that do nothing else.
_HARMLESS = frozenset(_HARMLESS_NAMES.split())


def only_reads(action: int, first: str | None, second: str | None, _schema: str | None, _view: str | None) -> int:
    """Asked by SQLite for each thing that SQL would do: https://sqlite.org/c3ref/set_authorizer.html."""
    allowed = action in _READS
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = (second or "").lower() in FUNCTIONS
    elif action == sqlite3.SQLITE_PRAGMA:
        allowed = (first or "").lower() in (_TELLING_ALONE if second is None else _TELLING)
    elif action == sqlite3.SQLITE_UPDATE:
        # What SQLite asks before it declares pragma_table_info and the like; it lets nobody update its own tables.
        allowed = first in _OWN_TABLES
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def words(sql: str) -> set[str]:
    """Every word in SQL that could be a function's name, wherever it stands: also in texts and comments.

    So nothing depends on telling texts from names as the server does. Raises QueryError for names with escapes
    (U&"..."), which are not what they look like.
    """
    if re.search(r"(?i)\bu&\s*[\"']", sql):
        raise QueryError("a query may not have names or texts with escapes (U&); write them as they are")
    return set(re.findall(r"[A-Za-z_][A-Za-z0-9_$]*", sql))


def check_functions(connection: Connection, sql: str) -> None:
    """Raise QueryError where SQL for PostgreSQL names a function that does more than reckon.

    A read-only transaction keeps tables as they are, but not the server: `pg_advisory_lock` keeps others from
    writing, `pg_terminate_backend` ends them, `lo_export` writes files, `query_to_xml` runs SQL that it is given as
    text. All of these are volatile by the server's own catalogue, as hardly any function is that only reckons.
    Functions of the catalogue that read files are stable or volatile by version; they are refused by name.
    """
    names = {name.lower() for name in words(sql)}
    rows = connection.exec_driver_sql(
        "SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v' AND proname = ANY(%s)", (sorted(names),)
    )
    refused = {name for (name,) in rows} - _HARMLESS
    refused |= {name for name in names if name.startswith(("pg_read_", "pg_ls_", "pg_stat_file", "dblink"))}
    if refused:
        raise QueryError(f"a query may not call {', '.join(sorted(refused))}; it only reads")
