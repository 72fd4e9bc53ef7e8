/*
 * An ordered writer: round 1, 2, 3, ... goes to member A, then B, C, D, each write begun only after the one before
 * was acknowledged. A point-in-time image of all members therefore has A >= B >= C >= D >= A - 1.
 */
#ifndef ROUNDS_H
#define ROUNDS_H
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_MEMBERS 64

/* The file that others map; tests/e2e/writers.py reads the same layout. Times are CLOCK_MONOTONIC, in seconds. */
struct status {
    volatile uint64_t issued;        /* the round being written */
    volatile uint64_t acked;         /* the last round that all members acknowledged */
    volatile uint64_t errors;        /* writes that failed and were tried again */
    volatile uint64_t paused;        /* 1 while nothing is in flight because of SIGUSR1 */
    volatile double max_stall;       /* longest write since the reset */
    volatile double last_stall;      /* the latest write */
    volatile double write_began_at;  /* 0 when no write is in flight */
    volatile double reset_at;        /* written by the reader: forget what was before */
    volatile double reset_seen_at;   /* the reset that max_stall counts from */
};

struct options {
    const char *status_path;
    const char *initiator; /* iSCSI only */
    const char *sync;      /* NFS only: none, fsync or osync */
    uint64_t first_round;
    uint64_t ring_blocks;
    unsigned pause_between_rounds_us;
    int members;
    char **urls;
};

/* What each protocol brings. Both return 0 once acknowledged, and -1 after an error or when `stopping` is set. */
struct protocol {
    size_t block_bytes;
    int (*write_block)(int member, uint64_t offset, unsigned char *block, size_t length);
    int (*flush)(int member);
};

extern volatile sig_atomic_t stopping;

struct options parse_options(int argc, char **argv);
void report_error(const char *what, int member, const char *message);
int run_rounds(const struct options *options, const struct protocol *protocol);
#endif
