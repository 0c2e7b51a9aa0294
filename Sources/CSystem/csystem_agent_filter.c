#define _GNU_SOURCE
#include "csystem_agent.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The filter does two things for code that runs as the same user as the agent and the warm interpreters:
 *  - it cannot signal, trace or re-prioritise those (the dumpable flag keeps it out of their memory and descriptors);
 *  - it cannot reach parts of the kernel that no program in a sandbox needs.
 * Calls that are allowed whatever their arguments are answered from the kernel's bitmap and never run the filter, so
 * a plain list is as fast as a tree.
 */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the system call filter knows x86_64 and aarch64"
#endif

#define LIMIT 512
#define ARGUMENT(n) (offsetof(struct seccomp_data, args) + 8 * (n))

struct program {
    struct sock_filter code[LIMIT];
    int length;
};

static void add(struct program *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k) {
    if (p->length < LIMIT) p->code[p->length++] = (struct sock_filter){code, jt, jf, k};
}

static void load(struct program *p, uint32_t offset) { add(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset); }
static void answer(struct program *p, uint32_t value) { add(p, BPF_RET | BPF_K, 0, 0, value); }
static void fail(struct program *p, int error) { answer(p, SECCOMP_RET_ERRNO | (uint32_t)error); }

/* Runs the next `count` instructions only if the accumulator is `value`. */
static void when(struct program *p, uint32_t value, uint8_t count) {
    add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, count, value);
}

/* Refuses the call whatever its arguments are. */
static void refuse(struct program *p, long number, int error) {
    when(p, (uint32_t)number, 1);
    fail(p, error);
}

/* Refuses the call if the low half of an argument, which is all a pid_t or int is, has one of the values. */
static void refuse_values(struct program *p, long number, int argument, const uint32_t *values, int count) {
    when(p, (uint32_t)number, (uint8_t)(2 * count + 2));
    load(p, (uint32_t)ARGUMENT(argument));
    for (int index = 0; index < count; index++) {
        when(p, values[index], 1);
        fail(p, EPERM);
    }
    answer(p, SECCOMP_RET_ALLOW);
}

/* setpriority and ioprio_set: by process or group one of the protected, by user everything at once. */
static void refuse_priority(struct program *p, long number, uint32_t user, const uint32_t *values, int count) {
    when(p, (uint32_t)number, (uint8_t)(2 * count + 5));
    load(p, (uint32_t)ARGUMENT(0));
    when(p, user, 1);
    fail(p, EPERM);
    load(p, (uint32_t)ARGUMENT(1));
    for (int index = 0; index < count; index++) {
        when(p, values[index], 1);
        fail(p, EPERM);
    }
    answer(p, SECCOMP_RET_ALLOW);
}

static const int refused[] = {
    /* Keys, kernel code, measuring: shared by all sandboxes or far more than a program needs. */
    SYS_keyctl, SYS_add_key, SYS_request_key, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_kexec_load,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_open_by_handle_at, SYS_acct, SYS_quotactl, SYS_reboot,
    SYS_swapon, SYS_swapoff, SYS_syslog, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime,
    SYS_vhangup,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef SYS_iopl
    SYS_iopl, SYS_ioperm,
#endif
    /* New name spaces and mounts: the way into code that only root used to reach. */
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns, SYS_move_mount, SYS_open_tree,
    SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick,
#ifdef SYS_mount_setattr
    SYS_mount_setattr,
#endif
    /* Into other processes. */
    SYS_pidfd_getfd,
#ifdef SYS_process_madvise
    SYS_process_madvise,
#endif
};

/* These are answered as by an older kernel: libraries then take the older call, which the filter can read. */
static const int unknown[] = {
    SYS_clone3, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_pidfd_send_signal,
#ifdef SYS_process_mrelease
    SYS_process_mrelease,
#endif
};

int csa_install_filter(const int32_t *protected_pids, int count) {
    if (count < 1 || count > 6) return -EINVAL;
    uint32_t pids[6], targets[13];
    int target_count = 0;
    for (int index = 0; index < count; index++) {
        pids[index] = (uint32_t)protected_pids[index];
        targets[target_count++] = pids[index];
        /* Its process group. For PID 1 this is -1, everything. */
        targets[target_count++] = (uint32_t)-protected_pids[index];
    }
    targets[target_count++] = (uint32_t)-1;

    struct program p;
    p.length = 0;
    load(&p, offsetof(struct seccomp_data, arch));
    add(&p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCHITECTURE);
    answer(&p, SECCOMP_RET_KILL_PROCESS);
    load(&p, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    /* The x32 call numbers. */
    add(&p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, 0x40000000);
    answer(&p, SECCOMP_RET_KILL_PROCESS);
#endif

    /* clone: processes and threads, yes; new name spaces, no. */
    when(&p, SYS_clone, 4);
    load(&p, (uint32_t)ARGUMENT(0));
    add(&p, BPF_JMP | BPF_JSET | BPF_K, 0, 1, 0x7e020000);
    fail(&p, EPERM);
    answer(&p, SECCOMP_RET_ALLOW);

    /* fcntl(F_SETOWN) makes the kernel send a signal of the caller's choice to a process of the caller's choice. */
    when(&p, SYS_fcntl, (uint8_t)(2 * target_count + 6));
    load(&p, (uint32_t)ARGUMENT(1));
    when(&p, 15 /* F_SETOWN_EX: its pid is behind a pointer */, 1);
    fail(&p, EPERM);
    add(&p, BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)(2 * target_count + 1), 8 /* F_SETOWN */);
    load(&p, (uint32_t)ARGUMENT(2));
    for (int index = 0; index < target_count; index++) {
        when(&p, targets[index], 1);
        fail(&p, EPERM);
    }
    answer(&p, SECCOMP_RET_ALLOW);
    /* The same by ioctl (FIOSETOWN, SIOCSPGRP); TIOCSTI types into a terminal. */
    static const uint32_t requests[] = {0x8901, 0x8902, 0x5412};
    refuse_values(&p, SYS_ioctl, 1, requests, 3);

    refuse_values(&p, SYS_kill, 0, targets, target_count);
    refuse_values(&p, SYS_tkill, 0, pids, count);
    refuse_values(&p, SYS_tgkill, 1, pids, count);
    refuse_values(&p, SYS_rt_sigqueueinfo, 0, targets, target_count);
    refuse_values(&p, SYS_rt_tgsigqueueinfo, 1, pids, count);
    refuse_values(&p, SYS_pidfd_open, 0, pids, count);
    refuse_values(&p, SYS_ptrace, 1, pids, count);
    refuse_values(&p, SYS_process_vm_readv, 0, pids, count);
    refuse_values(&p, SYS_process_vm_writev, 0, pids, count);
    refuse_values(&p, SYS_prlimit64, 0, pids, count);
    refuse_values(&p, SYS_sched_setaffinity, 0, pids, count);
    refuse_values(&p, SYS_sched_setscheduler, 0, pids, count);
    refuse_values(&p, SYS_sched_setparam, 0, pids, count);
    refuse_values(&p, SYS_sched_setattr, 0, pids, count);
    refuse_values(&p, SYS_migrate_pages, 0, pids, count);
    refuse_values(&p, SYS_move_pages, 0, pids, count);
    refuse(&p, SYS_kcmp, EPERM);
    refuse_priority(&p, SYS_setpriority, 2 /* PRIO_USER */, pids, count);
    refuse_priority(&p, SYS_ioprio_set, 3 /* IOPRIO_WHO_USER */, pids, count);

    for (unsigned index = 0; index < sizeof refused / sizeof *refused; index++) refuse(&p, refused[index], EPERM);
    for (unsigned index = 0; index < sizeof unknown / sizeof *unknown; index++) refuse(&p, unknown[index], ENOSYS);
    answer(&p, SECCOMP_RET_ALLOW);
    if (p.length >= LIMIT) return -E2BIG;

    struct sock_fprog program = {(unsigned short)p.length, p.code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return -errno;
    return 0;
}
