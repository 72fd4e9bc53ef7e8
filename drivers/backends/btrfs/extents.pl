# Where the disks of a read-only subvolume may differ from those of an older one, as lines for `ship.pl send-blocks`.
#   extents.pl NEW BASE
# It reads what `btrfs send` would send, without the data. A stream names files as they are called at that moment of it.
use strict;
use warnings;

my ($new, $base) = @ARGV;
my $TO_THE_END = ~0;
my $DISK = qr{^(cgctl-[0-9a-f-]{36})/disk$};

sub fail { print STDERR "extents: $_[0]\n"; exit 1 }

# Commands by name, with their paths, the offset and the length of data, or the new size.
sub commands {
    my ($take) = @_;
    open my $stream, '-|', 'btrfs', 'send', '-q', '--no-data', '-p', $base, $new or fail("btrfs send: $!");
    open STDIN, '<&', $stream or fail("btrfs send: $!");
    open my $dump, '-|', 'btrfs', 'receive', '-q', '--dump' or fail("btrfs receive: $!");
    while (my $line = <$dump>) {
        my ($word, $path, $more) = $line =~ m{^(\w+)\s+\./[^/\s]+/?((?:\\.|[^\\\s])*)\s*(.*)$} or fail("no command: $line");
        $take->($word, $path, $more);
    }
    close $dump or fail('btrfs receive --dump failed');
    close $stream or fail('btrfs send failed');
}

# What a path of that moment is called at the end, by the renames that came after it.
sub called_at_the_end {
    my ($path, @renames) = @_;
    for (@renames) {
        my ($from, $to) = @$_;
        $path = $to . substr $path, length $from if $path eq $from || index($path, "$from/") == 0;
    }
    return $path;
}

# found: of what was one file at one time [PATH, RENAMES SO FAR, RANGES], the ranges packed, since there may be many.
my (@renames, @found, @made);
sub add {
    my ($path, $offset, $length) = @_;
    my $last = $found[-1];
    push @found, $last = [$path, scalar @renames, ''] unless $last && $$last[0] eq $path && $$last[1] == @renames;
    $$last[2] .= pack 'QQ', $offset, $length;
}

my $unclear = 0;
commands(sub {
    my ($word, $path, $more) = @_;
    if ($word eq 'rename') {
        my ($to) = $more =~ m{^dest=\./[^/\s]+/((?:\\.|[^\\\s])*)$} or fail("no rename: $path $more");
        push @renames, [$path, $to];
        push @made, [$to, scalar @renames];
    } elsif ($word =~ /^mk/) {
        push @made, [$path, scalar @renames];
    } elsif ($word =~ /^(?:sym)?link$/) {
        $unclear = 1;
    } elsif ($more =~ /(?:^| )offset=(\d+) len=(\d+)/) {
        add($path, $1, $2);
    } elsif ($word eq 'truncate') {
        my ($size) = $more =~ /^size=(\d+)$/ or fail("no size: $more");
        add($path, $size, $TO_THE_END);
    }
});

# A disk that is not the inode that it was may have holes where the old one has data.
my %whole;
for (@made) {
    my ($path, $seen) = @$_;
    my $at_the_end = called_at_the_end($path, @renames[$seen .. $#renames]);
    $whole{$1} = 1 if $at_the_end =~ m{^(cgctl-[0-9a-f-]{36})(?:/disk)?$};
}
for my $one (@found) {
    my ($path, $seen) = @$one;
    called_at_the_end($path, @renames[$seen .. $#renames]) =~ $DISK ? $$one[0] = $1 : ($unclear = 1);
}
if ($unclear) {
    opendir my $directory, $new or fail("$new: $!");
    %whole = map { $_ => 1 } grep { /^cgctl-/ } readdir $directory;
    @found = ();
}
for (@found) {
    my ($name, undef, $ranges) = @$_;
    next if $whole{$name};
    my $size = -s "$new/$name/disk";
    for (my $at = 0; $at < length $ranges; $at += 16) {
        my ($offset, $length) = unpack 'QQ', substr $ranges, $at, 16;
        $length = $size - $offset if $length == $TO_THE_END;
        print "$name look $offset $length\n" if $length > 0;
    }
}
print map({ "$_ whole\n" } sort keys %whole), "end\n";
