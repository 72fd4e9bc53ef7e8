# What differs between disks, as a stream of changed blocks. Disks are files of a directory (cgctl-<volume>/disk):
#   ship.pl send NEW BASE       write the stream; BASE is empty for a whole copy
#   ship.pl receive DIRECTORY   bring a copy of BASE up to NEW, from standard input
#   ship.pl changed NEW BASE    print how many bytes differ
#   ship.pl ranges NEW BASE     print where they may differ, for send-blocks
#   ship.pl send-blocks NEW BASE    write the head of a stream of blocks (see blocks.sh), and the stream. Standard input:
#                                   lines `NAME look OFFSET LENGTH`, or `NAME whole`: only there they differ; at last `end`
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
my ($write, $told);
my $punches = 1;

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

# So that nobody takes us for stalled.
sub say_alive { emit("alive\n") if time - $silent_since >= $ALIVE_SECONDS }

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
    print "$told look $offset ", length $data, "\n" if $told;
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
    say_alive() if $write;
}

# each_chunk CODE: OFFSET and LENGTH of what holds data in one of the disks.
sub each_chunk {
    my ($take, $new, $size, $old, $old_size) = @_;
    for (my $offset = 0; $offset < $size;) {
        my ($one, $other) = (next_data($new, $offset, $size), next_data($old, $offset, $old_size));
        $other = $size if $other >= $old_size;
        $offset = $one < $other ? $one : $other;
        last if $offset >= $size;
        $offset -= $offset % $BLOCK;
        my $length = $size - $offset < $CHUNK ? $size - $offset : $CHUNK;
        $take->($offset, $length);
        $offset += $length;
    }
}

sub ship_disk {
    my ($name, $new, $old) = @_;
    my ($size, $old_size) = (-s $new, $old ? -s $old : 0);
    $disks++;
    emit("disk $name $size\n") if $write;
    each_chunk(sub { look($new, $old, @_) }, $new, $size, $old, $old_size);
    $changed += abs($size - $old_size) if $old;
}

# next_range: a code that returns the next WORD, OFFSET, LENGTH.
sub ship_ranges {
    my ($name, $size, $new, $old, $next_range) = @_;
    # A block device cannot be sought beyond its end.
    my $old_size = $old ? sysseek $old, 0, 2 : 0;
    $disks++;
    emit("disk $name $size\n");
    while (my ($word, $offset, $length) = $next_range->()) {
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

sub ship_device {
    my ($name, $size, $new_path, $old_path, $ranges_path) = @_;
    my $ranges = open_disk($ranges_path, '<');
    my $next = sub {
        defined(my $line = <$ranges>) or return;
        return $line =~ /^(look|gone) (\d+) (\d+)$/ ? ($1, $2, $3) : fail("$ranges_path: no range: $line");
    };
    ship_ranges($name, $size, open_disk($new_path, '<'), $old_path eq '-' ? undef : open_disk($old_path, '<'), $next);
}

sub table {
    my ($path) = @_;
    my $file = open_disk($path, '<');
    return map { [split] } <$file>;
}

# each_disk CODE: the name of each disk, the disk, and the base's where there is one.
sub each_disk {
    my ($take, $new, $base) = @_;
    opendir my $directory, $new or fail("$new: $!");
    for my $name (sort grep { /^cgctl-/ && -e "$new/$_/disk" } readdir $directory) {
        my $old = length $base && -e "$base/$name/disk" ? open_disk("$base/$name/disk", '<') : undef;
        $take->($name, open_disk("$new/$name/disk", '<'), $old);
    }
}

# What has no base need not be read.
sub tell_ranges {
    each_disk(sub {
        $told = $_[0];
        ship_disk(@_) if $_[2];
    }, @_);
    print "end\n";
}

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

# --- blocks: the ranges come first, so that the receiver knows how much it needs room for

# The ranges of standard input by name, 16 bytes for each, since there may be many; undef for what counts as a whole.
sub given_ranges {
    my %of;
    vec(my $input, fileno STDIN, 1) = 1;
    while (1) {
        while (index($buffer, "\n") < 0) {
            fill_buffer() if select my $ready = $input, undef, undef, $ALIVE_SECONDS;
            say_alive();
        }
        my $line = line();
        return %of if $line eq 'end';
        $line =~ /^(cgctl-[0-9a-f-]{36}) (?:whole|look (\d+) (\d+))$/ or fail("no range: $line");
        if (!defined $2) { $of{$1} = undef }
        elsif (!exists $of{$1} || defined $of{$1}) { $of{$1} .= pack 'Q>Q>', $2, $3 }
    }
}

# In order, and what touches is one.
sub merged {
    my ($given) = @_;
    my ($ranges, $begin, $end, $last) = ('', 0, 0, '');
    for (my $at = 0; $at < length $given; $at += 16) {
        my $one = substr $given, $at, 16;
        return merged(join '', sort unpack '(a16)*', $given) if $one lt $last;
        my ($offset, $length) = unpack 'Q>Q>', $last = $one;
        if ($offset > $end) {
            $ranges .= pack 'Q>Q>', $begin, $end - $begin if $end > $begin;
            $begin = $offset;
        }
        $end = $offset + $length if $offset + $length > $end;
    }
    return $end > $begin ? $ranges . pack 'Q>Q>', $begin, $end - $begin : $ranges;
}

# Where a disk holds data.
sub data_ranges {
    my ($file) = @_;
    my ($ranges, $offset, $size) = ('', 0, -s $file);
    while (($offset = next_data($file, $offset, $size)) < $size) {
        my $end = sysseek($file, $offset, $SEEK_HOLE) || $size;
        $ranges .= pack 'Q>Q>', $offset, $end - $offset;
        $offset = $end;
    }
    return $ranges;
}

# The head of a stream of blocks; returns what ship_ranges takes.
sub announce {
    my ($new, $base) = @_;
    emit("cgctl-blocks 1\n");
    my %given = given_ranges();
    my ($bytes, $count, @members) = (0, 0);
    each_disk(sub {
        my ($name, $file, $old) = @_;
        my $given = $old && !exists $given{$name} ? '' : $given{$name};
        my $ranges = merged($old && defined $given ? $given : join '', map { data_ranges($_) } grep { $_ } $file, $old);
        for (my $of = 8; $of < length $ranges; $of += 16) { $count++, $bytes += unpack 'Q>', substr $ranges, $of, 8 }
        my $at = -16;
        my $next = sub { ($at += 16) < length $ranges ? ('look', unpack 'Q>Q>', substr $ranges, $at, 16) : () };
        push @members, [$name, -s $file, $file, $old, $next];
    }, $new, $base);
    emit('member ', substr($$_[0], 6), " $$_[1]\n") for @members;
    emit("ships $bytes $count\n");
    return @members;
}
