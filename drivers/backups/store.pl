# What send.pl says, from standard input, into the working directory: maps and chunks. Prints lines for the manifest.
#   store.pl ALGORITHM      for chunks that come as they are
use strict;
use warnings;
use Digest::SHA;

my $CHUNK = 4 * 1024 * 1024;
my %TOOLS = (zstd => ['zst', qw(zstd -q -1 --single-thread -c)], gzip => ['gz', qw(gzip -1 -c)], lz4 => ['lz4', qw(lz4 -q -1 -c)]);
my $SET_PIPE_SIZE = 1031;    # F_SETPIPE_SZ of fcntl(2); a smaller pipe does as well
my ($algorithm) = @ARGV;
my ($buffer, %kept, %needed, @facts) = ('');
my ($images, $chunks, $new, $new_bytes, $own) = (0, 0, 0, 0, 0);
my ($map, $map_name, $left) = (undef, '', 0);

sub fail { print STDERR "$_[0]\n"; exit 1 }

sub refuse { print STDERR "cgctl-refused refused: $_[0]\n"; exit 3 }

sub take {
    my ($wanted) = @_;
    my $data = substr $buffer, 0, $wanted, '';
    while (length $data < $wanted) {
        my $count = sysread STDIN, $data, $wanted - length $data, length $data;
        fail("the stream cannot be read: $!") unless defined $count;
        refuse('the stream was cut') unless $count;
    }
    return \$data;
}

sub line {
    while (index($buffer, "\n") < 0) {
        my $count = sysread STDIN, $buffer, 65536, length $buffer;
        fail("the stream cannot be read: $!") unless defined $count;
        refuse('the stream was cut') unless $count;
    }
    $buffer =~ s/^([^\n]*)\n// or fail('no line');
    return $1;
}

sub put {
    my ($file, $data, $path) = @_;
    for (my $done = 0; $done < length $$data;) {
        my $count = syswrite $file, $$data, length($$data) - $done, $done;
        fail("$path: $!") unless defined $count;
        $done += $count;
    }
}

# The tool writes the file itself; where it cannot, the system says why.
sub compress {
    my ($data, $path, @tool) = @_;
    my $child = open(my $into, '|-') // fail("cannot fork: $!");
    if (!$child) {
        open STDOUT, '>', $path or exit 1;
        exec @tool or exit 1;
    }
    print $into $$data;
    return if close $into;
    open my $file, '>', $path or fail("$path: $!");
    put($file, $data, $path);
    fail("$tool[0] failed: $path");
}

sub keep {
    my ($sha, $kind, $data) = @_;
    my $folder = 'chunks/' . substr $sha, 0, 2;
    mkdir $folder or $!{EEXIST} or fail("$folder: $!");
    my $part = "$folder/.part";
    my $tool = $kind eq 'raw' ? $TOOLS{$algorithm} : undef;
    if ($tool) {
        my ($suffix, @tool) = @$tool;
        compress($data, $part, @tool);
        if (-s $part < length $$data) { $kind = $suffix } else { $tool = undef }
    }
    if (!$tool) {
        open my $file, '>', $part or fail("$part: $!");
        binmode $file;
        put($file, $data, $part);
        close $file or fail("$part: $!");
    }
    my $name = "$sha.$kind";
    rename $part, "$folder/$name" or fail("$folder/$name: $!");
    $kept{$sha} = $name;
    $new++;
    $new_bytes += -s "$folder/$name";
}

sub end_image {
    return unless $map;
    refuse("$map_name lacks $left chunks") if $left;
    close $map or fail("$map_name: $!");
    my $sha = Digest::SHA->new(256)->addfile($map_name)->hexdigest;
    $facts[-1] .= " $sha";
}

sub begin_image {
    my ($member, $size) = @_;
    end_image();
    $images++;
    $left = int(($size + $CHUNK - 1) / $CHUNK);
    $map_name = "$member.map";
    open $map, '>', $map_name or fail("$map_name: $!");
    push @facts, "image $member $size $left";
}

sub note {
    my ($name, $count) = @_;
    refuse('a chunk too many') if $count > $left;
    print $map "$name\n" x $count or fail("$map_name: $!");
    $left -= $count;
    $chunks += $count;
    $needed{$name} = 1;
}

for my $path (glob 'chunks/??/*') {
    $kept{$2} = $1 if $path =~ m,/(([0-9a-f]{64})\.(?:raw|zst|gz|lz4))$,;
}
binmode STDIN;
fcntl STDIN, $SET_PIPE_SIZE, 1 << 20;
refuse('the stream is not one of send.pl') unless line() eq 'cgctl-backup 1';
while (1) {
    my $line = line();
    if ($line =~ /^image ([0-9a-f-]{36}) ([0-9]+)$/) {
        begin_image($1, $2);
    } elsif ($map && $line =~ /^zero ([0-9]+)$/) {
        note('-', $1);
    } elsif ($map && $line =~ /^same ([0-9a-f]{64})$/) {
        note($kept{$1} // refuse("a chunk is named that is not there: $1"), 1);
    } elsif ($map && $line =~ /^chunk ([0-9a-f]{64}) (raw|zst|gz|lz4) ([0-9]+)$/) {
        my ($sha, $kind, $data) = ($1, $2, take($3));
        keep($sha, $kind, $data) unless $kept{$sha};
        note($kept{$sha}, 1);
    } elsif ($line eq "end $images $chunks") {
        last;
    } elsif ($line ne 'alive') {
        refuse('the stream is damaged');
    }
}
end_image();
my $bytes = 0;
for my $name (values %kept) {
    my $path = 'chunks/' . substr($name, 0, 2) . "/$name";
    if ($needed{$name}) { $bytes += -s $path; $own++ } else { unlink $path or fail("$path: $!") }
}
print "$_\n" for @facts;
print "chunks $own $bytes\nnew $new $new_bytes\n";
