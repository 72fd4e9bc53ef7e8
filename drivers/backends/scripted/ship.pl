# What differs between disks, as a stream of changed blocks. Disks are files of a directory (cgctl-<volume>/disk):
#   ship.pl send NEW BASE       write the stream; BASE is empty for a whole copy
#   ship.pl receive DIRECTORY   bring a copy of BASE up to NEW, from standard input
#   ship.pl changed NEW BASE    print how many bytes differ
# or block devices, in a file with one line each:
#   ship.pl send-devices TABLE      `NAME BYTES NEW BASE RANGES`; RANGES is a file with lines `look|gone OFFSET LENGTH`: only
#                                   there the two may differ, and what is gone reads as zeros. BASE `-`: there is none
#   ship.pl receive-devices TABLE   `NAME BYTES DEVICE CHUNK`; whole chunks of zeros are given back to the thin pool
# The stream: `cgctl-ship 1`, then for each disk `disk NAME BYTES`, for each run of changed blocks `data OFFSET LENGTH` and
# the bytes, for each run of zeros `zero OFFSET LENGTH`, `alive` when there was nothing to say for a while; at the end
# `end DISKS RUNS`. Without the right end the receiver fails. Disks that are not named are gone.
use strict;
use warnings;

my $CHUNK = 1024 * 1024;
my $BLOCK = 64 * 1024;
my $DEVICE_BLOCK = 4096;
my $BLKDISCARD = 0x1277;
my $ALIVE_SECONDS = 5;
my ($SEEK_DATA, $SEEK_HOLE) = (3, 4);
my $ZERO = "\0" x $BLOCK;

my ($disks, $runs, $changed, $silent_since) = (0, 0, 0, time);
my $write;

sub fail { print STDERR "ship: $_[0]\n"; exit 1 }

sub emit {
    my $text = join '', @_;
    for (my $done = 0; $done < length $text;) {
        my $count = syswrite STDOUT, $text, length($text) - $done, $done;
        fail("the stream cannot be written: $!") unless defined $count;
        $done += $count;
    }
    $silent_since = time;
}

# Where data begins at or after OFFSET; the file's end where there is none, or where holes are unknown.
sub next_data {
    my ($file, $offset, $size) = @_;
    return $size if !$file || $offset >= $size;
    my $found = sysseek $file, $offset, $SEEK_DATA;
    return defined $found ? $found + 0 : $!{ENXIO} ? $size : $offset;
}

sub read_at {
    my ($file, $offset, $length) = @_;
    my $data = '';
    return $data unless $file;
    sysseek $file, $offset, 0 or fail("cannot seek: $!");
    while (length $data < $length) {
        my $count = sysread $file, $data, $length - length $data, length $data;
        fail("cannot read: $!") unless defined $count;
        last unless $count;
    }
    return $data;
}

sub run {
    my ($offset, $data) = @_;
    $changed += length $data;
    return unless $write;
    $runs++;
    my $word = $data =~ /[^\0]/ ? 'data' : 'zero';
    emit("$word $offset " . length($data) . "\n", $word eq 'data' ? $data : '');
}

# The blocks of a chunk that differ, as runs of data and runs of zeros.
sub compare {
    my ($offset, $new, $old) = @_;
    return if $new eq $old;
    my ($begin, $pending, $kind) = (0, '', '');
    for (my $at = 0; $at < length $new; $at += $BLOCK) {
        my $block = substr $new, $at, $BLOCK;
        my $is = $block eq substr($old, $at, length $block) ? ''
            : $block eq substr($ZERO, 0, length $block) ? 'zero' : 'data';
        if ($is ne $kind) {
            run($offset + $begin, $pending) if $kind;
            ($begin, $pending, $kind) = ($at, '', $is);
        }
        $pending .= $block if $is;
    }
    run($offset + $begin, $pending) if $kind;
}

sub open_disk {
    my ($path, $mode) = @_;
    open my $file, $mode, $path or fail("$path: $!");
    binmode $file;
    return $file;
}

# Ship what differs here; beyond its end the old disk reads as zeros.
sub look {
    my ($new, $old, $offset, $length) = @_;
    my $before = read_at($old, $offset, $length);
    $before .= "\0" x ($length - length $before);
    compare($offset, read_at($new, $offset, $length), $before);
    emit("alive\n") if $write && time - $silent_since >= $ALIVE_SECONDS;
}

sub ship_disk {
    my ($name, $new_path, $old_path) = @_;
    my $new = open_disk($new_path, '<');
    my $old = length $old_path && -e $old_path ? open_disk($old_path, '<') : undef;
    my ($size, $old_size) = (-s $new, $old ? -s $old : 0);
    $disks++;
    emit("disk $name $size\n") if $write;
    for (my $offset = 0; $offset < $size;) {
        my ($one, $other) = (next_data($new, $offset, $size), next_data($old, $offset, $old_size));
        $other = $size if $other >= $old_size;
        $offset = $one < $other ? $one : $other;
        last if $offset >= $size;
        $offset -= $offset % $BLOCK;
        my $length = $size - $offset < $CHUNK ? $size - $offset : $CHUNK;
        look($new, $old, $offset, $length);
        $offset += $length;
    }
    $changed += abs($size - $old_size) if $old;
}

sub ship_device {
    my ($name, $size, $new_path, $old_path, $ranges_path) = @_;
    my $new = open_disk($new_path, '<');
    my $old = $old_path eq '-' ? undef : open_disk($old_path, '<');
    # A block device cannot be sought beyond its end.
    my $old_size = $old ? sysseek $old, 0, 2 : 0;
    $disks++;
    emit("disk $name $size\n");
    my $ranges = open_disk($ranges_path, '<');
    while (my $line = <$ranges>) {
        my ($word, $offset, $length) = $line =~ /^(look|gone) (\d+) (\d+)$/ or fail("$ranges_path: no range: $line");
        $length = $size - $offset if $offset + $length > $size;
        next if $length <= 0;
        if ($word eq 'gone') {
            $runs++;
            emit("zero $offset $length\n");
        } else {
            for (my $end = $offset + $length; $offset < $end; $offset += $CHUNK) {
                look($new, $offset < $old_size ? $old : undef, $offset, $end - $offset < $CHUNK ? $end - $offset : $CHUNK);
            }
        }
    }
}

sub table {
    my ($path) = @_;
    my $file = open_disk($path, '<');
    return map { [split] } <$file>;
}

sub ship {
    my ($new, $base) = @_;
    opendir my $directory, $new or fail("$new: $!");
    for my $name (sort grep { /^cgctl-/ && -e "$new/$_/disk" } readdir $directory) {
        ship_disk($name, "$new/$name/disk", length $base ? "$base/$name/disk" : '');
    }
}

# --- receiving

my $buffer = '';

sub fill_buffer {
    my $count = sysread STDIN, $buffer, $CHUNK, length $buffer;
    fail("the stream cannot be read: $!") unless defined $count;
    fail('the stream was cut') unless $count;
}

sub line {
    fill_buffer() while index($buffer, "\n") < 0;
    $buffer =~ s/^([^\n]*)\n// or fail('the stream is not one of ship.pl');
    return $1;
}

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
    my %named = take_disks(sub { begin_disk($directory, @_) }, \&take_zeros);
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
    ship(@directories);
    print "$changed\n";
} else {
    $write = 1;
    emit("cgctl-ship 1\n");
    if ($action eq 'send-devices') {
        $BLOCK = $DEVICE_BLOCK;
        ship_device(@$_) for table(@directories);
    } else {
        ship(@directories);
    }
    emit("end $disks $runs\n");
}
