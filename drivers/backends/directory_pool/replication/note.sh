# note.sh ... GROUP GENERATION STATE: the side's note. Standard input: generations that shall be known.
claim
hold_notes
know_generations
write_note side "$1 $2"
