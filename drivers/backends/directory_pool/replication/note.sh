# note.sh ... GROUP GENERATION STATE: the side's note, or none where GENERATION is empty. Standard input: generations.
generation=$1 state=$2
if [ -n "$generation" ]; then claim; else own; fi
hold_notes
know_generations
[ -z "$generation" ] || write_note side "$generation $state"
