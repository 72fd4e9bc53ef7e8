#include "rounds.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

volatile sig_atomic_t stopping;
static volatile sig_atomic_t pausing;
static struct status *status;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        pausing = 1;
    else if (number == SIGUSR2)
        pausing = 0;
    else
        stopping = 1;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

struct options parse_options(int argc, char **argv)
{
    struct options o = {.initiator = "iqn.2024-01.lab:client", .sync = "none", .first_round = 1, .ring_blocks = 256};
    int option;
    while ((option = getopt(argc, argv, "f:i:s:n:r:u:")) != -1) {
        switch (option) {
        case 'f': o.status_path = optarg; break;
        case 'i': o.initiator = optarg; break;
        case 's': o.sync = optarg; break;
        case 'n': o.first_round = strtoull(optarg, NULL, 10); break;
        case 'r': o.ring_blocks = strtoull(optarg, NULL, 10); break;
        case 'u': o.pause_between_rounds_us = atoi(optarg); break;
        default: exit(2);
        }
    }
    o.members = argc - optind;
    o.urls = argv + optind;
    if (!o.status_path || o.members < 1 || o.members > MAX_MEMBERS) {
        fprintf(stderr, "usage: %s -f STATUS [-i INITIATOR] [-s none|fsync|osync] [-n FIRST] [-r RING] [-u US] URL...\n",
                argv[0]);
        exit(2);
    }
    return o;
}

/* The first few errors in full, then one in a thousand: a fenced writer meets thousands of them. */
void report_error(const char *what, int member, const char *message)
{
    uint64_t count = status ? status->errors : 0;
    if (count < 8 || count % 1000 == 0)
        fprintf(stderr, "%s, member %d, error %llu: %s\n", what, member, (unsigned long long)count, message);
}

static struct status *map_status(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0644);
    if (fd < 0 || ftruncate(fd, sizeof(struct status)))
        fail(path);
    struct status *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (s == MAP_FAILED)
        fail("mmap");
    close(fd);
    return s;
}

static void measure(double began_at)
{
    double ended_at = now(), reset_at = status->reset_at;
    if (status->reset_seen_at != reset_at) {
        status->max_stall = 0;
        status->reset_seen_at = reset_at;
    }
    double stall = ended_at - (began_at > reset_at ? began_at : reset_at);
    status->last_stall = stall;
    if (stall > status->max_stall)
        status->max_stall = stall;
}

/* Until it is acknowledged: a lost connection or a fence only makes it take longer. */
static int write_until_acknowledged(const struct protocol *p, int member, uint64_t offset, unsigned char *block)
{
    while (!stopping) {
        if (p->write_block(member, offset, block, p->block_bytes) == 0)
            return 0;
        if (!stopping)
            status->errors++;
        usleep(1000);
    }
    return -1;
}

static int write_member(const struct options *o, const struct protocol *p, int member, uint64_t round,
                        unsigned char *block)
{
    double began_at = now();
    status->write_began_at = began_at;
    if (write_until_acknowledged(p, member, 0, block))
        return -1;
    if (write_until_acknowledged(p, member, p->block_bytes * (1 + round % o->ring_blocks), block))
        return -1;
    measure(began_at);
    status->write_began_at = 0;
    return 0;
}

static int write_round(const struct options *o, const struct protocol *p, uint64_t round)
{
    unsigned char block[4096];
    memset(block, round & 0xff, sizeof block);
    memcpy(block, &round, sizeof round);
    status->issued = round;
    for (int member = 0; member < o->members; member++)
        if (write_member(o, p, member, round, block))
            return -1;
    status->acked = round;
    return 0;
}

/* As a quiesced application: the round is complete, everything is flushed, nothing is in flight. */
static void pause_if_asked(const struct options *o, const struct protocol *p)
{
    if (!pausing)
        return;
    for (int member = 0; member < o->members; member++)
        while (!stopping && p->flush(member))
            usleep(1000);
    status->paused = 1;
    while (pausing && !stopping)
        usleep(500);
    status->paused = 0;
}

static void catch_signals(void)
{
    const int numbers[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
    struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int run_rounds(const struct options *o, const struct protocol *p)
{
    status = map_status(o->status_path);
    catch_signals();
    double began_at = now();
    uint64_t round = o->first_round;
    while (!stopping && write_round(o, p, round) == 0) {
        round++;
        pause_if_asked(o, p);
        if (o->pause_between_rounds_us)
            usleep(o->pause_between_rounds_us);
    }
    printf("{\"rounds\": %llu, \"seconds\": %.3f, \"errors\": %llu, \"max_stall_seconds\": %.6f}\n",
           (unsigned long long)(round - o->first_round), now() - began_at, (unsigned long long)status->errors,
           status->max_stall);
    return 0;
}
