# identity.sh ... GROUP POINT FORM: what a receiver of the point will know it by.
own
is_marked "$1" || refuse not-on-server "recovery point $1 is not in the pool"
if [ "$2" = blocks ]; then echo "$1"; else identity_of "$1"; fi
