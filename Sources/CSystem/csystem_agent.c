#define _GNU_SOURCE
#include "csystem_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int csa_prepare(int ends_with_parent) {
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return -errno;
    if (getpid() != 1 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return -errno;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -errno;
    if (ends_with_parent && getpid() == 1) {
        /* The parent, bwrap, ends with the server if that is prepared (the signal tells), and we end with bwrap. If either
           is gone by now, so is the other end of our connection. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return -errno;
        int flags = fcntl(1, F_GETFL);
        if (flags >= 0 && fcntl(1, F_GETSIG) == SIGKILL && fcntl(1, F_SETFL, flags | O_ASYNC) != 0) return -errno;
    }
    signal(SIGPIPE, SIG_IGN);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    return 0;
}

int csa_connect(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    int error = errno;
    close(fd);
    return -error;
}

int csa_watch_directory(const char *path) {
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) return -errno;
    if (inotify_add_watch(fd, path, IN_CREATE | IN_MOVED_TO) >= 0) return fd;
    int error = errno;
    close(fd);
    return -error;
}

void csa_await_directory(int fd, int milliseconds) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char events[4096];
    if (poll(&wait, 1, milliseconds) <= 0) return;
    while (read(fd, events, sizeof events) > 0) {}
}

int csa_open_child_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void csa_drain_child_signals(int fd) {
    struct signalfd_siginfo info[4];
    while (read(fd, info, sizeof info) > 0) {}
}

int csa_open_channel(int ends[2]) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
    return csa_set_nonblocking(ends[0]);
}

int csa_open_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
    return csa_set_nonblocking(ends[0]);
}

int csa_open_bytes(const char *name, const void *bytes, int64_t count) {
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0) return -errno;
    for (int64_t done = 0; done < count;) {
        ssize_t n = pwrite(fd, (const char *)bytes + done, (size_t)(count - done), done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            int error = n < 0 ? errno : EIO;
            close(fd);
            return -error;
        }
        done += n;
    }
    return fd;
}

int csa_send_descriptors(int socket, uint8_t byte, const int *descriptors, int count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(8 * sizeof(int))];
    } control;
    if (count < 1 || count > 8) return -EINVAL;
    memset(&control, 0, sizeof control);
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control};
    message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, (size_t)count * sizeof(int));
    ssize_t n;
    do n = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == 1 ? 0 : n < 0 ? -errno : -EIO;
}

int csa_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ? -errno : 0;
}

int csa_set_close_on_exec(int fd) {
    int flags = fcntl(fd, F_GETFD);
    return flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0 ? -errno : 0;
}

/* --- Starting programs --- */

static void set_limit(int32_t pid, int resource, int64_t value) {
    if (value < 0) return;
    struct rlimit64 old, new;
    if (prlimit64(pid, resource, NULL, &old) != 0) return;
    new.rlim_max = (rlim64_t)value < old.rlim_max ? (rlim64_t)value : old.rlim_max;
    new.rlim_cur = new.rlim_max;
    prlimit64(pid, resource, &new, NULL);
}

int csa_set_limits(int32_t pid, const struct csa_limits *limits) {
    set_limit(pid, RLIMIT_NPROC, limits->processes);
    set_limit(pid, RLIMIT_FSIZE, limits->file_size);
    set_limit(pid, RLIMIT_NOFILE, limits->open_files);
    return 0;
}

/* Runs between vfork and execve, on the parent's memory: it may only change what belongs to a process. */
static int become(const struct csa_spawn *spawn) {
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++) {
        /* SIGKILL, SIGSTOP and those of the C library refuse, which is right. */
        struct sigaction standard = {.sa_handler = SIG_DFL};
        sigaction(number, &standard, NULL);
    }
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    /* Above what is to be filled, so that no copy lands on a descriptor that is still needed. */
    int source[4] = {spawn->input, spawn->output, spawn->error, spawn->channel};
    int count = spawn->channel >= 0 ? 4 : 3;
    for (int index = 0; index < count; index++) {
        source[index] = fcntl(source[index], F_DUPFD_CLOEXEC, 10);
        if (source[index] < 0) return errno;
    }
    for (int index = 0; index < count; index++)
        if (dup2(source[index], index) < 0) return errno;
    /* From here on descriptors close themselves with execve. */
    if (syscall(SYS_close_range, (unsigned)count, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) != 0)
        for (int fd = count; fd < 1024; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (chdir(spawn->directory) != 0) return errno;
    csa_set_limits(0, &spawn->limits);
    int32_t pids[6] = {getppid()};
    int pid_count = 1;
    for (int index = 0; index < 4 && spawn->protected_pids[index] > 0; index++)
        pids[pid_count++] = spawn->protected_pids[index];
    if (spawn->protects_itself) pids[pid_count++] = getpid();
    int result = csa_install_filter(pids, pid_count);
    if (result < 0) return -result;
    execve(spawn->path, spawn->arguments, spawn->environment);
    return errno;
}

int32_t csa_spawn(const struct csa_spawn *spawn) {
    /* Nothing of ours may run while the child borrows our memory. */
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    volatile int error = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        error = become(spawn);
        _exit(127);
    }
    int saved = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) return -saved;
    if (error != 0) {
        int status;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
        return -error;
    }
    return pid;
}

/* --- What a process used --- */

int64_t csa_process_cpu(int32_t pid) {
    /* The kernel's encoding of a process' CPU clock: clock_getcpuclockid without its check. */
    clockid_t clock = (clockid_t)((~(unsigned)pid) << 3) | 2;
    struct timespec time;
    if (clock_gettime(clock, &time) != 0) return -1;
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int read_proc(int32_t pid, const char *name, char *buffer, size_t size) {
    char path[48] = "/proc/", digits[12];
    int length = 6, count = 0;
    if (pid <= 0) return -1;
    for (int32_t rest = pid; rest > 0; rest /= 10) digits[count++] = (char)('0' + rest % 10);
    while (count > 0) path[length++] = digits[--count];
    path[length++] = '/';
    strcpy(path + length, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = read(fd, buffer, size - 1);
    close(fd);
    if (n < 0) return -1;
    buffer[n] = 0;
    return 0;
}

static int64_t number_after(const char *text, const char *label) {
    const char *found = strstr(text, label);
    return found == NULL ? -1 : strtoll(found + strlen(label), NULL, 10);
}

int csa_process_io(int32_t pid, uint64_t *read_bytes, uint64_t *written_bytes) {
    char text[512];
    if (read_proc(pid, "io", text, sizeof text) != 0) return -1;
    int64_t in = number_after(text, "rchar:"), out = number_after(text, "wchar:");
    if (in < 0 || out < 0) return -1;
    *read_bytes = (uint64_t)in;
    *written_bytes = (uint64_t)out;
    return 0;
}

int64_t csa_process_peak(int32_t pid) {
    char text[4096];
    return read_proc(pid, "status", text, sizeof text) == 0 ? number_after(text, "VmHWM:") : -1;
}

/* --- Ends of processes --- */

int32_t csa_peek_exit(void) {
    siginfo_t info;
    info.si_pid = 0;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? info.si_pid : 0;
}

int csa_reap(int32_t pid, struct csa_exit *result) {
    int status;
    struct rusage usage;
    pid_t ended;
    do ended = wait4(pid, &status, WNOHANG, &usage);
    while (ended < 0 && errno == EINTR);
    if (ended <= 0) return 0;
    result->pid = ended;
    result->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result->cpu_microseconds = (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                               usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    result->peak_kib = usage.ru_maxrss;
    return 1;
}

struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static int is_kept(int32_t pid, const int32_t *keep, int count) {
    for (int index = 0; index < count; index++)
        if (keep[index] == pid) return 1;
    return pid == 1;
}

/* The pids that a round has found, ascending, as /proc lists them. */
struct round {
    int32_t pids[8192];
    int count;
};

/* Kills what /proc lists. Returns how many of them the round before has not found, or -errno. */
static int kill_round(int proc, const int32_t *keep, int count, const struct round *before, struct round *found) {
    char buffer[16384] __attribute__((aligned(8)));
    int fresh = 0, at_before = 0;
    found->count = 0;
    if (lseek(proc, 0, SEEK_SET) < 0) return -errno;
    for (;;) {
        long n = syscall(SYS_getdents64, proc, buffer, sizeof buffer);
        if (n < 0) return -errno;
        if (n == 0) return fresh;
        for (long at = 0; at < n;) {
            struct entry *entry = (struct entry *)(buffer + at);
            at += entry->length;
            int32_t pid = 0;
            for (const char *c = entry->name; *c >= '0' && *c <= '9'; c++) pid = pid * 10 + (*c - '0');
            if (pid <= 0 || is_kept(pid, keep, count)) continue;
            kill(pid, SIGKILL);
            while (at_before < before->count && before->pids[at_before] < pid) at_before++;
            if (at_before == before->count || before->pids[at_before] != pid) fresh++;
            if (found->count < (int)(sizeof found->pids / sizeof *found->pids)) found->pids[found->count++] = pid;
        }
    }
}

static void reap_all(void) {
    int status;
    while (waitpid(-1, &status, WNOHANG) > 0) {}
}

int csa_sweep(const int32_t *keep, int count) {
    if (getpid() != 1) return -EPERM;
    static int proc = -1;
    if (proc < 0) proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0) return -errno;
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    static struct round rounds[2];
    rounds[1].count = 0;
    int result = 0;
    for (int round = 0;; round++) {
        struct round *found = &rounds[round & 1];
        int fresh = kill_round(proc, keep, count, &rounds[~round & 1], found);
        if (fresh < 0) return fresh;
        if (found->count == 0) return result;
        clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t spent = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
        if (spent > 10000) return -ETIMEDOUT;
        if (fresh > 0 && round >= 50 && spent >= 30) {
            /* What forks faster than it is listed cannot outrun this: it is atomic. The others are only slow to die. */
            kill(-1, SIGKILL);
            result = 1;
        }
        /* Sleeps, so that its victims get the processor; the end of a child wakes it. */
        struct timespec pause = {0, 200000};
        sigtimedwait(&child, NULL, &pause);
        reap_all();
    }
}
