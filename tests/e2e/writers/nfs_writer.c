/*
 * Ordered writer to files of one server over NFSv4:
 *     nfs_writer -f STATUS [-s none|fsync|osync] nfs://HOST[:PORT]/EXPORT/FILE ...
 *
 * Four limits of libnfs 4.0.0 (Debian 12) shape it:
 * - it cannot encode an NFSv4 write of 4096 bytes or more, hence blocks of 2048;
 * - a client's identity is its process number and the second, so that a second context in one process takes the
 *   first one's state away: one context for all members, mounted at the server's root, whatever their exports;
 * - O_CREAT fails for a file that exists, and after a failed open: the files must be there;
 * - it opens a file for writing only where ACCESS says that its directory may be written: zdr_ACCESS4resok says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nfsc/libnfs-zdr.h>
#include <nfsc/libnfs.h>
#include <nfsc/libnfs-raw-nfs4.h>

#include "rounds.h"

#define TIMEOUT_MS 2000
#define PATH_BYTES 1024

static struct nfs_context *context;
static char server[256], host[256];
static char paths[MAX_MEMBERS][PATH_BYTES];
static struct nfsfh *files[MAX_MEMBERS];
static int members, open_flags = O_RDWR, fsync_each;

struct answer {
    int arrived, result;
};

/* In the place of libnfs's own. What the server allows shows when the file is opened and written. */
uint32_t zdr_ACCESS4resok(ZDR *zdrs, ACCESS4resok *answer)
{
    uint32_t arrived = zdr_u_int(zdrs, &answer->supported) && zdr_u_int(zdrs, &answer->access);
    answer->access = answer->supported;
    return arrived;
}

static void on_answer(int result, struct nfs_context *of, void *data, void *private_data)
{
    (void)of, (void)data;
    struct answer *answer = private_data;
    answer->arrived = 1;
    answer->result = result;
}

/* libnfs takes the port from a URL only. */
static void set_version_and_port(void)
{
    char url[600];
    const char *port = strchr(server, ':');
    snprintf(host, sizeof host, "%.*s", (int)strcspn(server, ":"), server);
    snprintf(url, sizeof url, "nfs://%s/?version=4&nfsport=%s", host, port ? port + 1 : "2049");
    nfs_destroy_url(nfs_parse_url_dir(context, url));
}

static int attach(void)
{
    context = nfs_init_context();
    set_version_and_port();
    nfs_set_timeout(context, TIMEOUT_MS);
    nfs_set_autoreconnect(context, 0);
    int failed = nfs_mount(context, host, "/");
    for (int member = 0; !failed && member < members; member++)
        failed = nfs_open(context, paths[member], open_flags, &files[member]);
    return failed ? -1 : 0;
}

/* What is still in the socket must not arrive later, above a newer round: discard it. */
static void detach(void)
{
    struct linger discard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(nfs_get_fd(context), SOL_SOCKET, SO_LINGER, &discard, sizeof discard);
    nfs_destroy_context(context);
    context = NULL;
}

/* After a restart of the server the old state is dead, and libnfs does not recover it: mount and open anew. */
static int ensure_attached(int member)
{
    if (context || attach() == 0)
        return 0;
    report_error("mount", member, nfs_get_error(context));
    detach();
    usleep(20000);
    return -1;
}

static void wait_for(struct answer *answer)
{
    while (!answer->arrived && !stopping) {
        struct pollfd p = {.fd = nfs_get_fd(context), .events = nfs_which_events(context)};
        int ready = poll(&p, 1, 100);
        if (ready >= 0 && nfs_service(context, ready ? p.revents : 0) < 0)
            return;
    }
}

/* A read-only export (a fence) leaves the open files usable; after any other error all is opened anew. */
static int finish(int member, int queued, struct answer *answer, int expected, const char *what)
{
    if (queued == 0)
        wait_for(answer);
    if (queued == 0 && answer->arrived && answer->result == expected)
        return 0;
    if (stopping)
        return -1;
    report_error(what, member, nfs_get_error(context));
    if (!(answer->arrived && answer->result == -EROFS))
        detach();
    return -1;
}

static int flush(int member)
{
    static struct answer answer;
    answer = (struct answer){0};
    if (ensure_attached(member))
        return -1;
    return finish(member, nfs_fsync_async(context, files[member], on_answer, &answer), &answer, 0, "fsync");
}

static int write_block(int member, uint64_t offset, unsigned char *block, size_t length)
{
    static struct answer answer;
    answer = (struct answer){0};
    if (ensure_attached(member))
        return -1;
    int queued = nfs_pwrite_async(context, files[member], offset, length, block, on_answer, &answer);
    if (finish(member, queued, &answer, (int)length, "write"))
        return -1;
    return fsync_each ? flush(member) : 0;
}

static void parse_url(int member, const char *text)
{
    char found[sizeof server];
    if (sscanf(text, "nfs://%255[^/]%1023s", found, paths[member]) != 2 || (member && strcmp(found, server))) {
        fprintf(stderr, "%s: want nfs://HOST[:PORT]/EXPORT/FILE, the same host for all members\n", text);
        exit(2);
    }
    strcpy(server, found);
}

int main(int argc, char **argv)
{
    struct options options = parse_options(argc, argv);
    fsync_each = strcmp(options.sync, "fsync") == 0;
    if (strcmp(options.sync, "osync") == 0)
        open_flags |= O_SYNC;
    members = options.members;
    for (int member = 0; member < members; member++)
        parse_url(member, options.urls[member]);
    if (attach()) {
        fprintf(stderr, "%s: %s\n", server, nfs_get_error(context));
        return 3;
    }
    const struct protocol nfs = {.block_bytes = 2048, .write_block = write_block, .flush = flush};
    return run_rounds(&options, &nfs);
}
