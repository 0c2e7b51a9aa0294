#pragma once
#include <hiredis/hiredis.h>
#include <sys/eventfd.h>

/* The Glibc module leaves this header out. Both ends of what wakes a thread that polls. */
static inline int shim_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/* A server can announce an array of any size: allocating it, and freeing it, would take seconds. Ours are below 300. */
enum { SHIM_LARGEST_ARRAY = 4096 };

static inline void *shim_create_array(const redisReadTask *task, int count) {
    const redisReplyObjectFunctions *base = (const redisReplyObjectFunctions *)task->privdata;
    return count > SHIM_LARGEST_ARRAY ? NULL : base->createArray(task, count);
}

/* Larger arrays become errors of the reader. `functions` has to outlive it. */
static inline void shim_bound_arrays(redisReader *reader, redisReplyObjectFunctions *functions) {
    *functions = *reader->fn;
    functions->createArray = shim_create_array;
    reader->privdata = reader->fn;
    reader->fn = functions;
}
