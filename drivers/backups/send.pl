# Images to standard output, as chunks; those of the list in the file KNOWN (which is removed) are only named.
#   send.pl KNOWN ALGORITHM [MEMBER BYTES PATH]...     ALGORITHM: zstd | gzip | lz4, or none
# The stream: `cgctl-backup 1`, then for each image `image MEMBER BYTES`, and of its chunks, in order, `zero COUNT`, `same
# SHA256`, or `chunk SHA256 raw|zst|gz|lz4 LENGTH` and the bytes; `alive` when there was nothing to say for a while; at the
# end `end IMAGES CHUNKS`. crew.pl stands in front of this.
use Fcntl qw(F_SETFL O_NONBLOCK);
use POSIX ();

my $ALIVE_SECONDS = 5;
my $SEEK_DATA = 3;
# One thread: a chunk is small, and the crew has as many processes as there are processors.
my %TOOLS = (zstd => ['zst', qw(zstd -q -1 --single-thread -c)], gzip => ['gz', qw(gzip -1 -c)], lz4 => ['lz4', qw(lz4 -q -1 -c)]);

my ($known_file, $algorithm, @words) = @ARGV;
my ($place, $noted_at, $total) = ($ENV{CGCTL_ACTIVITY}, 0, 0);
my ($chunks, $zeros, $pending, $spoken_at, $known, %sent, @images, %open) = (0, 0, '', time);

sub fail { refuse('refused', $_[0]) }

# Short lines go together.
sub say_line {
    $pending .= "$_[0]\n";
    say_now() if length $pending > 65536 || time - $spoken_at >= 1;
}

sub say_now {
    emit(\$pending);
    $spoken_at = time;
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

# The tool's input goes in while its output comes out.
sub compressed {
    my ($data, @tool) = @_;
    pipe my $its_in, my $into or fail("pipe: $!");
    pipe my $from, my $its_out or fail("pipe: $!");
    my $child = fork // fail("cannot fork: $!");
    if (!$child) {
        POSIX::dup2(fileno $its_in, 0);
        POSIX::dup2(fileno $its_out, 1);
        $SIG{PIPE} = 'DEFAULT';
        exec {$tool[0]} @tool or POSIX::_exit(1);
    }
    close $_ for $its_in, $its_out;
    fcntl $_, $SET_PIPE_SIZE, 1 << 20 for $into, $from;
    fcntl $into, F_SETFL, O_NONBLOCK;
    my ($small, $done) = ('', 0);
    while (1) {
        my ($readable, $writable) = ('', '');
        vec($readable, fileno $from, 1) = 1;
        vec($writable, fileno $into, 1) = 1 if $into;
        select $readable, $writable, undef, undef;
        if ($into && vec($writable, fileno $into, 1)) {
            my $count = syswrite $into, $$data, length($$data) - $done, $done;
            $done += $count // 0;
            if ($done == length $$data || !defined $count && !$!{EAGAIN}) { close $into; $into = undef }
        }
        next unless vec($readable, fileno $from, 1);
        last unless sysread $from, $small, $CHUNK, length $small;
    }
    waitpid $child, 0;
    fail("$tool[0] failed") if $? || $done < length $$data;
    return \$small;
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
    return \$data;
}

sub opened {
    my ($path) = @_;
    fail("$path is neither a file nor a block device") unless -f $path || -b _;
    open my $file, '<', $path or fail("$path: $!");
    binmode $file;
    return $file;
}

# What the crew does: of one chunk, what there is to say of it.
sub chunk {
    my ($image, $offset, $length) = split / /, $_[0];
    my $file = $open{$image} //= opened($images[$image][2]);
    my $data = read_at($file, $offset, $length);
    return 'zero' if $$data eq ($length == $CHUNK ? $ZERO : substr $ZERO, 0, $length);
    my $sha = sha256_hex($$data);
    return "same $sha" if $known->{$sha};
    if (my $tool = $TOOLS{$algorithm}) {
        my ($suffix, @tool) = @$tool;
        my $small = compressed($data, @tool);
        return ("data $sha $suffix " . length $$small, $small) if length $$small < length $$data;
    }
    return ("data $sha raw $length", $data);
}

# What is read next: the holes of an image are passed over, and told as they come.
sub next_chunk {
    my ($at) = @_;
    my $image = $images[$at->{image}] // return;
    my ($member, $size, $path) = @$image;
    if (!$at->{file}) {
        $at->{file} = opened($path);
        return (undef, "image $member $size", 0, 0);
    }
    my $offset = $at->{offset};
    if ($offset >= $size) {
        $at->{before} += $size;
        @$at{qw(image file offset)} = ($at->{image} + 1, undef, 0);
        return next_chunk($at);
    }
    my $next = next_data($at->{file}, $offset, $size);
    $next = $next >= $size ? int(($size + $CHUNK - 1) / $CHUNK) * $CHUNK : $next - $next % $CHUNK;
    if ($next > $offset) {
        $at->{offset} = $next;
        return (undef, '', ($next - $offset) / $CHUNK, $at->{before} + ($next < $size ? $next : $size));
    }
    my $length = $size - $offset < $CHUNK ? $size - $offset : $CHUNK;
    $at->{offset} += $length;
    return ("$at->{image} $offset $length", '', 0, $at->{before} + $offset + $length);
}

# Whether the data of an answer are wanted.
sub told {
    my ($answer, $head, $holes, $done) = @_;
    my $goes = 0;
    if (length $head) {
        say_zeros();
        say_line($head);
    } elsif ($holes || $answer eq 'zero') {
        $zeros += $holes || 1;
        $chunks += $holes || 1;
    } else {
        my ($word, $sha, $rest) = split / /, $answer, 3;
        $goes = $word eq 'data' && !$sent{$sha}++;
        $chunks++;
        say_zeros();
        say_line($goes ? "chunk $sha $rest" : "same $sha");
        say_now() if $goes;
    }
    say_line('alive') if time - $spoken_at >= $ALIVE_SECONDS;
    note_progress($done) if $done;
    return $goes;
}

for my $tool ($TOOLS{$algorithm} || ()) {
    my $program = $tool->[1];
    next if grep { -x "$_/$program" } split /:/, $ENV{PATH};
    refuse('tool-missing', "$program is not installed");
}
$known = known();
while (my @image = splice @words, 0, 3) { push @images, [@image] }
$total += $_->[1] for @images;
hire(\&chunk);
say_line('cgctl-backup 1');
my %at = (image => 0, offset => 0, before => 0);
in_order(sub { next_chunk(\%at) }, \&told);
say_zeros();
say_line('end ' . @images . " $chunks");
say_now();
note_progress($total);
