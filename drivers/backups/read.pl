# Images of a backup, from the working directory: each chunk is proved by its sha256 before it counts.
#   read.pl ID MEMBER    the image to standard output
#   read.pl ID all       lines `damaged MEMBER OFFSET REASON` for all images, `shared OTHER` for each damaged chunk that
#                        another backup has by the same file; at the end `checked CHUNKS BYTES`
# crew.pl stands in front of this.

my %TOOLS = (zst => [qw(zstd -q -dc)], gz => [qw(gzip -dc)], lz4 => [qw(lz4 -q -dc)]);
my ($id, $wanted) = @ARGV;
my ($place, $noted_at, $done, $total) = ($ENV{CGCTL_ACTIVITY}, 0, 0, 0);
my ($checked, $bytes, %proved) = (0, 0);

sub damaged {
    my ($member, $offset, $reason) = @_;
    refuse('damaged', "backup $id, member $member, offset $offset: $reason") if $wanted ne 'all';
    print "damaged $member $offset $reason\n";
}

# What a chunk holds, and what is wrong with it.
sub content {
    my ($name) = @_;
    my ($sha, $kind) = $name =~ /^([0-9a-f]{64})\.(raw|zst|gz|lz4)$/ or return (undef, 'its map is damaged');
    my $path = 'chunks/' . substr($sha, 0, 2) . "/$name";
    return (undef, "chunk $name is not there") unless -e $path;
    my $file;
    if ($kind eq 'raw') {
        open $file, '<', $path or return (undef, "chunk $name: $!");
    } else {
        open $file, '-|', @{$TOOLS{$kind}}, $path or refuse('tool-missing', "$TOOLS{$kind}[0] is not installed");
    }
    binmode $file;
    my $data = '';
    while (my $count = sysread $file, $data, $CHUNK + 1, length $data) { last if length $data > $CHUNK }
    return (undef, "chunk $name is not what was written") if !close($file) || sha256_hex($data) ne $sha;
    return (\$data, '');
}

# What the crew does: `data`, and the chunk; or what is wrong with it.
sub proved {
    my ($length, $name) = split / /, $_[0], 2;
    my ($data, $reason) = content($name);
    $reason ||= 'a chunk has another length' if $data && length $$data != $length;
    return "bad $reason" if $reason;
    return $wanted eq 'all' ? 'good' : ('data ', $data);
}

sub images {
    open my $manifest, '<', 'manifest' or refuse('not-on-server', "the manifest of backup $id is not there");
    my @images;
    while (<$manifest>) { push @images, [$1, $2, $3] if /^image ([0-9a-f-]{36}) ([0-9]+) [0-9]+ ([0-9a-f]{64})$/ }
    return @images;
}

sub map_of {
    my ($member, $size, $sha) = @_;
    my $map = -e "$member.map" ? Digest::SHA->new(256)->addfile("$member.map")->hexdigest : '';
    damaged($member, 0, 'its map is not what was written') if $map ne $sha;
    open my $lines, '<', "$member.map" or return ();
    chomp(my @names = <$lines>);
    damaged($member, 0, 'its map has another length') if @names != int(($size + $CHUNK - 1) / $CHUNK);
    return @names;
}

# How far a verification is, for an activity (drivers/activities/poll.sh).
sub note_progress {
    return unless $place && $wanted eq 'all' && ($_[0] == $total || time - $noted_at >= 1);
    $noted_at = time;
    open my $file, '>', "$place/progress.new" or return;
    print $file "$_[0] $total\n";
    close $file and rename "$place/progress.new", "$place/progress";
}

sub walk {
    my ($member, $size, $sha) = @_;
    my ($offset, @names) = (0, map_of($member, $size, $sha));
    my $next = sub {
        defined(my $name = shift @names) or return;
        my ($at, $length) = ($offset, $size - $offset < $CHUNK ? $size - $offset : $CHUNK);
        $offset += $length;
        my $asks = $name ne '-' && ($wanted ne 'all' || !exists $proved{$name});
        $proved{$name} //= '' if $asks && $wanted eq 'all';
        return ($asks ? "$length $name" : undef, $name, $at, $length);
    };
    in_order($next, sub {
        my ($answer, $name, $at, $length) = @_;
        note_progress($done += $length);
        if ($name eq '-') {
            emit($length == $CHUNK ? \$ZERO : \substr $ZERO, 0, $length) if $wanted ne 'all';
            return 0;
        }
        if (defined $answer) {
            $checked++;
            $bytes += $length;
            $proved{$name} = $1 if $answer =~ /^bad (.*)/;
        }
        damaged($member, $at, $proved{$name}) if length($proved{$name} // '');
        return 1;
    });
}

sub say_shared {
    for my $name (sort grep { length $proved{$_} && /^[0-9a-f]{64}\.[a-z0-9]+$/ } keys %proved) {
        my $path = 'chunks/' . substr($name, 0, 2) . "/$name";
        my @file = stat $path or next;
        for my $link (glob "../backup-*/$path ../.making-*/$path") {
            my ($other) = $link =~ m,^\.\./(?:backup|\.making)-([0-9a-f-]{36})/, or next;
            my @its = stat $link or next;
            print "shared $other\n" if $other ne $id && "@its[0, 1]" eq "@file[0, 1]";
        }
    }
}

my @images = grep { $wanted eq 'all' || $_->[0] eq $wanted } images();
refuse('not-on-server', "backup $id has no image $wanted") unless @images || $wanted eq 'all';
$total += $_->[1] for @images;
hire(\&proved);
walk(@$_) for @images;
say_shared() if $wanted eq 'all';
print "checked $checked $bytes\n" if $wanted eq 'all';
