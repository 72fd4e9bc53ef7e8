/* Ordered writer to iSCSI LUNs: iscsi_writer -f STATUS [-i IQN] iscsi://[user%secret@]HOST[:PORT]/IQN/LUN ... */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "rounds.h"

#define SECTOR_BYTES 512

static struct iscsi_context *contexts[MAX_MEMBERS];
static int luns[MAX_MEMBERS];

struct answer {
    int arrived, status;
};

static void on_answer(struct iscsi_context *context, int command_status, void *data, void *private_data)
{
    (void)context, (void)data;
    struct answer *answer = private_data;
    answer->arrived = 1;
    answer->status = command_status;
}

/*
 * An event loop of our own: the library's does not look at `stopping` while it reconnects, and it does for ever.
 * A task is never given up before that: the library would send it again after the reconnect, above a newer round.
 */
static void wait_for(struct iscsi_context *context, struct answer *answer)
{
    while (!answer->arrived && !stopping) {
        struct pollfd p = {.fd = iscsi_get_fd(context), .events = iscsi_which_events(context)};
        int ready = poll(&p, 1, 100);
        int served = ready >= 0 ? iscsi_service(context, ready ? p.revents : 0) : 0;
        /* Until it connects anew the library waits for nothing, and poll() tells of the dead socket at once. */
        if (served < 0 || (ready > 0 && !(p.revents & p.events)))
            usleep(20000);
    }
}

/* A task that is left unanswered (stopping) is left to the end of the process, its answer too. */
static int finish(int member, struct scsi_task *task, struct answer *answer, const char *what)
{
    if (task)
        wait_for(contexts[member], answer);
    if (!task || !answer->arrived) {
        report_error(what, member, iscsi_get_error(contexts[member]));
        return -1;
    }
    if (answer->status != SCSI_STATUS_GOOD)
        report_error(what, member, iscsi_get_error(contexts[member]));
    scsi_free_scsi_task(task);
    return answer->status == SCSI_STATUS_GOOD ? 0 : -1;
}

static int write_block(int member, uint64_t offset, unsigned char *block, size_t length)
{
    static struct answer answer;
    answer.arrived = 0;
    struct scsi_task *task = iscsi_write10_task(contexts[member], luns[member], offset / SECTOR_BYTES, block, length,
                                                SECTOR_BYTES, 0, 0, 0, 0, 0, on_answer, &answer);
    return finish(member, task, &answer, "write");
}

static int flush(int member)
{
    static struct answer answer;
    answer.arrived = 0;
    struct scsi_task *task =
        iscsi_synchronizecache10_task(contexts[member], luns[member], 0, 0, 0, 0, on_answer, &answer);
    return finish(member, task, &answer, "flush");
}

static void connect_member(int member, const char *text, const char *initiator)
{
    struct iscsi_context *context = iscsi_create_context(initiator);
    struct iscsi_url *url = iscsi_parse_full_url(context, text);
    if (!url) {
        fprintf(stderr, "%s: %s\n", text, iscsi_get_error(context));
        exit(2);
    }
    iscsi_set_targetname(context, url->target);
    iscsi_set_session_type(context, ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(context, ISCSI_HEADER_DIGEST_NONE);
    if (url->user[0])
        iscsi_set_initiator_username_pwd(context, url->user, url->passwd);
    if (url->target_user[0])
        iscsi_set_target_username_pwd(context, url->target_user, url->target_passwd);
    if (iscsi_full_connect_sync(context, url->portal, url->lun)) {
        fprintf(stderr, "login: %s\n", iscsi_get_error(context));
        exit(3);
    }
    contexts[member] = context;
    luns[member] = url->lun;
    iscsi_destroy_url(url);
}

int main(int argc, char **argv)
{
    struct options options = parse_options(argc, argv);
    for (int member = 0; member < options.members; member++)
        connect_member(member, options.urls[member], options.initiator);
    const struct protocol iscsi = {.block_bytes = 4096, .write_block = write_block, .flush = flush};
    return run_rounds(&options, &iscsi);
}
