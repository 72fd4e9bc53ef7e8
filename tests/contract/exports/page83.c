/* page83 INITIATOR URL: the device identification page (SPC-4, 7.8.6) as hexadecimal digits; iscsi-inq shows no bytes. */
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct iscsi_context *iscsi;
    struct iscsi_url *url;
    struct scsi_task *task;

    if (argc != 3 || !(iscsi = iscsi_create_context(argv[1])) || !(url = iscsi_parse_full_url(iscsi, argv[2])))
        return 2;
    iscsi_set_targetname(iscsi, url->target);
    iscsi_set_session_type(iscsi, ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(iscsi, ISCSI_HEADER_DIGEST_NONE_CRC32C);
    iscsi_set_initiator_username_pwd(iscsi, url->user, url->passwd);
    if (iscsi_full_connect_sync(iscsi, url->portal, url->lun)) {
        fprintf(stderr, "%s\n", iscsi_get_error(iscsi));
        return 1;
    }
    task = iscsi_inquiry_sync(iscsi, url->lun, 1, 0x83, 255);
    if (!task || task->status != SCSI_STATUS_GOOD)
        return 1;
    for (int i = 0; i < task->datain.size; i++)
        printf("%02x", task->datain.data[i]);
    putchar('\n');
    iscsi_logout_sync(iscsi);
    return 0;
}
