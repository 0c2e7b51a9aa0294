/* What starting and watching sandboxes from the host needs of the kernel. */
#define _GNU_SOURCE
#include <spawn.h>
#include "csystem_runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int csr_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int epoll_change(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(epoll, operation, fd, &event);
}

int csr_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
    return epoll_change(epoll, EPOLL_CTL_ADD, fd, events, token);
}

int csr_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token) {
    return epoll_change(epoll, EPOLL_CTL_MOD, fd, events, token);
}

int csr_epoll_delete(int epoll, int fd) { return epoll_change(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

int csr_epoll_wait(int epoll, uint64_t *tokens, uint32_t *events, int capacity) {
    struct epoll_event found[64];
    int count = epoll_wait(epoll, found, capacity < 64 ? capacity : 64, -1);
    for (int i = 0; i < count; i++) {
        tokens[i] = found[i].data.u64;
        events[i] = found[i].events;
    }
    return count;
}

int csr_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int csr_socketpair(int fds[2]) { return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds); }

int csr_pipe(int fds[2]) { return pipe2(fds, O_CLOEXEC); }

int64_t csr_send(int fd, const void *bytes, uint64_t count) {
    return send(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int64_t csr_receive(int fd, void *bytes, uint64_t count) { return recv(fd, bytes, count, MSG_DONTWAIT); }

static const char *const listener_name = "agent.sock", *const listener_draft = "agent.new";

int csr_listen(const char *directory, int64_t user, int64_t group) {
    int place = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place < 0) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    /* However long the directory's own path is. */
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", place, listener_draft);
    unlinkat(place, listener_draft, 0);
    int failed = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
                 fchmodat(place, listener_draft, 0600, 0) != 0 ||
                 (user >= 0 && fchownat(place, listener_draft, (uid_t)user, (gid_t)group, AT_SYMLINK_NOFOLLOW) != 0) ||
                 listen(fd, 16) != 0 || renameat(place, listener_draft, place, listener_name) != 0;
    int error = errno;
    if (failed && fd >= 0) close(fd);
    close(place);
    errno = error;
    return failed ? -1 : fd;
}

int csr_accept(int fd, int *pid, uint32_t *user) {
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0) return -1;
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        int error = errno;
        close(connection);
        errno = error;
        return -1;
    }
    *pid = peer.pid;
    *user = peer.uid;
    return connection;
}

int csr_unlisten(const char *directory) {
    int place = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place < 0) return -1;
    int result = unlinkat(place, listener_name, 0);
    int error = errno;
    close(place);
    errno = error;
    return result;
}

int csr_pidfd_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int csr_pidfd_signal(int pidfd, int signal) { return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0); }

int csr_pidfd_reap(int pidfd, int *was_signaled, int *status) {
    siginfo_t info = {0};
    const idtype_t by_pidfd = 3; /* P_PIDFD */
    int result = waitid(by_pidfd, pidfd, &info, WEXITED | WNOHANG);
    if (result != 0 || info.si_pid == 0) return result != 0 ? -1 : 0;
    *was_signaled = info.si_code != CLD_EXITED;
    *status = info.si_status;
    return 1;
}

int csr_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

const uint64_t CSR_RESOLVE_BENEATH = RESOLVE_BENEATH;
const uint64_t CSR_RESOLVE_NO_MAGICLINKS = RESOLVE_NO_MAGICLINKS;
const uint64_t CSR_RESOLVE_NO_XDEV = RESOLVE_NO_XDEV;
const int CSR_O_PATH = O_PATH;
const int CSR_O_TMPFILE = O_TMPFILE;
const int CSR_AT_EMPTY_PATH = AT_EMPTY_PATH;


/* The child between fork and exec: only system calls, no allocation, no lock. */

static void fail(const char *what) {
    int error = errno;
    char text[256];
    int length = snprintf(text, sizeof text, "sandbox: cannot %s: %s\n", what, strerrordesc_np(error));
    if (length > (int)sizeof text - 1) length = sizeof text - 1;
    if (length > 0 && write(2, text, (size_t)length) < 0) _exit(126);
    _exit(127);
}

/* Makes the sources reachable for a user who could not even enter their parents: in a mount namespace of this process
   alone, under a small file system of its own. */
static void stage(const struct csr_spawn *spawn) {
    int sources[CSR_MAX_BINDS];
    if (unshare(CLONE_NEWNS) != 0) fail("get a mount namespace");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) fail("keep mounts to itself");
    for (int i = 0; i < spawn->bind_count; i++) {
        sources[i] = open(spawn->binds[i].source, O_PATH | O_CLOEXEC | O_NOFOLLOW);
        if (sources[i] < 0) fail(spawn->binds[i].source);
    }
    if (mount("sandbox", spawn->stage, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=0755") != 0) fail("mount its stage");
    int directory = open(spawn->stage, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) fail("open its stage");
    for (int i = 0; i < spawn->bind_count; i++) {
        char from[32], to[128];
        const char *name = spawn->binds[i].name;
        snprintf(from, sizeof from, "/proc/self/fd/%d", sources[i]);
        snprintf(to, sizeof to, "%s/%s", spawn->stage, name);
        struct stat status;
        if (fstat(sources[i], &status) != 0) fail(spawn->binds[i].source);
        if (S_ISDIR(status.st_mode)) {
            if (mkdirat(directory, name, 0755) != 0) fail("make a place on its stage");
        } else {
            int file = openat(directory, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
            if (file < 0) fail("make a place on its stage");
            close(file);
        }
        if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) != 0) fail(spawn->binds[i].source);
    }
}

/* What the kernel is to do when the reading end of the output closes, which it does with the server: kill this process
   group, bwrap. The agent switches it on when it runs, and its own end follows from bwrap's.

   Not before, and bwrap's own die-with-parent not at all: while bwrap starts, a child of it waits for a word of its
   parent, as the first process of a PID namespace whom few signals reach, and would wait for ever were that killed. So a
   start goes on when the server is gone, until the agent finds its connection closed. */
static void prepare_end_with_reader(int output) {
    if (fcntl(output, F_SETOWN, -getpid()) != 0 || fcntl(output, F_SETSIG, SIGKILL) != 0)
        fail("bind its life to the server's");
}

static void run_child(const struct csr_spawn *spawn) {
    /* Out of the way of the numbers that they are to have. */
    int agent = fcntl(spawn->agent, F_DUPFD, 20);
    int output = fcntl(spawn->output, F_DUPFD, 20);
    int info = fcntl(spawn->info, F_DUPFD, 20);
    int info_reader = fcntl(spawn->info_reader, F_DUPFD, 20);
    if (agent < 0 || output < 0 || info < 0 || info_reader < 0) _exit(125);
    if (dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(125);

    for (int signal_number = 1; signal_number < NSIG; signal_number++) {
        struct sigaction reset = {.sa_handler = SIG_DFL};
        sigaction(signal_number, &reset, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    for (int i = 0; i < spawn->group_count; i++) {
        if (write(spawn->groups[i], "0", 1) != 1) fail("join its control group");
    }
    /* Before the server, when the whole host runs out of memory. */
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score >= 0) {
        if (write(score, "500", 3) != 3) fail("raise its oom score");
        close(score);
    }
    struct rlimit core = {0, 0};
    if (setrlimit(RLIMIT_CORE, &core) != 0) fail("forbid core files");
    if (setsid() < 0) fail("lead a session");
    prepare_end_with_reader(1);
    if (chdir("/") != 0) fail("leave the directory");
    umask(022);

    if (spawn->bind_count > 0) stage(spawn);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0) fail("open /dev/null");
    /* A reader of its own: bwrap can tell what it has to tell though nobody is there any more. */
    if (dup2(agent, 3) < 0 || dup2(info, 4) < 0 || dup2(info_reader, 5) < 0) fail("pass its socket on");
    if (syscall(SYS_close_range, 6, ~0U, 0) != 0) {
        for (int fd = 6; fd < 65536; fd++) close(fd);
    }

    if (spawn->user >= 0) {
        /* Raw calls: the C library's would first stop its other threads, which do not exist here. */
        if (syscall(SYS_setgroups, 0, NULL) != 0) fail("leave its groups");
        gid_t group = (gid_t)spawn->group;
        uid_t user = (uid_t)spawn->user;
        if (syscall(SYS_setresgid, group, group, group) != 0) fail("change its group");
        if (spawn->process_limit > 0) {
            struct rlimit processes = {(rlim_t)spawn->process_limit, (rlim_t)spawn->process_limit};
            if (setrlimit(RLIMIT_NPROC, &processes) != 0) fail("limit its processes");
        }
        if (syscall(SYS_setresuid, user, user, user) != 0) fail("change its user");
    }
    execve(spawn->path, spawn->argv, spawn->envp);
    fail("start bwrap");
}

int csr_spawn(const struct csr_spawn *spawn, int *pidfd) {
    if (spawn->bind_count > CSR_MAX_BINDS) {
        errno = E2BIG;
        return -1;
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    /* A copy of the address space, not a shared one: changing the user of a shared one would change how the kernel
       protects ours. */
    int pid = (int)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, pidfd, 0, 0);
    if (pid == 0) {
        run_child(spawn);
        _exit(127);
    }
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

int csr_spawn_close_from(void *actions, int first)
{
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int csr_spawn_change_directory(void *actions, const char *path)
{
    return posix_spawn_file_actions_addchdir_np(actions, path);
}
