# Block mappings of thin devices, as thin_dump and thin_delta tell them from a pool's metadata snapshot.
#   map.pl METADATA_DEVICE DIRECTORY; standard input, one line each:
#     dump NAME ID          the mapping itself, `BEGIN DATA LENGTH TIME` in blocks, whatever the form of its tree
#     whole NAME ID         what is mapped, `look OFFSET LENGTH` in bytes
#     delta NAME ID BASE    what may differ from BASE: `look`, or `gone` where only BASE has something
# Writes DIRECTORY/NAME, prints `NAME BYTES RANGES` of what is to look at.
use strict;
use warnings;

my ($metadata, $directory) = @ARGV;
my $SECTOR = 512;
my %WORD = (different => 'look', right_only => 'look', left_only => 'gone', same => '');

sub fail { print STDERR "map: $_[0]\n"; exit 1 }

# each_line CODE TOOL...: the lines of a tool's XML; fails unless it came to its end.
sub each_line {
    my ($take, @argv) = @_;
    open my $tool, '-|', @argv or fail("$argv[0]: $!");
    my $last = '';
    while (my $line = <$tool>) {
        $last = $line if $line =~ /\S/;
        $take->($line);
    }
    close $tool or fail("$argv[0] failed");
    fail("$argv[0] was cut") unless $last =~ m{^</superblock>};
}

sub attribute {
    my ($line, $name) = @_;
    return $line =~ / \Q$name\E="(\d+)"/ ? $1 : fail("no $name in: $line");
}

# Of these devices, by id: [BEGIN, DATA, LENGTH, TIME]. Newer versions name parts that devices share, and refer to them.
sub mappings {
    my ($block, @ids) = @_;
    my %of = map { $_ => [] } @ids;
    return %of unless @ids;
    my (%defined, $into);
    each_line(sub {
        my ($line) = @_;
        if ($line =~ /<superblock/) { $$block = $SECTOR * attribute($line, 'data_block_size') }
        elsif ($line =~ /<def name="([^"]*)"/) { $into = $defined{$1} = [] }
        elsif ($line =~ /<device/) { $into = $of{attribute($line, 'dev_id')} || [] }
        elsif ($line =~ /<ref name="([^"]*)"/) { push @$into, @{$defined{$1}} }
        elsif ($line =~ /<range_mapping/) {
            push @$into, [map { attribute($line, $_) } qw(origin_begin data_begin length time)];
        } elsif ($line =~ /<single_mapping/) {
            push @$into, [attribute($line, 'origin_block'), attribute($line, 'data_block'), 1, attribute($line, 'time')];
        }
    }, 'thin_dump', '-m', (map { ('--dev-id', $_) } @ids), $metadata);
    return %of;
}

# Runs that continue each other are one.
sub joined {
    my @runs;
    for my $run (@_) {
        my ($begin, $data, $length, $time) = @$run;
        my $last = $runs[-1];
        if ($last && $$last[0] + $$last[2] == $begin && $$last[1] + $$last[2] == $data && $$last[3] == $time) {
            $$last[2] += $length;
        } else {
            push @runs, [@$run];
        }
    }
    return @runs;
}

# ranges BLOCK [WORD, BEGIN, LENGTH]...: lines in bytes, and how many bytes in how many ranges are to look at.
sub ranges {
    my ($block, @found) = @_;
    my ($bytes, $count, @lines) = (0, 0);
    for my $one (@found) {
        my ($word, $begin, $length) = ($$one[0], $$one[1] * $block, $$one[2] * $block);
        $count++;
        $bytes += $length if $word eq 'look';
        push @lines, "$word $begin $length\n";
    }
    return ($bytes, $count, @lines);
}

# Neighbours with the same word are one.
sub merged {
    my @runs;
    for my $run (@_) {
        my $last = $runs[-1];
        if ($last && $$last[0] eq $$run[0] && $$last[1] + $$last[2] == $$run[1]) {
            $$last[2] += $$run[2];
        } else {
            push @runs, [@$run];
        }
    }
    return @runs;
}

sub of_whole {
    my ($block, @mapped) = @_;
    return ranges($block, merged(map { ['look', $$_[0], $$_[2]] } @mapped));
}

sub of_delta {
    my ($id, $base) = @_;
    my ($block, @found);
    each_line(sub {
        my ($line) = @_;
        if ($line =~ /<superblock/) {
            $block = $SECTOR * attribute($line, 'data_block_size');
        } elsif ($line =~ /<(\w+) begin=/) {
            my $word = $WORD{$1};
            fail("thin_delta says $1") unless defined $word;
            push @found, [$word, attribute($line, 'begin'), attribute($line, 'length')] if $word;
        }
    }, 'thin_delta', '-m', '--thin1', $base, '--thin2', $id, $metadata);
    return ranges($block, merged(@found));
}

my @jobs = grep { @$_ } map { [split] } <STDIN>;
my $block;
my %mapped = mappings(\$block, map { $$_[0] eq 'delta' ? () : $$_[2] } @jobs);
for my $job (@jobs) {
    my ($word, $name, $id, $base) = @$job;
    my ($bytes, $count, @lines) = $word eq 'delta' ? of_delta($id, $base)
        : $word eq 'whole' ? of_whole($block, @{$mapped{$id}})
        : (0, 0, map { "@$_\n" } joined(@{$mapped{$id}}));
    open my $file, '>', "$directory/$name" or fail("$directory/$name: $!");
    print $file @lines;
    close $file or fail("$directory/$name: $!");
    print "$name $bytes $count\n";
}
