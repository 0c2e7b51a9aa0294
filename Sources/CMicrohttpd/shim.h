/* libmicrohttpd for Swift: what is variadic, and what reads the request head where the library left it. */
#pragma once
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <microhttpd.h>

/* Declared here because the Glibc module hides them (they need _GNU_SOURCE). */
void *memmem(const void *, size_t, const void *, size_t);
#define MHDX_POLLRDHUP 0x2000

static const uint64_t MHDX_SIZE_UNKNOWN = UINT64_MAX;
static const ptrdiff_t MHDX_NONE = -1;

/* ---- Starting ---- */

struct mhdx_config {
    /* The library's own from now on: it closes it when it stops. */
    int listen_descriptor;
    unsigned threads, connection_limit, idle_seconds;
    size_t connection_memory;
    void *context;
    MHD_AcceptPolicyCallback accept;
    MHD_AccessHandlerCallback access;
    MHD_RequestCompletedCallback completed;
    MHD_NotifyConnectionCallback connection;
    void *(*target)(void *context, const char *target, struct MHD_Connection *);
    void (*log)(void *context, const char *line);
};

struct mhdx_log_sink {
    void *context;
    void (*log)(void *context, const char *line);
};

/* Leaves percent escapes alone: the library would cut the target at %00. */
static inline size_t mhdx_keep_escapes(void *context, struct MHD_Connection *connection, char *text) {
    (void)context;
    (void)connection;
    return strlen(text);
}

/* A va_list does not come over: Swift gets the formatted line. */
static void mhdx_log(void *context, const char *format, va_list arguments) {
    struct mhdx_log_sink *sink = (struct mhdx_log_sink *)context;
    char line[512];
    vsnprintf(line, sizeof line, format, arguments);
    sink->log(sink->context, line);
}

/* `sink` must live as long as the daemon. */
static inline struct MHD_Daemon *mhdx_start(const struct mhdx_config *c, struct mhdx_log_sink *sink) {
    sink->context = c->context;
    sink->log = c->log;
    /* A pool of 0 or 1 is refused with a warning: then the option is ended early. */
    enum MHD_OPTION pool = c->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END;
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, c->accept, c->context,
        c->access, c->context,
        MHD_OPTION_EXTERNAL_LOGGER, mhdx_log, sink,
        MHD_OPTION_LISTEN_SOCKET, (MHD_socket)c->listen_descriptor,
        MHD_OPTION_CONNECTION_LIMIT, c->connection_limit,
        MHD_OPTION_CONNECTION_TIMEOUT, c->idle_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, c->connection_memory,
        /* At 1 a blank in the target closes without an answer, and a missing Host is answered twice. */
        MHD_OPTION_STRICT_FOR_CLIENT, 0,
        MHD_OPTION_URI_LOG_CALLBACK, c->target, c->context,
        MHD_OPTION_UNESCAPE_CALLBACK, mhdx_keep_escapes, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, c->completed, c->context,
        MHD_OPTION_NOTIFY_CONNECTION, c->connection, c->context,
        pool, c->threads,
        MHD_OPTION_END);
}

/* ---- Facts about a connection ---- */

static inline int mhdx_descriptor(struct MHD_Connection *c) {
    const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    return i ? i->connect_fd : -1;
}

static inline void *mhdx_context(struct MHD_Connection *c) {
    const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return i ? i->socket_context : NULL;
}

/* ---- The request target ---- */

struct mhdx_target {
    size_t length;
    ptrdiff_t query; /* offset of the '?', MHDX_NONE without one */
    char first;   /* the byte after it, which is blanked */
};

/* The library splits a query into pairs in the connection's pool and, when they overflow it, hangs the connection:
   so it is shown an empty one. */
static inline struct mhdx_target mhdx_take_target(const char *target) {
    struct mhdx_target t = {strlen(target), MHDX_NONE, 0};
    char *question = (char *)memchr(target, '?', t.length);
    if (question) {
        t.query = question - target;
        t.first = question[1];
        question[1] = 0;
    }
    return t;
}

/* ---- The request head ----
   It is still in the pool, each line's end overwritten by NULs, so pointers tell what was parsed away: a bare LF, a NUL
   and an obs-fold each break the rule that the next line starts two bytes after this one. This rests on the layout of
   0.9.75; the strictness tests are its guard. */

enum {
    MHDX_BAD_LINE = 1,
    MHDX_BAD_NAME = 2,
    MHDX_BAD_VALUE = 4,
    MHDX_BAD_LENGTH = 8,
    MHDX_BAD_ENCODING = 16,
    MHDX_BAD_HOST = 32,
    MHDX_BAD_TARGET = 64,
    MHDX_BAD_VERSION = 128,
    MHDX_BAD_EXPECTATION = 256,
};

struct mhdx_head {
    const char *start; /* the method's first byte */
    const char *next;
    size_t size; /* from the method to the end of the empty line */
    size_t fields; /* offset of the first header line */
    unsigned bad, count, hosts, lengths, encodings, expectations;
    uint64_t content_length;
    ptrdiff_t request_id; /* offset of the value of X-Request-ID, MHDX_NONE without one */
    size_t request_id_length;
};

/* RFC 9110 token characters. */
static const unsigned char mhdx_token[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,
    ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1,
    ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1,
    ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1,
    ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1,
    ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1,
    ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1,
    ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1,
    ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

static inline int mhdx_is(const char *text, size_t length, const char *name, size_t name_length) {
    return length == name_length && 0 == strncasecmp(text, name, length);
}

static inline void mhdx_see_length(struct mhdx_head *h, const char *value, size_t length) {
    h->lengths++;
    h->content_length = 0;
    if (length == 0 || length > 18) h->bad |= MHDX_BAD_LENGTH;
    for (size_t i = 0; i < length && i < 18; i++) {
        if (value[i] < '0' || value[i] > '9') h->bad |= MHDX_BAD_LENGTH;
        else h->content_length = h->content_length * 10 + (uint64_t)(value[i] - '0');
    }
}

static inline enum MHD_Result mhdx_see_header(
    void *context, enum MHD_ValueKind kind, const char *name, size_t name_length, const char *value, size_t length) {
    struct mhdx_head *h = (struct mhdx_head *)context;
    (void)kind;
    h->count++;
    if (name != h->next || !value || value < name + name_length + 1) {
        h->bad |= MHDX_BAD_LINE;
        return MHD_NO;
    }
    for (const char *p = name + name_length + 1; p < value; p++)
        if (*p != ' ' && *p != '\t') h->bad |= MHDX_BAD_LINE;
    if (name_length == 0) h->bad |= MHDX_BAD_NAME;
    for (size_t i = 0; i < name_length; i++)
        if (!mhdx_token[(unsigned char)name[i]]) h->bad |= MHDX_BAD_NAME;
    for (size_t i = 0; i < length; i++) {
        unsigned char b = (unsigned char)value[i];
        if ((b < 32 && b != '\t') || b == 127) h->bad |= MHDX_BAD_VALUE;
    }
    h->next = value + length + 2;
    switch (name_length) {
    case 4:
        if (mhdx_is(name, name_length, "Host", 4)) {
            h->hosts++;
            if (length == 0 || memchr(value, ' ', length)) h->bad |= MHDX_BAD_HOST;
        }
        break;
    case 6:
        if (mhdx_is(name, name_length, "Expect", 6)) {
            h->expectations++;
            if (!mhdx_is(value, length, "100-continue", 12)) h->bad |= MHDX_BAD_EXPECTATION;
        }
        break;
    case 12:
        if (mhdx_is(name, name_length, "X-Request-ID", 12)) {
            h->request_id = value - h->start;
            h->request_id_length = length;
        }
        break;
    case 14:
        if (mhdx_is(name, name_length, "Content-Length", 14)) mhdx_see_length(h, value, length);
        break;
    case 17:
        if (mhdx_is(name, name_length, "Transfer-Encoding", 17)) {
            h->encodings++;
            if (!mhdx_is(value, length, "chunked", 7)) h->bad |= MHDX_BAD_ENCODING;
        }
        break;
    default:
        break;
    }
    return MHD_YES;
}

static inline struct mhdx_head mhdx_read_head(
    struct MHD_Connection *c, const char *method, const char *url, const char *version, struct mhdx_target target) {
    struct mhdx_head h;
    memset(&h, 0, sizeof h);
    h.start = method;
    h.request_id = MHDX_NONE;
    const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    h.size = i ? i->header_size : 0;
    if (url != method + strlen(method) + 1 || version != url + target.length + 1) {
        h.bad |= MHDX_BAD_LINE;
        return h;
    }
    ptrdiff_t length = (ptrdiff_t)target.length;
    for (ptrdiff_t at = 0; at < length; at++) {
        unsigned char b = (unsigned char)url[at];
        /* The question mark was overwritten, and the byte after it put aside. */
        if (target.query != MHDX_NONE && at == target.query) continue;
        if (target.query != MHDX_NONE && at == target.query + 1) b = (unsigned char)target.first;
        if (b > 126 || b < 33) h.bad |= MHDX_BAD_TARGET;
    }
    int is10 = 0 == strcmp(version, "HTTP/1.0"), is11 = 0 == strcmp(version, "HTTP/1.1");
    if (!is10 && !is11) h.bad |= MHDX_BAD_VERSION;
    h.next = version + strlen(version) + 2;
    h.fields = (size_t)(h.next - method);
    MHD_get_connection_values_n(c, MHD_HEADER_KIND, mhdx_see_header, &h);
    /* A NUL, an empty name or a bare LF at the very end. */
    if (method + h.size != h.next + 2) h.bad |= MHDX_BAD_LINE;
    if (h.lengths > 1) h.bad |= MHDX_BAD_LENGTH;
    if (h.encodings > 1 || (h.encodings && (h.lengths || is10))) h.bad |= MHDX_BAD_ENCODING;
    if (h.hosts > 1 || (!h.hosts && is11)) h.bad |= MHDX_BAD_HOST;
    return h;
}
