#pragma once
#include <sqlite3.h>

// What Swift does not import: the destructor constants are casts of integers to function pointers.

/// Binds a copy of the bytes. An empty value binds an empty blob: a null pointer would bind NULL.
static inline int csqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    if (count == 0) return sqlite3_bind_zeroblob(statement, index, 0);
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}

/// Binds a copy of the text, which is UTF-8 and need not end in zero.
static inline int csqlite_bind_text(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_text(statement, index, count == 0 ? "" : (const char *)bytes, count, SQLITE_TRANSIENT);
}

