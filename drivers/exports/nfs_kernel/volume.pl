# What shall be, as it came over standard input, and the volumes' sources. Stands behind server.pl.
my ($action, $config, $places, $port) = @ARGV;
my $OWNER_ID = 70726;    # who all users of a client are, where a volume is a file: see server.py
my ($GET_FLAGS, $SET_FLAGS, $SYNCHRONOUS) = (0x80086601, 0x40086602, 0x8);    # ioctl_iflags(2)

# VOLUME SOURCE SIZE_BYTES CLIENTS FSID; CLIENTS are a,b, or - for nobody (SOURCE is - then).
sub read_wanted {
    my @wanted;
    while (defined(my $line = <STDIN>)) {
        chomp $line;
        my %volume;
        @volume{qw(id source size clients fsid)} = split /\t/, $line;
        $volume{clients} = $volume{clients} eq '-' ? [] : [split /,/, $volume{clients}];
        $volume{place} = "$places/cgctl-$volume{id}";
        ($volume{directory}) = $volume{source} =~ m{^(.*)/disk$};
        $volume{is_image} = defined $volume{directory};
        $volume{directory} //= $volume{source};
        push @wanted, \%volume;
    }
    return @wanted;
}

# See server.py for what they say, and why.
sub options {
    my ($volume) = @_;
    return qw(rw sync no_wdelay secure sec=sys mountpoint), "fsid=$volume->{fsid}",
        $volume->{is_image}
        ? ('all_squash', "anonuid=$OWNER_ID", "anongid=$OWNER_ID", 'subtree_check')
        : qw(no_root_squash no_subtree_check);
}

# Its line in $config: PLACE CLIENT(OPTIONS)... # DIRECTORY
sub line {
    my ($volume) = @_;
    my $options = join ',', options($volume);
    return join ' ', $volume->{place}, (map { "$_($options)" } @{$volume->{clients}}), '#', $volume->{directory};
}

# --- sources

sub is_same {
    my ($one, $other) = map { join ':', (stat $_)[0, 1] } @_;
    return length $one > 1 && $one eq $other;
}

# MOUNT POINT => { root, device }: the last one is on top.
sub observe_mounts {
    my %mounts;
    for (split /\n/, read_text('/proc/self/mountinfo')) {
        my (undef, undef, $device, $root, $point) = split / /;
        $mounts{$point} = {device => $device, root => $root};
    }
    return \%mounts;
}

sub require_source {
    my ($volume, $mounts) = @_;
    my ($source, $wanted) = @$volume{qw(source size)};
    if (!$volume->{is_image}) {
        refuse('not-on-server', "$source: no mounted file system") unless $mounts->{$source};
        return;
    }
    refuse('not-on-server', "$source: no such file") unless -f $source;
    my $size = -s _;
    refuse('not-on-server', "$source has $size bytes, not $wanted") if $size < $wanted;
}

# The group may write the file and enter its directory, no more: clients cannot create, delete or chmod anything.
sub prepare_image {
    my ($volume) = @_;
    my ($directory, $source) = @$volume{qw(directory source)};
    chown 0, $OWNER_ID, $directory, $source or die "$source: $!\n";
    chmod 0750, $directory or die "$directory: $!\n";
    chmod 0660, $source or die "$source: $!\n";
    return if is_synchronous($source);
    sysopen my $file, $source, O_RDWR or die "$source: $!\n";
    my $flags = pack 'L!', flags($file) | $SYNCHRONOUS;
    if (!ioctl($file, $SET_FLAGS, $flags) || !is_synchronous($source)) {
        refuse('pool-missing', "$source cannot be made synchronous: snapshots would lack acknowledged writes");
    }
    $file->sync or die "$source: $!\n";
}

sub is_synchronous {
    sysopen my $file, $_[0], O_RDONLY or return;
    return flags($file) & $SYNCHRONOUS;
}

sub flags {
    my $flags = pack 'L!', 0;
    return ioctl($_[0], $GET_FLAGS, $flags) ? unpack('L!', $flags) : 0;
}

sub source_faults {
    my ($volume, $mounts) = @_;
    my $source = $volume->{source};
    if (!$volume->{is_image}) {
        return $mounts->{$source} ? () : "$source is not mounted";
    }
    return "$source is missing" unless -f $source;
    my ($mode, $user, $group, $size) = (stat _)[2, 4, 5, 7];
    my @faults;
    push @faults, 'is not synchronous: snapshots would lack acknowledged writes' unless is_synchronous($source);
    push @faults, 'has an owner or mode of another hand'
        if ($mode & 07777) != 0660 || $user != 0 || $group != $OWNER_ID;
    push @faults, "$source is smaller than $volume->{size} bytes" if $size < $volume->{size};
    return @faults;
}
