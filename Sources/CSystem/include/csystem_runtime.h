/* Starting and watching sandboxes, from the host. Results below 0: see errno. */
#pragma once
#include <stdint.h>

int csr_epoll_create(void);
int csr_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int csr_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token);
int csr_epoll_delete(int epoll, int fd);
/* Waits without a limit; returns how many of at most 64 places were filled. */
int csr_epoll_wait(int epoll, uint64_t *tokens, uint32_t *events, int capacity);
enum { CSR_EPOLL_IN = 0x001, CSR_EPOLL_OUT = 0x004, CSR_EPOLL_ERROR = 0x008, CSR_EPOLL_HANGUP = 0x010 };

int csr_eventfd(void);
int csr_socketpair(int fds[2]);
int csr_pipe(int fds[2]);
/* Never block and never raise SIGPIPE. */
int64_t csr_send(int fd, const void *bytes, uint64_t count);
int64_t csr_receive(int fd, void *bytes, uint64_t count);

/* A listening, non-blocking socket `agent.sock` in the directory, there from one moment to the next, that `user` alone may
 * connect to; -1 for the caller. */
int csr_listen(const char *directory, int64_t user, int64_t group);
/* Who waits to be connected, with the process that called and its user as seen from here. */
int csr_accept(int fd, int *pid, uint32_t *user);
int csr_unlisten(const char *directory);

int csr_pidfd_open(int pid);
int csr_pidfd_signal(int pidfd, int signal);
/* 1: reaped, 0: still runs. */
int csr_pidfd_reap(int pidfd, int *was_signaled, int *status);

int csr_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
extern const uint64_t CSR_RESOLVE_BENEATH;
extern const uint64_t CSR_RESOLVE_NO_MAGICLINKS;
extern const uint64_t CSR_RESOLVE_NO_XDEV;
extern const int CSR_O_PATH;
extern const int CSR_O_TMPFILE;
extern const int CSR_AT_EMPTY_PATH;


enum { CSR_MAX_BINDS = 64 };

struct csr_bind {
    const char *source;
    const char *name;
};

struct csr_spawn {
    const char *path;
    char *const *argv;
    char *const *envp;
    /* Become descriptors 3, 1 and 2, 4, 5. The end of the reader of `output` is the child's end. */
    int agent;
    int output;
    int info;
    int info_reader;
    /* Opened cgroup.procs (v2) or tasks files that the child enters. */
    const int *groups;
    int group_count;
    /* -1: as the caller. */
    int64_t user;
    int64_t group;
    /* RLIMIT_NPROC where `user` is set; 0: none. */
    int64_t process_limit;
    /* With binds (needs root): each source is bound to stage/name, seen by the child alone. */
    const char *stage;
    const struct csr_bind *binds;
    int bind_count;
};

/* Forks and executes. The child dies with the calling thread if bwrap is told so. Returns its pid. */
int csr_spawn(const struct csr_spawn *spawn, int *pidfd);

/* For a process that is to be spawned: it gets no descriptor from `first` on. `actions` is a posix_spawn_file_actions_t. */
int csr_spawn_close_from(void *actions, int first);
/* The same: it starts in `path`. */
int csr_spawn_change_directory(void *actions, const char *path);

