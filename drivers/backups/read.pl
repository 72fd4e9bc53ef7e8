# Images of a backup, from the working directory: each chunk is proved by its sha256 before it counts.
#   read.pl ID MEMBER    the image to standard output
#   read.pl ID all       lines `damaged MEMBER OFFSET REASON` for all images; at the end `checked CHUNKS BYTES`
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);

my $CHUNK = 4 * 1024 * 1024;
my $ZERO = "\0" x $CHUNK;
my %TOOLS = (zst => [qw(zstd -q -dc)], gz => [qw(gzip -dc)], lz4 => [qw(lz4 -q -dc)]);
my ($id, $wanted) = @ARGV;
my ($checked, $bytes, %proved) = (0, 0);

sub refuse { print STDERR "cgctl-refused $_[0]: $_[1]\n"; exit 3 }

sub damaged {
    my ($member, $offset, $reason) = @_;
    refuse('damaged', "backup $id, member $member, offset $offset: $reason") if $wanted ne 'all';
    print "damaged $member $offset $reason\n";
}

sub emit {
    my ($data) = @_;
    for (my $done = 0; $done < length $$data;) {
        my $count = syswrite STDOUT, $$data, length($$data) - $done, $done;
        exit 141 if !defined $count && $!{EPIPE};    # whoever reads says why
        refuse('refused', "the image cannot be written: $!") unless defined $count;
        $done += $count;
    }
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
    return @names;
}

sub walk {
    my ($member, $size, $sha) = @_;
    my $offset = 0;
    for my $name (map_of($member, $size, $sha)) {
        my $length = $size - $offset < $CHUNK ? $size - $offset : $CHUNK;
        if ($name eq '-') {
            my $zeros = $length == $CHUNK ? \$ZERO : \substr $ZERO, 0, $length;
            emit($zeros) if $wanted ne 'all';
        } elsif ($wanted ne 'all' || !exists $proved{$name}) {
            my ($data, $reason) = content($name);
            $reason ||= 'a chunk has another length' if $data && length $$data != $length;
            $checked++;
            $bytes += $length;
            damaged($member, $offset, $reason) if $reason;
            $proved{$name} = $reason if $wanted eq 'all';
            emit($data) if $wanted ne 'all';
        } elsif ($proved{$name}) {
            damaged($member, $offset, $proved{$name});
        }
        $offset += $length;
    }
}

binmode STDOUT;
$SIG{PIPE} = 'IGNORE';
my @images = grep { $wanted eq 'all' || $_->[0] eq $wanted } images();
refuse('not-on-server', "backup $id has no image $wanted") unless @images || $wanted eq 'all';
walk(@$_) for @images;
print "checked $checked $bytes\n" if $wanted eq 'all';
