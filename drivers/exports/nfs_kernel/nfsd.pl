# What the kernel's server has: entries, and clients with files open. Stands behind volume.pl.
my $NFSD = '/proc/fs/nfsd';

sub require_server {
    not_running('nfsd has no threads') unless (read_text("$NFSD/threads") || 0) > 0;
    not_running('nfsd does not serve NFSv4') unless read_text("$NFSD/versions") =~ /\+4/;
    my %names = map { read_text($_) => 1 } glob '/proc/[0-9]*/comm';
    not_running('rpc.mountd does not run') unless $names{"rpc.mountd\n"} || $names{"nfsv4.exportd\n"};
}

sub not_running {
    print STDERR "the NFS server is not running: $_[0]\n";
    exit 4;
}

# PLACE => CLIENT => options, as exportfs prints them: ours only.
sub observe_offered {
    my ($status, $line, $text) = run('exportfs', '-s');
    die "exportfs: $line\n" if $status;
    my %offered;
    for (split /\n/, $text) {
        my ($place, $client, $options) = /^(\Q$places\E\S*)\s+([^\s(]+)\((.*)\)$/ or next;
        $offered{$place}{$client} = {map { $_ => 1 } split /,/, $options};
    }
    return \%offered;
}

# exportfs prints neither `subtree_check` nor the other words of the kernel's own defaults.
sub lacking {
    my ($volume, $has) = @_;
    return grep { $_ eq 'subtree_check' ? $has->{no_subtree_check} : !$has->{$_} } options($volume);
}

# Clients of NFSv4 that have a file of the volume open but are none of `kept`, or have a file open that was replaced:
# their directories in /proc. Their `states` names a file by its last two names, and by its file system and inode.
sub strangers {
    my ($volume, $mount, @kept) = @_;
    return unless $mount;
    my $device = sprintf '%02x:%02x', split /:/, $mount->{device};
    my ($directory) = $mount->{root} =~ m{([^/]+)$};
    my $inode = (stat "$volume->{place}/disk")[1] // 0;
    my %kept = map { $_ => 1 } @kept;
    return grep {
        my ($address) = read_text("$_/info") =~ /^address: "\[?(.*?)\]?:\d+"$/m;
        my $is_stranger = !$kept{$address // ''};
        my @open = $volume->{is_image} || defined $directory
            ? read_text("$_/states") =~ /superblock: "\w+:\w+:(\d+)", filename: "\Q$directory\E\/disk"/g
            : read_text("$_/states") =~ /superblock: "\Q$device\E:(\d+)"/g;
        grep { $is_stranger || defined $directory && $_ != $inode } @open;
    } glob "$NFSD/clients/[0-9]*";
}

# The kernel answers when nothing of the client is under way any more.
sub expire {
    my ($client) = @_;
    open my $control, '>', "$client/ctl" or return;
    print {$control} "expire\n";
    close $control or !-d $client or die "NFS client $client cannot be expired: $!\n";
}
