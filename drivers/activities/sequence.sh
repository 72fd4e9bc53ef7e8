# sequence.sh BYTES LINE [BYTES LINE...]: run shell lines one after the other, as parts of one activity: each counts its
# own progress, in a directory of its own. The first that fails is the end.
whole=$CGCTL_ACTIVITY
number=0
for word in "$@"; do
    if [ "$((number % 2))" = 0 ]; then
        mkdir -p "$whole/part-$((number / 2))"
        printf '0 %s\n' "$word" >"$whole/part-$((number / 2))/progress"
    fi
    number=$((number + 1))
done
number=0
while [ $# -gt 0 ]; do
    CGCTL_ACTIVITY=$whole/part-$number
    export CGCTL_ACTIVITY
    sh -c "$2"
    number=$((number + 1))
    shift 2
done
