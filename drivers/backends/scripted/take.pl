# The receiving half of ship.pl, and the beginning of both: it stands behind it, and they are one program.

sub put {
    my ($file, $data) = @_;
    while (length $data) {
        my $count = syswrite $file, $data;
        fail("cannot write: $!") unless defined $count;
        substr $data, 0, $count, '';
    }
}

sub take_data {
    my ($file, $offset, $length) = @_;
    sysseek $file, $offset, 0 or fail("cannot seek: $!");
    while ($length > 0) {
        fill_buffer() unless length $buffer;
        my $part = substr $buffer, 0, $length, '';
        put($file, $part);
        $length -= length $part;
    }
}

sub take_zeros {
    my ($file, $offset, $length) = @_;
    sysseek $file, $offset, 0 or fail("cannot seek: $!");
    put($file, "\0" x ($length < $CHUNK ? $length : $CHUNK)), $length -= $CHUNK while $length > 0;
}

# Zeros where nothing is take no room, and a hole is made of many, where the file system can.
sub take_holes {
    my ($file, $offset, $length) = @_;
    return if next_data($file, $offset, -s $file) >= $offset + $length;
    return if $punches && $length > $CHUNK && ($punches = punch($file, $offset, $length));
    take_zeros($file, $offset, $length);
}

sub punch {
    my ($file, $offset, $length) = @_;
    my $path = "/proc/$$/fd/" . fileno $file;
    return system('fallocate', '--punch-hole', '--offset', $offset, '--length', $length, $path) == 0;
}

sub begin_disk {
    my ($directory, $name, $size) = @_;
    mkdir "$directory/$name" or $!{EEXIST} or fail("$directory/$name: $!");
    my $path = "$directory/$name/disk";
    my $file = open_disk($path, -e $path ? '+<' : '+>');
    truncate $file, $size or fail("$path: $!");
    return $file;
}

# Zeros in whole chunks take no room; what is left at the ends of them, or cannot be discarded, is written.
sub take_unmapped {
    my ($file, $offset, $length, $chunk) = @_;
    my $end = $offset + $length;
    my ($from, $to) = (int(($offset + $chunk - 1) / $chunk) * $chunk, int($end / $chunk) * $chunk);
    if ($from >= $to || !ioctl $file, $BLKDISCARD, pack('Q2', $from, $to - $from)) {
        return take_zeros($file, $offset, $length);
    }
    take_zeros($file, $offset, $from - $offset);
    take_zeros($file, $to, $end - $to);
}

# The stream as a whole; begin opens a disk by name and size, zeros writes zeros into it. Returns the names.
sub take_disks {
    my ($begin, $zeros) = @_;
    fail('the stream is not one of ship.pl') unless line() eq 'cgctl-ship 1';
    my ($file, %named);
    while (1) {
        my $line = line();
        if ($line =~ /^disk (cgctl-[0-9a-f-]{36}) (\d+)$/) {
            $named{$1} = 1;
            $disks++;
            $file = $begin->($1, $2);
        } elsif ($file && $line =~ /^(data|zero) (\d+) (\d+)$/) {
            $runs++;
            $1 eq 'data' ? take_data($file, $2, $3) : $zeros->($file, $2, $3);
        } elsif ($line eq "end $disks $runs") {
            last;
        } elsif ($line ne 'alive') {
            fail('the stream is damaged');
        }
    }
    return %named;
}

sub receive {
    my ($directory) = @_;
    my %named = take_disks(sub { begin_disk($directory, @_) }, \&take_holes);
    opendir my $entries, $directory or fail("$directory: $!");
    for my $name (grep { /^cgctl-/ && !$named{$_} } readdir $entries) {
        unlink "$directory/$name/disk";
        rmdir "$directory/$name" or fail("$directory/$name: $!");
    }
}

sub receive_devices {
    my %of = map { $$_[0] => $_ } table(@_);
    my $chunk;
    my $begin = sub {
        my ($name, $size) = @_;
        fail("$name with $size bytes was not announced") unless $of{$name} && $of{$name}[1] == $size;
        $chunk = $of{$name}[3];
        return open_disk($of{$name}[2], '+<');
    };
    my %named = take_disks($begin, sub { take_unmapped(@_, $chunk) });
    fail("$_ did not come") for grep { !$named{$_} } keys %of;
}

binmode STDIN;
binmode STDOUT;
my ($action, @directories) = @ARGV;
if ($action eq 'receive') {
    receive(@directories);
} elsif ($action eq 'receive-devices') {
    receive_devices(@directories);
} elsif ($action eq 'changed') {
    each_disk(\&ship_disk, @directories);
    print "$changed\n";
} elsif ($action eq 'ranges') {
    tell_ranges(@directories);
} else {
    $write = 1;
    $BLOCK = $DEVICE_BLOCK unless $action eq 'send';
    my @members = $action eq 'send-blocks' ? announce(@directories) : ();
    emit("cgctl-ship 1\n");
    each_disk(\&ship_disk, @directories) if $action eq 'send';
    ship_device(@$_) for $action eq 'send-devices' ? table(@directories) : ();
    ship_ranges(@$_) for @members;
    emit("end $disks $runs\n");
}
