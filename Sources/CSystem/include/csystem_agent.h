/* What the agent, PID 1 of a sandbox, needs. Failures are negative errno values unless said otherwise. */
#pragma once
#include <stdint.h>

/* Closes /proc/self to processes of the same user, adopts orphans when not PID 1, blocks SIGCHLD and ignores SIGPIPE.
 * `ends_with_parent`: as PID 1 of bwrap, to be killed when that ends. */
int csa_prepare(int ends_with_parent);
/* A socket that is connected to the one at `path`, close-on-exec. */
int csa_connect(const char *path);
/* A descriptor that is readable when something appears in the directory. */
int csa_watch_directory(const char *path);
/* Waits until the descriptor has events, and takes them. A negative one only waits. */
void csa_await_directory(int fd, int milliseconds);
/* A non-blocking descriptor that is readable when a child has ended. */
int csa_open_child_signals(void);
void csa_drain_child_signals(int fd);
/* Both ends close-on-exec; the first one, ours, is non-blocking. */
int csa_open_channel(int ends[2]);
int csa_open_pipe(int ends[2]);
/* A readable, sealed-off copy of the bytes, positioned at its start, close-on-exec. */
int csa_open_bytes(const char *name, const void *bytes, int64_t count);
/* One byte with descriptors attached. */
int csa_send_descriptors(int socket, uint8_t byte, const int *descriptors, int count);
int csa_set_nonblocking(int fd);
int csa_set_close_on_exec(int fd);

struct csa_limits {
    int64_t processes, file_size, open_files; /* -1: as it is */
};

struct csa_spawn {
    const char *path;
    char *const *arguments;
    char *const *environment;
    const char *directory;
    int input, output, error; /* become 0, 1, 2 */
    int channel;              /* becomes 3; -1: none */
    struct csa_limits limits;
    int32_t protected_pids[4]; /* beside the agent: 0 ends the list; the code cannot signal or trace them */
    int protects_itself;       /* the new process itself is one of them (a warm interpreter that forks) */
};

/* A new session, an empty signal mask, no other descriptors, the filter of csa_install_filter. Returns the pid. */
int32_t csa_spawn(const struct csa_spawn *spawn);
int csa_set_limits(int32_t pid, const struct csa_limits *limits);
/* No new privileges and a system call filter, both inherited; see docs of the agent. For the calling thread. */
int csa_install_filter(const int32_t *protected_pids, int count);

/* CPU time of a process in nanoseconds, or -1. */
int64_t csa_process_cpu(int32_t pid);
/* Also works on a process that has ended and was not waited for. */
int csa_process_io(int32_t pid, uint64_t *read_bytes, uint64_t *written_bytes);
/* Largest resident set in KiB, or -1. */
int64_t csa_process_peak(int32_t pid);

struct csa_exit {
    int32_t pid;
    int32_t code;   /* when it exited, else -1 */
    int32_t signal; /* when a signal ended it, else 0 */
    int64_t cpu_microseconds;
    int64_t peak_kib;
};

/* The pid of a child that has ended, without removing it; 0: none. */
int32_t csa_peek_exit(void);
/* Removes an ended child. 1: done, 0: none there. `pid` -1 for any. */
int csa_reap(int32_t pid, struct csa_exit *exit);

/* Kills and reaps every process of this PID namespace but the caller and `keep`, until none is left.
 * Refuses (-EPERM) unless the caller is PID 1. Returns 0, or 1 if that had to end those in `keep` too,
 * or -ETIMEDOUT if something did not die in 10 s. */
int csa_sweep(const int32_t *keep, int count);
