# Images to standard output, as chunks; those of the list in the file KNOWN (which is removed) are only named.
#   send.pl KNOWN ALGORITHM [MEMBER BYTES PATH]...     ALGORITHM: zstd | gzip | lz4, or none
# The stream: `cgctl-backup 1`, then for each image `image MEMBER BYTES`, and of its chunks, in order, `zero COUNT`, `same
# SHA256`, or `chunk SHA256 raw|zst|gz|lz4 LENGTH` and the bytes; `alive` when there was nothing to say for a while; at the
# end `end IMAGES CHUNKS`.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);

my $CHUNK = 4 * 1024 * 1024;
my $ALIVE_SECONDS = 5;
my $SEEK_DATA = 3;
my $ZERO = "\0" x $CHUNK;
my %TOOLS = (zstd => ['zst', qw(zstd -q -1 -c)], gzip => ['gz', qw(gzip -1 -c)], lz4 => ['lz4', qw(lz4 -q -1 -c)]);

my ($known_file, $algorithm, @images) = @ARGV;
my ($place, $noted_at, $total, $before) = ($ENV{CGCTL_ACTIVITY}, 0, 0, 0);
my ($images, $chunks, $zeros, $pending, $spoken_at) = (0, 0, 0, '', time);

sub fail { print STDERR "cgctl-refused refused: $_[0]\n"; exit 3 }

sub emit {
    for my $text (@_) {
        for (my $done = 0; $done < length $text;) {
            my $count = syswrite STDOUT, $text, length($text) - $done, $done;
            exit 141 if !defined $count && $!{EPIPE};    # whoever reads says why
            fail("the stream cannot be written: $!") unless defined $count;
            $done += $count;
        }
    }
    $spoken_at = time;
}

# Short lines go together.
sub say_line {
    $pending .= "$_[0]\n";
    say_now() if length $pending > 65536 || time - $spoken_at >= 1;
}

sub say_now {
    emit($pending) if length $pending;
    $pending = '';
}

sub say_zeros {
    say_line("zero $zeros") if $zeros;
    $zeros = 0;
}

# How far we are, for an activity (drivers/activities/poll.sh).
sub note_progress {
    return unless $place && ($_[0] == $total || time - $noted_at >= 1);
    $noted_at = time;
    open my $file, '>', "$place/progress.new" or return;
    print $file "$_[0] $total\n";
    close $file and rename "$place/progress.new", "$place/progress";
}

sub known {
    my %known;
    return \%known unless length $known_file;
    open my $list, '<', $known_file or fail("$known_file: $!");
    unlink $known_file;
    while (<$list>) { $known{$1} = 1 if /^([0-9a-f]{64})/ }
    return \%known;
}

# A child feeds the tool from its copy of the data.
sub compressed {
    my ($data, @tool) = @_;
    my $child = open(my $from, '-|') // fail("cannot fork: $!");
    if (!$child) {
        open my $into, '|-', @tool or exit 1;
        print $into $$data;
        exit(close($into) ? 0 : 1);
    }
    local $/;
    my $small = <$from>;
    close $from or fail("$tool[0] failed");
    return $small;
}

sub say_chunk {
    my ($sha, $data) = @_;
    my ($kind, $form) = ('raw', $data);
    if (my $tool = $TOOLS{$algorithm}) {
        my ($suffix, @tool) = @$tool;
        my $small = compressed($data, @tool);
        ($kind, $form) = ($suffix, \$small) if length $small < length $$data;
    }
    say_line("chunk $sha $kind " . length $$form);
    say_now();
    emit($$form);
}

sub next_data {
    my ($file, $offset, $size) = @_;
    my $found = sysseek $file, $offset, $SEEK_DATA;
    return defined $found ? $found + 0 : $!{ENXIO} ? $size : $offset;
}

sub read_at {
    my ($file, $offset, $length) = @_;
    sysseek $file, $offset, 0 or fail("cannot seek: $!");
    my $data = '';
    while (length $data < $length) {
        my $count = sysread $file, $data, $length - length $data, length $data;
        fail("cannot read: $!") unless defined $count;
        last unless $count;
    }
    fail('an image is shorter than it was') if length $data < $length;
    return $data;
}

sub send_image {
    my ($known, $member, $size, $path) = @_;
    fail("$path is neither a file nor a block device") unless -f $path || -b _;
    open my $file, '<', $path or fail("$path: $!");
    binmode $file;
    $images++;
    say_line("image $member $size");
    for (my $offset = 0; $offset < $size;) {
        my $next = next_data($file, $offset, $size);
        $next = $next >= $size ? int(($size + $CHUNK - 1) / $CHUNK) * $CHUNK : $next - $next % $CHUNK;
        my $holes = ($next - $offset) / $CHUNK;
        $zeros += $holes, $chunks += $holes, $offset = $next, next if $holes > 0;
        my $length = $size - $offset < $CHUNK ? $size - $offset : $CHUNK;
        my $data = read_at($file, $offset, $length);
        $offset += $length;
        $chunks++;
        if ($data eq ($length == $CHUNK ? $ZERO : substr $ZERO, 0, $length)) {
            $zeros++;
        } else {
            say_zeros();
            my $sha = sha256_hex($data);
            if ($known->{$sha}) { say_line("same $sha") } else { say_chunk($sha, \$data); $known->{$sha} = 1 }
        }
        say_line('alive') if time - $spoken_at >= $ALIVE_SECONDS;
        note_progress($before + $offset);
    }
    say_zeros();
    $before += $size;
}

binmode STDOUT;
$SIG{PIPE} = 'IGNORE';
for my $tool ($TOOLS{$algorithm} || ()) {
    my $program = $tool->[1];
    next if grep { -x "$_/$program" } split /:/, $ENV{PATH};
    print STDERR "cgctl-refused tool-missing: $program is not installed\n";
    exit 3;
}
my $known = known();
for (my $at = 1; $at < @images; $at += 3) { $total += $images[$at] }
say_line('cgctl-backup 1');
while (my ($member, $size, $path) = splice @images, 0, 3) { send_image($known, $member, $size, $path) }
say_line("end $images $chunks");
say_now();
note_progress($total);
