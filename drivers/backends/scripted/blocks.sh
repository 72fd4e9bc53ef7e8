# The stream that all drivers understand, `blocks`. Its head says what is to come, before anything is written: lines
#   cgctl-blocks 1
#   alive                    when there was nothing to say for a while
#   member VOLUME BYTES      for each
#   ships BYTES RANGES       at most so many bytes, in so many ranges
# Behind it comes a stream of ship.pl.
# shellcheck disable=SC2034 # the scripts use them

line_end='
'

# read_head: $announced, lines `VOLUME BYTES`; $member_count, $total, all their bytes; $ships, $ranges. `read` takes no more of standard input than its line.
read_head() {
    read -r line || line=''
    [ "$line" = 'cgctl-blocks 1' ] || refuse refused 'what arrives is no stream of blocks'
    announced='' ships='' member_count=0 total=0
    while [ -z "$ships" ]; do
        read -r word one other || refuse refused 'the stream was cut'
        [ "$word" != alive ] || continue
        # What comes from another server is an id and numbers, or nothing: it becomes part of commands.
        case $word,$one,$other in
            *,*,*[!0-9]* | *, | ships,*[!0-9]*,* | ships,,*) refuse refused 'the stream is damaged' ;;
            member,*[!0-9a-f-]*,*) refuse refused 'the stream is damaged' ;;
            member,????????-????-????-????-????????????,*)
                announced="$announced${announced:+$line_end}$one $other"
                member_count=$((member_count + 1)) total=$((total + other)) ;;
            ships,*) ships=$one ranges=$other ;;
            *) refuse refused 'the stream is damaged' ;;
        esac
    done
    [ -n "$announced" ] || refuse refused 'the stream names no members'
}
