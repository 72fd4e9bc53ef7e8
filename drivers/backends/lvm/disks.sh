# The disks below the pool, for server.sh and check_for_setup_error.sh.
# shellcheck disable=SC2034,SC2154 # of pool.sh: its variables

# look_at_blocks: $block_bytes is what the disks read and write at once, and so a volume's clients; empty where the pool
# is not active.
look_at_blocks() {
    block_bytes=''
    device=$(dmsetup info -c --noheadings -o blkdevname "${tpool}_tdata" 2>/dev/null) || return 0
    [ ! -r "/sys/block/$device/queue/logical_block_size" ] || read -r block_bytes <"/sys/block/$device/queue/logical_block_size"
}
